"""Signed statements about the chain: checkpoints, and records of purges. Pure: time is an argument.

A checkpoint says that the entry with a number had a hash at a time. A purge record says up to which entry the
chain was deleted, because those entries were older than the retention. Both are single lines of JSON, which
leave the host, and whose signature (Ed25519) covers every field.
"""

from __future__ import annotations

import base64
import hashlib
from enum import Enum
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from display_server.broker.audit.chain import netstrings

#: The first value of what is signed. It keeps these signatures apart from those of anything else.
STATEMENT_TAG = "lightbox-audit-statement"
#: Longest line that is parsed, characters.
LINE_MAX = 1024


class StatementKind(Enum):
    CHECKPOINT = "checkpoint"
    PURGE = "purge"


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One statement. Times are microseconds since the epoch, UTC."""

    audit: StatementKind
    form: Literal[1] = 1
    chain: str  # the name of the chain
    seq: int  # the number of the entry; of a purge, the last one that was deleted
    hash: str  # the hash of that entry
    at_us: int
    cutoff_us: int | None = None  # of a purge: every deleted entry was older
    key: str  # fingerprint of the public key
    signature: str = ""  # in base64

    def signed_bytes(self) -> bytes:
        """Returns what the signature covers: every other field."""
        return netstrings(
            STATEMENT_TAG,
            self.form,
            self.audit.value,
            self.chain,
            self.seq,
            self.hash,
            self.at_us,
            self.cutoff_us,
            self.key,
        )

    def line(self) -> str:
        """Returns the statement as one line, without its end."""
        return msgspec.json.encode(self).decode()


def sign(
    key: Ed25519PrivateKey,
    kind: StatementKind,
    *,
    chain: str,
    seq: int,
    row_hash: str,
    at_us: int,
    cutoff_us: int | None = None,
) -> Statement:
    """Makes a signed statement."""
    unsigned = Statement(
        audit=kind,
        chain=chain,
        seq=seq,
        hash=row_hash,
        at_us=at_us,
        cutoff_us=cutoff_us,
        key=fingerprint(key.public_key()),
    )
    signature = base64.b64encode(key.sign(unsigned.signed_bytes())).decode()
    return msgspec.structs.replace(unsigned, signature=signature)


def parse(line: str) -> Statement:
    """Reads a line. Raises ValueError when it is no statement. Does not verify the signature."""
    if len(line) > LINE_MAX:
        raise ValueError("the line is too long")
    try:
        return msgspec.json.decode(line, type=Statement, strict=True)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


def is_genuine(statement: Statement, key: Ed25519PublicKey) -> bool:
    """Returns whether the statement was signed with the private half of this key."""
    try:
        key.verify(base64.b64decode(statement.signature, validate=True), statement.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(key: Ed25519PublicKey) -> str:
    """Returns the SHA-256 of the key's 32 bytes, in hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()
