"""Finds every entry that was altered, removed, swapped or inserted. Pure.

A chain proves that nobody changed single rows. It does not prove that nobody wrote it anew from some row on,
or removed its newest rows: that is what signed statements outside of the host are for.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from display_server.broker.audit.chain import FORM, Row, hash_of_row, start_of
from display_server.broker.audit.statements import Statement, StatementKind, is_genuine

#: Findings that a report lists. Further ones are counted.
FINDINGS_MAX = 100
#: The shortest retention that Lightbox allows, microseconds: 365 days.
RETENTION_MIN_US = 365 * 24 * 3600 * 1_000_000

_NUMBERS = ("seq", "form", "at_us")
_TEXTS = ("previous", "role", "action", "outcome", "hash")
_OPTIONAL_TEXTS = ("account", "address", "device", "subject", "object", "reason", "spool_id")


@dataclass(frozen=True, slots=True)
class Head:
    """The row `audit_head`."""

    chain: str
    seq: int
    hash: str
    purged_seq: int


@dataclass(frozen=True, slots=True)
class Given:
    """A statement, and where it was found."""

    statement: Statement
    source: str  # in words, for example "the database"
    outside: bool  # whether it was kept outside of the host


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong. `seq` is the entry, or None if it is about the chain as a whole."""

    seq: int | None
    text: str


@dataclass(slots=True)
class Report:
    """The result of a verification."""

    chain: str | None = None
    first: int | None = None  # the oldest entry that was read
    last: int = 0  # the newest one
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)
    more_findings: int = 0  # beyond FINDINGS_MAX
    #: The newest genuine statement that the chain agrees with, while nothing before it is wrong; first of
    #: those of the database, then of those from outside.
    proven: Statement | None = None
    proven_outside: Statement | None = None
    statements: int = 0

    @property
    def intact(self) -> bool:
        return not self.findings


class Verifier:
    """Reads rows in the order of their numbers, then makes the report.

    `head` is None when there is no chain yet. `key` is the public key of the host. `statements` are those of
    the database and from outside.
    """

    def __init__(self, head: Head | None, statements: Iterable[Given], key: Ed25519PublicKey | None) -> None:
        self._head = head
        self._report = Report(chain=head.chain if head else None)
        self._by_seq: dict[int, list[Given]] = defaultdict(list)
        self._genuine: list[Given] = []
        for given in statements:
            self._accept(given, key)
        purge = self._purge()
        self._start = purge.seq if purge else 0
        self._expected = self._start + 1
        self._previous = purge.hash if purge else (start_of(head.chain) if head else "")
        if purge is not None:
            self._examine_purge(purge)
        elif head is not None and head.purged_seq != 0:
            self._find(None, f"No signed purge record allows that entries up to {head.purged_seq} are gone.")

    def feed(self, row: Row) -> None:
        """Examines the next row. Its values may have any type, because anybody may have written them."""
        self._report.entries += 1
        if self._report.first is None:
            self._report.first = row.seq
        if not _has_right_types(row):
            self._find(_number(row.seq), f"Entry {row.seq} was altered: a value has the wrong type.")
            self._expected, self._previous = (_number(row.seq) or self._expected) + 1, str(row.hash)
            return
        if row.seq > self._expected:
            self._find(row.seq, f"{_span(self._expected, row.seq - 1)} missing.")
        elif row.seq < self._expected:
            self._find(row.seq, f"Entry {row.seq} is out of order.")
        if row.form != FORM:
            self._find(row.seq, f"Entry {row.seq} was altered: its form {row.form} does not exist.")
        elif hash_of_row(row) != row.hash:
            self._find(row.seq, f"Entry {row.seq} was altered: its content does not match its hash.")
        if row.seq == self._expected and row.previous != self._previous:
            self._find(
                row.seq,
                f"Entry {row.seq} does not follow entry {row.seq - 1}: one of the two was replaced, swapped "
                "or inserted.",
            )
        for given in self._by_seq.get(row.seq, ()):
            self._compare(given, row)
        self._expected, self._previous = row.seq + 1, row.hash
        self._report.last = max(self._report.last, row.seq)

    def unreadable(self, seq: int) -> None:
        """Notes a row that the database cannot read."""
        self._report.entries += 1
        self._report.last = max(self._report.last, seq)
        self._find(seq, f"Entry {seq} was altered: the database cannot read it.")
        self._expected, self._previous = seq + 1, ""

    def finish(self) -> Report:
        report, head = self._report, self._head
        last = self._expected - 1
        if head is None and report.entries:
            self._find(None, "The row that names the end of the chain is missing.")
        if head is not None:
            if head.seq > last:
                self._find(None, f"The newest entries are missing: {_span(last + 1, head.seq).lower()} gone.")
            elif head.seq < last:
                self._find(None, f"Entries after {head.seq} do not belong to the chain.")
            elif head.hash != self._previous:
                self._find(None, f"The end of the chain is not entry {last}: one of the two was altered.")
        for given in self._genuine:
            if given.statement.seq > last:
                self._find(
                    None,
                    f"The newest entries are missing: {_named(given)} proves that there were "
                    f"{given.statement.seq} entries, and the chain ends with entry {last}.",
                )
        return report

    def _accept(self, given: Given, key: Ed25519PublicKey | None) -> None:
        statement, head = given.statement, self._head
        self._report.statements += 1
        if key is None or not is_genuine(statement, key):
            self._find(None, f"{_named(given, capital=True)} is not signed with the key of this host.")
            return
        if head is None or statement.chain != head.chain:
            self._find(
                None,
                f"{_named(given, capital=True)} belongs to another chain with {statement.seq} entries: the "
                "database was replaced, or its audit was begun anew.",
            )
            return
        self._genuine.append(given)
        self._by_seq[statement.seq].append(given)

    def _purge(self) -> Statement | None:
        """Returns the record of the purge after which the chain begins, according to the database."""
        purged_seq = self._head.purged_seq if self._head else 0
        for given in self._genuine:
            if given.statement.audit is StatementKind.PURGE and given.statement.seq == purged_seq:
                return given.statement
        return None

    def _examine_purge(self, purge: Statement) -> None:
        if purge.cutoff_us is None or purge.at_us - purge.cutoff_us < RETENTION_MIN_US:
            self._find(
                None, f"The purge up to entry {purge.seq} deleted entries that were less than a year old."
            )
            return
        for given in self._genuine:
            statement = given.statement
            if statement.seq == purge.seq and statement.hash != purge.hash:
                self._find(None, f"{_named(given, capital=True)} contradicts the purge record.")
            elif (
                statement.audit is StatementKind.CHECKPOINT
                and statement.seq < purge.seq
                and statement.at_us >= purge.cutoff_us
            ):
                self._find(
                    None,
                    f"The purge deleted entries that were too new: {_named(given)} shows that entries after "
                    f"{statement.seq} were written after {time_text(purge.cutoff_us)}.",
                )

    def _compare(self, given: Given, row: Row) -> None:
        if given.statement.hash != row.hash:
            self._find(
                row.seq,
                f"Entry {row.seq} is not the one that {_named(given)} proves: the chain was written anew.",
            )
        elif self._report.intact:
            self._report.proven = given.statement
            if given.outside:
                self._report.proven_outside = given.statement

    def _find(self, seq: int | None, text: str) -> None:
        if len(self._report.findings) < FINDINGS_MAX:
            self._report.findings.append(Finding(seq, text))
        else:
            self._report.more_findings += 1


def describe(report: Report) -> list[str]:
    """Returns the report as lines in plain words."""
    if report.chain is None and not report.entries and report.intact:
        return ["Nothing was recorded yet."]
    lines = [finding.text for finding in report.findings]
    if report.more_findings:
        lines.append(f"And {report.more_findings} more findings.")
    if report.intact:
        lines.append(f"The chain is intact: {report.entries} entries, up to number {report.last}.")
    else:
        lines.append("The audit was tampered with, or the database is damaged.")
    outside, proven = report.proven_outside, report.proven
    if outside is not None:
        lines.append(
            f"Proven by a checkpoint outside of this host: everything up to entry {outside.seq}, since "
            f"{time_text(outside.at_us)}."
        )
    elif proven is not None:
        lines.append(
            f"Proven by a signed checkpoint in the database: everything up to entry {proven.seq}, since "
            f"{time_text(proven.at_us)}. Whoever has the key of this host could have made it anew; "
            "compare with a checkpoint outside of this host (--checkpoints FILE)."
        )
    else:
        lines.append("No checkpoint proves any of it.")
    best = max((statement.seq for statement in (outside, proven) if statement), default=report.last)
    if report.intact and best < report.last:
        lines.append(f"{_span(best + 1, report.last)} chained, and no checkpoint proves them yet.")
    return lines


def time_text(at_us: int) -> str:
    """Returns a time as text, UTC. Values that no clock has are written as they are."""
    try:
        return datetime.datetime.fromtimestamp(at_us / 1e6, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{at_us} µs"


def _named(given: Given, *, capital: bool = False) -> str:
    kind = "purge record" if given.statement.audit is StatementKind.PURGE else "checkpoint"
    article = "The" if capital else "the"
    return f"{article} {kind} of {time_text(given.statement.at_us)} in {given.source}"


def _span(first: int, last: int) -> str:
    return f"Entry {first} is" if first == last else f"Entries {first} to {last} are"


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _has_right_types(row: Row) -> bool:
    return (
        all(type(getattr(row, name)) is int for name in _NUMBERS)
        and all(type(getattr(row, name)) is str for name in _TEXTS)
        and all(type(getattr(row, name)) in (str, type(None)) for name in _OPTIONAL_TEXTS)
    )
