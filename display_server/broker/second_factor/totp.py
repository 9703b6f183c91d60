"""Time-based one-time codes (RFC 6238), as all authenticator apps compute them. Pure: time is an argument.

HOTP is that of `cryptography`, which the product needs anyway and which is released every few weeks. The
package pyotp was rejected: it would add a dependency for the ten lines below, and it compares with a window
without saying which step matched, which is what has to be stored so that a code works only once.
"""

from __future__ import annotations

import base64
import secrets
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

#: Random bytes of a secret: the length that RFC 4226 recommends.
SECRET_BYTES = 20
#: Duration of one step, s. This, six digits and SHA-1 are what every app supports.
STEP_S = 30
DIGITS = 6
#: Codes of this many steps before and after the present one are accepted, because clocks differ.
TOLERANCE_STEPS = 1


def new_secret() -> bytes:
    """Returns a random secret."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """Returns the code of one step."""
    # SHA-1 is safe in HMAC, and many apps ignore other algorithms.
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()  # noqa: S303


def step_of(now_s: float) -> int:
    """Returns the number of the step at a time in seconds since the epoch."""
    return int(now_s // STEP_S)


def matching_step(secret: bytes, code: str, now_s: float) -> int | None:
    """Returns the step whose code this is, or None. Every step that may match is compared completely."""
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return None
    present, found = step_of(now_s), None
    for step in range(max(0, present - TOLERANCE_STEPS), present + TOLERANCE_STEPS + 1):
        if constant_time.bytes_eq(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """Returns the secret in base32, as people type it into an app that cannot read a QR code."""
    return base64.b32encode(secret).decode().rstrip("=")


def provisioning_uri(secret: bytes, username: str, issuer: str) -> str:
    """Returns the address in the QR code, in the form that all apps read (Key URI Format)."""
    label = f"{quote(issuer, safe='')}:{quote(username, safe='')}"
    values = {"secret": secret_text(secret), "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS}
    return f"otpauth://totp/{label}?{urlencode({**values, 'period': STEP_S}, quote_via=quote)}"
