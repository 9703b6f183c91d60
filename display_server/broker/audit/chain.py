"""The chain of entries: how an entry is serialised and hashed. Pure.

The hash of a row is SHA-256 over the name `lightbox-audit` and all other columns in the order of `COLUMNS`.
Each value is written as a netstring (`5:hello,`), numbers in decimal, and a missing value as `-,`. So the
borders of fields are unambiguous, and anybody can compute the hash without this program. Rows are numbered
without gaps, and each one contains the hash of the row before it. docs/audit.md describes the same for
auditors.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from display_server.broker.audit.entry import AuditEntry, cleaned

#: Version of the serialisation. Rows keep the version that they were written with.
FORM = 1
#: Microseconds per second.
US_PER_S = 1_000_000
#: The first value of what is hashed. It keeps hashes of rows apart from those of anything else.
ROW_TAG = "lightbox-audit"
START_TAG = "lightbox-audit-start"
#: The hashed columns of form 1, in this order. The column `hash` is the only other one.
COLUMNS = (
    "form",
    "seq",
    "previous",
    "at_us",
    "account",
    "role",
    "address",
    "device",
    "subject",
    "action",
    "object",
    "outcome",
    "reason",
    "spool_id",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the database has it. Hashes are hexadecimal."""

    seq: int  # from 1, without gaps
    form: int
    previous: str
    at_us: int  # microseconds since the epoch, UTC
    account: str | None
    role: str
    address: str | None
    device: str | None
    subject: str | None
    action: str
    object: str | None
    outcome: str
    reason: str | None
    spool_id: str | None  # of the record in the spool that the row was made from
    hash: str = ""


def netstrings(*values: str | int | None) -> bytes:
    """Serialises values so that different ones never give the same bytes."""
    parts = []
    for value in values:
        if value is None:
            parts.append(b"-,")
        else:
            content = str(value).encode("utf-8", "surrogatepass")
            parts.append(b"%d:%s," % (len(content), content))
    return b"".join(parts)


def digest(*values: str | int | None) -> str:
    return hashlib.sha256(netstrings(*values)).hexdigest()


def hash_of_row(row: Row) -> str:
    """Computes what `row.hash` has to be."""
    return digest(ROW_TAG, *(getattr(row, name) for name in COLUMNS))


def start_of(chain: str) -> str:
    """Returns what the first row of a chain has in place of the hash of a row before it."""
    return digest(START_TAG, chain)


def row_of(entry: AuditEntry, seq: int, previous: str, spool_id: str | None = None) -> Row:
    """Makes the row that follows the one with the hash `previous`."""
    entry = cleaned(entry)
    row = Row(
        seq=seq,
        form=FORM,
        previous=previous,
        at_us=round(entry.at_s * US_PER_S),
        account=entry.account,
        role=entry.role.value,
        address=entry.address,
        device=entry.device,
        subject=entry.subject,
        action=entry.action.value,
        object=entry.object,
        outcome=entry.outcome.value,
        reason=entry.reason,
        spool_id=spool_id,
    )
    return replace(row, hash=hash_of_row(row))
