"""Checks what a provider signs: ID tokens and logout tokens. Pure: the time is an argument.

Signatures and registered claims are checked by joserfc; what OpenID Connect demands beyond them, here.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, extract_compact

from display_server.broker.oidc.errors import AnswerRefusedError
from display_server.broker.oidc.keys import PublicKey

#: Largest token, characters. Tokens with some hundred groups have 10,000.
TOKEN_MAX = 64 * 1024
#: Longest subject and session id, characters; OpenID Connect limits subjects to this length.
TEXT_MAX = 255
#: A logout token is accepted for this time after it was made, s, beside the clock skew.
LOGOUT_MAX_AGE_S = 180.0
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class _Registry(JWSRegistry):
    max_header_length = 4096
    max_payload_length = TOKEN_MAX
    max_signature_length = 2048


@dataclass(frozen=True, slots=True)
class Expected:
    """What tokens of a provider have to say. `skew_s` is how much its clock may differ, in seconds."""

    issuer: str
    client_id: str
    algorithms: Sequence[str]
    skew_s: float


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """Which sign-ins have ended at a provider: one session of it, or all of a person."""

    subject: str | None
    sid: str | None


def header_of(token: str) -> Mapping[str, Any]:
    """Returns the header of a token, which says nothing yet. Raises AnswerRefusedError."""
    if len(token) > TOKEN_MAX or not token.isascii():
        raise AnswerRefusedError("the token is too long or no token")
    try:
        return dict(extract_compact(token.encode(), None, _registry(None)).headers())
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AnswerRefusedError(f"the token cannot be read ({type(error).__name__})") from error


def check_id_token(
    token: str, key: PublicKey, expected: Expected, *, nonce: str, begun_s: float, fresh: bool, now_s: float
) -> dict[str, Any]:
    """Returns the claims of an ID token. Raises AnswerRefusedError when anything of it is not as expected.

    `begun_s` is when the sign-in began. With `fresh` the person has to have given the password after that.
    """
    claims = _claims(token, key, expected, now_s)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise AnswerRefusedError("the nonce of the token is not that of this sign-in")
    if _number(claims, "iat") < begun_s - expected.skew_s:
        raise AnswerRefusedError("the token is older than this sign-in")
    if fresh and _number(claims, "auth_time") < begun_s - expected.skew_s:
        raise AnswerRefusedError("the provider did not ask for the password again (auth_time is too old)")
    _subject(claims)
    return claims


def check_logout_token(token: str, key: PublicKey, expected: Expected, *, now_s: float) -> LogoutToken:
    """Returns which sign-ins a logout token ends. Raises AnswerRefusedError."""
    kind = header_of(token).get("typ")
    if kind is not None and str(kind).lower().removeprefix("application/") not in {"logout+jwt", "jwt"}:
        raise AnswerRefusedError("the token is no logout token, by its type")
    claims = _claims(token, key, expected, now_s)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise AnswerRefusedError("the token is no logout token")
    if "nonce" in claims:
        raise AnswerRefusedError("a logout token must not have a nonce")
    if not isinstance(claims.get("jti"), str):
        raise AnswerRefusedError("the logout token has no id")
    if _number(claims, "iat") < now_s - LOGOUT_MAX_AGE_S - expected.skew_s:
        raise AnswerRefusedError("the logout token is too old")
    subject = _subject(claims) if "sub" in claims else None
    sid = sid_of(claims)
    if subject is None and sid is None:
        raise AnswerRefusedError("the logout token names nobody")
    return LogoutToken(subject, sid)


def sid_of(claims: Mapping[str, Any]) -> str | None:
    """Returns the provider's id of a person's session there. Raises AnswerRefusedError."""
    sid = claims.get("sid")
    if sid is not None and (not isinstance(sid, str) or not 0 < len(sid) <= TEXT_MAX):
        raise AnswerRefusedError("the session id of the token is no usable text")
    return sid


def _claims(token: str, key: PublicKey, expected: Expected, now_s: float) -> dict[str, Any]:
    """Checks signature, issuer, audience and times."""
    if not expected.algorithms:  # joserfc would take its defaults
        raise AnswerRefusedError("no algorithm is allowed")
    registry = jwt.JWTClaimsRegistry(
        now=int(now_s),
        leeway=int(expected.skew_s),
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        decoded = jwt.decode(token, key, registry=_registry(expected.algorithms))
        claims = decoded.claims
        if not isinstance(claims, dict) or "crit" in decoded.header:
            raise AnswerRefusedError("the token has no claims, or extensions that it calls critical")
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise AnswerRefusedError(f"the token was refused: {str(error)[:200]}") from error
    audience = claims["aud"]
    if not isinstance(audience, str | list) or claims["iss"] != expected.issuer:
        raise AnswerRefusedError("issuer or audience of the token are no texts")
    party = claims.get("azp")
    several = isinstance(audience, list) and len(audience) > 1
    if party != expected.client_id and (several or party is not None):
        raise AnswerRefusedError("the token was made for another client")
    for name in ("exp", "iat"):
        _number(claims, name)
    return dict(claims)


def _registry(algorithms: Sequence[str] | None) -> _Registry:
    # Members of the header that are unknown are to be ignored, unless `crit` names them.
    allowed = None if algorithms is None else list(algorithms)
    return _Registry(algorithms=allowed, strict_check_header=False)


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= TEXT_MAX or not subject.isprintable():
        raise AnswerRefusedError("the token has no usable subject")
    return subject


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerRefusedError(f"the token has no usable {name}")
    return float(value)
