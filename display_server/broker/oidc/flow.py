"""What one sign-in at a provider consists of: its secrets, and the address to which the browser goes. Pure.

State, nonce and the verifier of PKCE are derived from the secret of a cookie. The database has only the
hash of that secret, so that nobody can continue a sign-in with the content of the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from display_server.broker.oidc.addresses import with_parameters
from display_server.broker.oidc.discovery import Metadata
from display_server.broker.oidc.settings import ProviderSettings

#: A sign-in has to be complete after this time, s. People look for their phone meanwhile.
FLOW_VALID_S = 600.0


@dataclass(frozen=True, slots=True)
class FlowSecrets:
    """The three values that tie the provider's answers to one browser and one sign-in."""

    state: str  # the browser brings it back
    nonce: str  # the ID token contains it
    verifier: str  # whoever redeems the code has to know it

    @classmethod
    def of(cls, cookie: str) -> FlowSecrets:
        """Derives the values from the secret in the cookie, which has 256 random bits."""
        return cls(*(_derived(cookie, name) for name in ("state", "nonce", "verifier")))

    @property
    def challenge(self) -> str:
        return _base64(hashlib.sha256(self.verifier.encode()).digest())

    def is_state(self, state: str) -> bool:
        return hmac.compare_digest(self.state.encode(), state.encode("utf-8", "replace"))


def redirect_uri(server: str, provider: str) -> str:
    """Returns where the provider sends the browser back to, which has to be registered there.

    `server` is the address of this server as the browser knows it, without a slash at its end.
    """
    return f"{server}/oidc/{provider}"


def authorization_url(
    settings: ProviderSettings,
    metadata: Metadata,
    secrets: FlowSecrets,
    *,
    redirect: str,
    fresh: bool,
    hint: str | None = None,
    acr_values: Sequence[str] = (),
) -> str:
    """Returns the provider's address for a sign-in. With `fresh` it has to ask for the password again.

    `hint` is the name of the person who is expected.
    """
    parameters = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": redirect,
        "scope": " ".join(settings.scopes),
        "state": secrets.state,
        "nonce": secrets.nonce,
        "code_challenge": secrets.challenge,
        "code_challenge_method": "S256",
    }
    if fresh:
        # Without max_age the provider need not say when the person gave the password.
        parameters |= {"prompt": "login", "max_age": "0"}
    if hint is not None:
        parameters["login_hint"] = hint
    if acr_values:
        parameters["acr_values"] = " ".join(acr_values)
    return with_parameters(metadata.authorization, parameters)


def sign_out_url(
    settings: ProviderSettings, metadata: Metadata, *, id_token: str, return_to: str
) -> str | None:
    """Returns the provider's address for signing out there; None if it has none."""
    if metadata.end_session is None:
        return None
    parameters = {"id_token_hint": id_token, "client_id": settings.client_id}
    if return_to.startswith("https://"):  # otherwise the browser did not say which page it shows
        parameters["post_logout_redirect_uri"] = return_to
    return with_parameters(metadata.end_session, parameters)


def _derived(cookie: str, name: str) -> str:
    key = cookie.encode("utf-8", "surrogatepass")
    return _base64(hmac.digest(key, f"lightbox oidc {name}".encode(), "sha256"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
