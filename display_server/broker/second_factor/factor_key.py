"""The key that protects what the database stores of second factors.

Whoever reads the database alone can compute no code and find no recovery code: secrets of apps are encrypted
and authenticated (AES-256-GCM), and recovery codes and the numbers of badges, which are short, are hashed
with the key (HMAC-SHA-256).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from display_server.errors import ConfigurationError, Malfunction

#: Random bytes of the key, and of each key that is derived from it.
KEY_BYTES = 32
#: Random bytes that AES-GCM needs for each encryption.
NONCE_BYTES = 12


class FactorKeyError(Malfunction):
    """What the database stores was encrypted with another key, or was altered."""


class FactorKey:
    """Encrypts, decrypts and hashes with keys that are derived from one."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_derive(key, b"lightbox totp secrets"))
        self._hash_key = _derive(key, b"lightbox recovery codes")
        self._badge_key = _derive(key, b"lightbox badge numbers")

    @classmethod
    def provide(cls, path: Path) -> Self:
        """Reads the key from its file, which is created (mode 0600) where there is none.

        Raises ConfigurationError when the file cannot be used or can be read by other users.
        """
        try:
            if not path.exists():
                _create(path)
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise ConfigurationError(f"{path} can be read by other users.", hint=f"chmod 600 {path}")
            key = base64.b64decode(path.read_bytes().strip(), validate=True)
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be used: {error.strerror}.",
                hint="Check the permissions of the file and the free space of its folder.",
            ) from error
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise ConfigurationError(
                f"{path} is damaged: it has no key of {KEY_BYTES} bytes.",
                hint="Restore it from a backup. Without it, move it away; then every person has to be given "
                "a new second factor with `lightbox account reset-second-factor NAME`.",
            )
        return cls(key)

    def encrypt(self, secret: bytes, owner: bytes) -> bytes:
        """Returns the secret in encrypted form. It can be decrypted only for the same `owner`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, owner)

    def decrypt(self, stored: bytes, owner: bytes) -> bytes:
        """Returns the secret. Raises FactorKeyError."""
        try:
            return self._cipher.decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], owner)
        except (InvalidTag, ValueError) as error:
            raise FactorKeyError(
                "A stored second factor cannot be read: the file second-factor-key is not the one with which "
                "it was stored.",
                next_step="Restore that file from the backup that belongs to the database, or reset the "
                "second factor with `lightbox account reset-second-factor NAME`.",
            ) from error

    def hash_code(self, code: str, owner: bytes) -> bytes:
        """Returns the hash under which a recovery code of `owner` is stored."""
        mac = hmac.HMAC(self._hash_key, hashes.SHA256())
        mac.update(owner + b"\0" + code.encode())
        return mac.finalize()

    def hash_badge(self, number: str) -> bytes:
        """Returns the hash under which a badge is stored. It is the same for every owner, to be found by."""
        mac = hmac.HMAC(self._badge_key, hashes.SHA256())
        mac.update(number.encode())
        return mac.finalize()


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(key)


def _create(path: Path) -> None:
    """Writes a new key. If another process writes one at the same time, the first one stays."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)  # unlike a rename, this never replaces a file
    finally:
        scratch.unlink(missing_ok=True)
