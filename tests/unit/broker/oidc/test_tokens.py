"""ID tokens and logout tokens: one that is as expected passes, and each single change is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from display_server.broker.oidc.errors import AnswerRefusedError
from display_server.broker.oidc.tokens import (
    LOGOUT_EVENT,
    LOGOUT_MAX_AGE_S,
    TOKEN_MAX,
    Expected,
    LogoutToken,
    check_id_token,
    check_logout_token,
    header_of,
)
from tests.unit.broker.oidc.provider_facts import EXPECTED, ISSUER, KEY, NOW_S, claims, signed


def check(
    token: str, *, fresh: bool = True, now_s: float = NOW_S, expected: Expected = EXPECTED
) -> dict[str, Any]:
    return check_id_token(
        token, KEY, expected, nonce="the nonce", begun_s=NOW_S - 30, fresh=fresh, now_s=now_s
    )


def test_a_token_as_expected_is_accepted() -> None:
    assert check(signed(claims()))["sub"] == "subject-1"
    assert check(signed(claims(aud=["lightbox"])))["sub"] == "subject-1"
    assert check(signed(claims(aud=["lightbox", "other"], azp="lightbox")))["sub"] == "subject-1"
    assert check(signed(claims(auth_time=None)), fresh=False)["sub"] == "subject-1"
    assert check(signed(claims(), unknown="ignored"))["sub"] == "subject-1"
    assert check(signed(claims(groups=["x" * 40] * 1000)))["sub"] == "subject-1", "a large one"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://id.hospital.example/realms/other"},
        {"iss": ISSUER + "/"},
        {"iss": [ISSUER]},
        {"iss": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": ["other"]},
        {"aud": {"lightbox": 1}},
        {"aud": None},
        {"aud": ["lightbox", "other"]},
        {"azp": "other"},
        {"nonce": "another nonce"},
        {"nonce": 5},
        {"nonce": None},
        {"exp": int(NOW_S) - 61},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": None},
        {"iat": int(NOW_S) + 61},
        {"iat": int(NOW_S) - 91},
        {"iat": None},
        {"nbf": int(NOW_S) + 61},
        {"auth_time": int(NOW_S) - 91},
        {"auth_time": "now"},
        {"auth_time": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "line\nbreak"},
    ],
)
def test_a_single_wrong_claim_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(AnswerRefusedError):
        check(signed(claims(**changed)))


def test_clocks_may_differ_within_the_limit() -> None:
    assert check(signed(claims(exp=int(NOW_S) - 59)))
    assert check(signed(claims(iat=int(NOW_S) + 59, exp=int(NOW_S) + 300)))
    strict = Expected(ISSUER, "lightbox", ("ES256",), 0)
    with pytest.raises(AnswerRefusedError):
        check(signed(claims(exp=int(NOW_S) - 1)), expected=strict)


def check_with_header(token: str) -> None:
    header_of(token)
    check(token)


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_signatures_that_prove_nothing_are_refused() -> None:
    token = signed(claims())
    head, body, signature = token.split(".")
    other = ECKey.generate_key("P-256")
    for forged in (
        f"{_part({'alg': 'none'})}.{body}.",
        f"{_part({'alg': 'none'})}.{body}.{signature}",
        f"{_part({'alg': 'HS256', 'kid': 'one'})}.{body}.{signature}",
        f"{head}.{_part(claims(sub='somebody else'))}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        signed(claims(), other),
        signed(claims(), crit=["b64"], b64=True),
        "",
        "a.b.c",
        "x" * (TOKEN_MAX + 1),
    ):
        with pytest.raises(AnswerRefusedError):
            check_with_header(forged)
    with pytest.raises(AnswerRefusedError):
        check(token, expected=Expected(ISSUER, "lightbox", ("RS256",), 60))
    with pytest.raises(AnswerRefusedError):
        check(token, expected=Expected(ISSUER, "lightbox", (), 60))


def logout(**changed: Any) -> str:
    usual: dict[str, Any] = {"events": {LOGOUT_EVENT: {}}, "jti": "1", "sid": "session", "nonce": None}
    return signed(claims(**(usual | changed)), typ="logout+jwt")


def test_a_logout_token_names_a_session_or_a_person() -> None:
    def end(token: str) -> LogoutToken:
        return check_logout_token(token, KEY, EXPECTED, now_s=NOW_S)

    assert end(logout()) == LogoutToken("subject-1", "session")
    assert end(logout(sid=None)) == LogoutToken("subject-1", None)
    assert end(logout(sub=None)) == LogoutToken(None, "session")
    wrongs: tuple[dict[str, Any], ...] = (
        {"events": None},
        {"events": {}},
        {"events": {LOGOUT_EVENT: True}},
        {"nonce": "the nonce"},
        {"jti": None},
        {"sub": None, "sid": None},
        {"sid": ""},
        {"sid": 5},
        {"iat": int(NOW_S - LOGOUT_MAX_AGE_S) - 61},
        {"exp": int(NOW_S) - 61},
        {"iss": "https://elsewhere.example"},
        {"aud": "other"},
    )
    for wrong in wrongs:
        with pytest.raises(AnswerRefusedError):
            end(logout(**wrong))
    with pytest.raises(AnswerRefusedError):
        end(signed(claims(events={LOGOUT_EVENT: {}}, jti="1", nonce=None), typ="at+jwt"))


def test_a_token_of_one_kind_is_not_one_of_the_other() -> None:
    with pytest.raises(AnswerRefusedError):
        check(logout())
    with pytest.raises(AnswerRefusedError):
        check_logout_token(signed(claims()), KEY, EXPECTED, now_s=NOW_S)
