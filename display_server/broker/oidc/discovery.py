"""What a provider says of itself at `/.well-known/openid-configuration`, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from display_server.broker.oidc.addresses import allowed
from display_server.broker.oidc.errors import AnswerRefusedError
from display_server.broker.oidc.settings import ProviderSettings


@dataclass(frozen=True, slots=True)
class Metadata:
    """The addresses of a provider. All of them belong to its configured origins."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None  # None: the provider has no sign-out that this server could ask for
    #: Whether answers of the provider in the browser name their issuer (RFC 9207).
    names_issuer: bool


def discovery_url(issuer: str) -> str:
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def read_metadata(document: Mapping[str, Any], settings: ProviderSettings) -> Metadata:
    """Returns the metadata. Raises AnswerRefusedError when the document is not that of this provider, or when
    the provider cannot do what Lightbox needs.
    """
    if document.get("issuer") != settings.issuer:
        raise AnswerRefusedError(
            f"the provider calls itself {_short(document.get('issuer'))}, not {settings.issuer}"
        )
    for key, needed in (
        ("response_types_supported", "code"),
        ("code_challenge_methods_supported", "S256"),
        ("grant_types_supported", "authorization_code"),
    ):
        listed = document.get(key)
        if listed is not None and needed not in _texts(listed):
            raise AnswerRefusedError(f"the provider does not support {needed}, by its {key}")
    offered = _texts(document.get("id_token_signing_alg_values_supported", ["RS256"]))
    if not set(offered) & set(settings.algorithms):
        raise AnswerRefusedError(
            f"the provider signs with {', '.join(offered)[:100]}, and none of them is in `algorithms`"
        )
    return Metadata(
        authorization=_required(document, "authorization_endpoint", settings),
        token=_required(document, "token_endpoint", settings),
        keys=_required(document, "jwks_uri", settings),
        userinfo=_required(document, "userinfo_endpoint", settings) if settings.userinfo else None,
        end_session=_required(document, "end_session_endpoint", settings)
        if "end_session_endpoint" in document
        else None,
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _required(document: Mapping[str, Any], key: str, settings: ProviderSettings) -> str:
    url = document.get(key)
    if not isinstance(url, str) or not allowed(url, settings.origins):
        raise AnswerRefusedError(
            f"its {key} is {_short(url)}, which is no https address of `issuer` or `origins`"
        )
    return url


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _short(value: object) -> str:
    return repr(value)[:200]
