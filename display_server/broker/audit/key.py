"""The key that signs statements: a file of the state folder, made once. Blocks."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from display_server.errors import ConfigurationError


def open_key(path: Path) -> Ed25519PrivateKey:
    """Returns the key in this file, and creates the file with mode 0600 if it is missing.

    Raises ConfigurationError when the file is no such key or other users can read it, and OSError.
    """
    if not path.exists():
        _create(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError(f"{path} can be read by other users.", hint=f"chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise _unusable(path, str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "it is of another kind")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Returns the public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Reads a public key that `public_pem` has written. Raises ConfigurationError, and OSError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except ValueError as error:
        raise _unusable(path, str(error)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path, "it is of another kind")
    return key


def _create(path: Path) -> None:
    """Writes a new key completely or not at all. Of several processes that do so, the first one wins."""
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is not a key of the audit: {reason}.",
        hint="Restore the file from a backup. Without it, nobody can verify earlier checkpoints here.",
    )
