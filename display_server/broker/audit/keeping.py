"""Makes checkpoints, sends them out of the host, purges what is too old, and verifies the chain."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import delete, func, insert, select, update

from display_server.broker.audit.append import HEAD, append_row
from display_server.broker.audit.chain import US_PER_S
from display_server.broker.audit.entry import Action, AuditEntry, Role
from display_server.broker.audit.reading import every_readable, missing_guards, read_head, read_statements
from display_server.broker.audit.statements import LINE_MAX, Statement, StatementKind, parse, sign
from display_server.broker.audit.verification import Finding, Given, Report, Verifier, time_text
from display_server.broker.store import Store
from display_server.broker.tables import AuditCheckpoint, AuditHead, AuditRow
from display_server.errors import ConfigurationError
from display_server.telemetry import syslog

#: Microseconds per year of a retention: 365.25 days.
US_PER_YEAR = 31_557_600 * US_PER_S
#: How reports name the place of the host's own statements.
DATABASE = "the database"


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where statements go."""

    file: Path | None = None
    syslog: syslog.SyslogAddress | None = None

    def send(self, statement: Statement) -> list[str]:
        """Sends a statement to all of them. Blocks. Returns what went wrong, in words."""
        failures = []
        if self.file is not None:
            try:
                _append_line(self.file, statement.line())
            except OSError as error:
                failures.append(f"The checkpoint file {self.file} cannot be written: {error.strerror}.")
        if self.syslog is not None:
            name = f"audit-{statement.audit.value}"
            content = syslog.message(statement.line(), message_id=name, at_us=statement.at_us)
            try:
                syslog.send(self.syslog, content)
            except OSError as error:
                failures.append(f"The syslog server cannot be reached: {error}.")
        return failures


async def make_checkpoint(
    store: Store, key: Ed25519PrivateKey, now_us: int, *, again: bool = False
) -> Statement | None:
    """Signs the end of the chain and stores the statement.

    Returns None when nothing was recorded since the newest one, unless `again`, or when nothing was at all.
    """
    async with store.begin() as db:
        head = await read_head(db)
        if head is None or head.seq == 0:
            return None
        signed_seq = await db.scalar(select(func.max(AuditCheckpoint.seq)))
        if signed_seq == head.seq and not again:
            return None
        statement = sign(
            key,
            StatementKind.CHECKPOINT,
            chain=head.chain,
            seq=head.seq,
            row_hash=head.hash,
            at_us=now_us,
        )
        await db.execute(insert(AuditCheckpoint).values(seq=head.seq, statement=statement.line()))
    return statement


async def purge(
    store: Store, key: Ed25519PrivateKey, *, now_us: int, retention_years: int, operator: str
) -> Statement | None:
    """Deletes the entries that are older than the retention, and leaves a signed record of it.

    Only a beginning of the chain is deleted: an older entry behind a newer one stays. Returns None when there
    is nothing to delete.
    """
    cutoff_us = now_us - retention_years * US_PER_YEAR
    async with store.begin() as db:
        # Nobody appends from here on, because this takes the lock of the chain.
        await db.execute(
            update(AuditHead).where(AuditHead.id == HEAD).values(purged_seq=AuditHead.purged_seq)
        )
        head = await read_head(db)
        if head is None:
            return None
        kept = await db.scalar(select(func.min(AuditRow.seq)).where(AuditRow.at_us >= cutoff_us))
        last = head.seq if kept is None else kept - 1
        if last <= head.purged_seq:
            return None
        row_hash = await db.scalar(select(AuditRow.hash).where(AuditRow.seq == last))
        if row_hash is None:
            raise ConfigurationError(
                f"Entry {last} of the audit is missing, so nothing was deleted.",
                hint="`lightbox audit verify` says what is wrong.",
            )
        statement = sign(
            key,
            StatementKind.PURGE,
            chain=head.chain,
            seq=last,
            row_hash=row_hash,
            at_us=now_us,
            cutoff_us=cutoff_us,
        )
        entry = AuditEntry(
            now_us / US_PER_S,
            Action.AUDIT_PURGED,
            account=operator,
            role=Role.OPERATOR,
            object="audit",
            reason=f"entries up to {last}, which were written before {time_text(cutoff_us)}",
        )
        await append_row(db, entry)
        await db.execute(update(AuditHead).where(AuditHead.id == HEAD).values(purged_seq=last))
        await db.execute(delete(AuditRow).where(AuditRow.seq <= last))
        await db.execute(delete(AuditCheckpoint).where(AuditCheckpoint.seq <= last))
        await db.execute(insert(AuditCheckpoint).values(seq=last, statement=statement.line()))
    return statement


async def verify(store: Store, key: Ed25519PublicKey | None, outside: Iterable[Given] = ()) -> Report:
    """Verifies the chain of the database against its own statements and against those from outside.

    Entries that are recorded meanwhile are left out.
    """
    async with store.reading() as db:
        head = await read_head(db)
        statements, unreadable = await read_statements(db)
        guards = await missing_guards(db) if head is not None else []
    given = [Given(statement, DATABASE, outside=False) for statement in statements]
    verifier = Verifier(head, [*given, *outside], key)
    async for row in every_readable(store):
        number = row if isinstance(row, int) else row.seq
        if head is not None and number > head.seq and await _grew_to(store, number):
            break
        if isinstance(row, int):
            verifier.unreadable(row)
        else:
            verifier.feed(row)
    report = verifier.finish()
    if unreadable:
        report.findings.append(Finding(None, f"{unreadable} checkpoints of the database cannot be read."))
    if guards:
        report.findings.append(
            Finding(
                None,
                f"The database no longer refuses changes of entries: {', '.join(guards)} were removed.",
            )
        )
    return report


async def _grew_to(store: Store, number: int) -> bool:
    """Returns whether the chain has grown to this entry since the head was read."""
    async with store.reading() as db:
        head = await read_head(db)
    return head is not None and head.seq >= number


def read_statements_of(file: Path) -> list[Given]:
    """Reads a file of checkpoints, also one of a syslog server, whose lines have something before the JSON.

    Raises ConfigurationError when the file has no checkpoint, and OSError.
    """
    given = []
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            start = line.find('{"audit":')
            if start < 0 or len(line) - start > LINE_MAX + 1:
                continue
            with contextlib.suppress(ValueError):
                given.append(Given(parse(line[start:].strip()), str(file), outside=True))
    if not given:
        raise ConfigurationError(
            f"{file} has no checkpoint.",
            hint="Name the file of `audit.checkpoint_file`, or a log of the syslog server.",
        )
    return given


def _append_line(file: Path, line: str) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(file, flags, 0o600)
    try:
        data = line.encode() + b"\n"
        written = os.write(descriptor, data)
        if written != len(data):
            raise OSError(0, "the disk is full", str(file))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
