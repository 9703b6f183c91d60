"""Codes are those of RFC 6238, with one step of tolerance."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from display_server.broker.second_factor import totp

#: The secret of the RFC's test vectors for SHA-1, and the last six of their eight digits.
RFC_SECRET = b"12345678901234567890"
RFC_CODES = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("now_s", "code"), RFC_CODES)
def test_computes_the_codes_of_the_standard(now_s: int, code: str) -> None:
    assert totp.code_at(RFC_SECRET, totp.step_of(now_s)) == code
    assert totp.matching_step(RFC_SECRET, code, now_s) == now_s // 30


def test_accepts_one_step_before_and_after() -> None:
    now_s = 1_000_000.0
    step = totp.step_of(now_s)
    for offset in (-1, 0, 1):
        assert totp.matching_step(RFC_SECRET, totp.code_at(RFC_SECRET, step + offset), now_s) == step + offset
    for offset in (-2, 2):
        assert totp.matching_step(RFC_SECRET, totp.code_at(RFC_SECRET, step + offset), now_s) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "12 456", "-12345"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert totp.matching_step(RFC_SECRET, code, 59) is None


def test_secrets_differ_and_are_long() -> None:
    assert len({totp.new_secret() for _ in range(50)}) == 50
    assert len(totp.new_secret()) >= 20


def test_the_address_of_the_qr_code_has_all_that_an_app_needs() -> None:
    uri = totp.provisioning_uri(RFC_SECRET, "kim@ward 3", "Lightbox")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Lightbox:kim%40ward%203")
    assert parse_qs(parts.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["Lightbox"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
