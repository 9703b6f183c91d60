"""The spool: a file that keeps acts while the database cannot be used. Blocks.

The file is made at its full size, so that it can be written even when the disk is full. It begins with a line
that counts the acts for which it had no room. Each record follows as a line with a checksum, and the first
NUL byte ends them. All changes hold a lock on the file, because the server and commands may use it at the
same time.

Records are removed only after the transaction that chained them. Should the process be killed in between, the
database knows the name of each record, and that of the batch whose losses it has recorded, and takes none
twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from display_server.broker.audit.entry import AuditEntry
from display_server.errors import Malfunction

#: Size of the file, bytes: some 5,000 acts.
SIZE_BYTES = 2 * 1024 * 1024
#: Random bytes in the name of a record.
NAME_BYTES = 12
#: Characters of the checksum of a record.
CHECKSUM_CHARS = 16
#: Random bytes in the name of a batch: what is added until the spool is emptied.
BATCH_BYTES = 8
_HEADER = b"lightbox-audit-spool 1 batch %s lost %012d\n"
_HEADER_BYTES = len(_HEADER % (b"0" * 2 * BATCH_BYTES, 0))
_HEADER_FORM = re.compile(rb"lightbox-audit-spool 1 batch ([0-9a-f]{16}) lost ([0-9]{12})\n")
_LOST_MAX = 10**12 - 1


class SpoolError(Malfunction):
    """The spool cannot keep an act: it is full, or its disk cannot be written."""


class LockScreen(msgspec.Struct, frozen=True, tag="lock"):
    """Lock the screen of a web session."""

    web_session: str  # its hash, in hexadecimal
    event: str  # the value of a LockEvent
    at_s: float


class EndWebSession(msgspec.Struct, frozen=True, tag="sign-out"):
    """Delete a web session."""

    web_session: str


class EndDesktop(msgspec.Struct, frozen=True, tag="end"):
    """Record that a desktop session has ended."""

    session: str
    state: str
    ended_by: str
    at_s: float
    error: str | None = None


Effect = LockScreen | EndWebSession | EndDesktop


class Record(msgspec.Struct, frozen=True):
    """An act in the spool. `effect` is what remains to be done in the database, in the same transaction."""

    name: str
    entry: AuditEntry
    effect: Effect | None = None


class Disk(Protocol):
    """The file, as far as the spool uses it. Tests replace it by one that fails at every step."""

    def read(self) -> bytes:
        """Returns the whole content."""

    def write(self, offset: int, data: bytes) -> None:
        """Writes without changing the size. What is written may be lost until `sync`."""

    def sync(self) -> None:
        """Returns when everything that was written is on the disk."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a spool has."""

    batch: str
    records: tuple[Record, ...]
    lost: int  # acts that did not fit, and records that cannot be read
    end: int  # offset at which the next record begins, bytes


def new_content(size: int = SIZE_BYTES) -> bytes:
    """Returns the content of an empty spool."""
    return _header(_new_batch(), 0).ljust(size, b"\0")


def read_content(data: bytes) -> Content:
    """Parses a spool. A last record that is incomplete was never acknowledged, and does not count."""
    batch, lost = _parse_header(data)
    records: list[Record] = []
    offset = _HEADER_BYTES
    while offset < len(data) and data[offset] != 0:
        end = data.find(b"\n", offset)
        if end < 0 or 0 in data[offset:end]:
            break
        record = _parse(data[offset:end])
        if record is None:
            lost += 1
        else:
            records.append(record)
        offset = end + 1
    return Content(batch, tuple(records), lost, offset)


def add(disk: Disk, record: Record) -> None:
    """Adds a record. When this returns, it survives a kill and a power failure.

    Raises SpoolError when there is no room, after counting the act.
    """
    data = disk.read()
    content = read_content(data)
    line = _line(record)
    if content.end + len(line) + 1 > len(data):
        batch, lost = _parse_header(data)
        disk.write(0, _header(batch, lost + 1))
        disk.sync()
        raise SpoolError(
            "The spool of the audit is full.",
            next_step="Make the database usable again; `/healthz` says what is wrong with it.",
        )
    _clear_rest(disk, data, content.end)
    disk.write(content.end, line)
    disk.sync()


def remove_all(disk: Disk) -> None:
    """Removes all records and the count, after they were chained, and begins a new batch."""
    data = disk.read()
    # One write within one sector: the byte behind the header decides whether there are records.
    disk.write(0, _header(_new_batch(), 0) + b"\0")
    disk.sync()
    _clear_rest(disk, data, _HEADER_BYTES)


def new_name() -> str:
    return secrets.token_hex(NAME_BYTES)


def _clear_rest(disk: Disk, data: bytes, offset: int) -> None:
    """Overwrites what follows the records: remains of an interrupted write, or of removed records."""
    used = len(data.rstrip(b"\0"))
    if used > offset:
        disk.write(offset, bytes(used - offset))
        disk.sync()


def _new_batch() -> str:
    return secrets.token_hex(BATCH_BYTES)


def _header(batch: str, lost: int) -> bytes:
    return _HEADER % (batch.encode(), min(lost, _LOST_MAX))


def _parse_header(data: bytes) -> tuple[str, int]:
    """Returns the batch and its count. A header that somebody has overwritten counts as one lost act."""
    found = _HEADER_FORM.match(data)
    if found is None:
        return hashlib.sha256(data).hexdigest()[: 2 * BATCH_BYTES], 1
    return found[1].decode(), int(found[2])


def _line(record: Record) -> bytes:
    content = msgspec.json.encode(record)
    return _checksum(content) + b" " + content + b"\n"


def _parse(line: bytes) -> Record | None:
    checksum, _, content = line.partition(b" ")
    if checksum != _checksum(content):
        return None
    try:
        return msgspec.json.decode(content, type=Record)
    except msgspec.MsgspecError:  # written by another version
        return None


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:CHECKSUM_CHARS].encode()


class OpenSpool:
    """The open file of a spool. Nobody else can change it until `close`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> bytes:
        return os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)

    def write(self, offset: int, data: bytes) -> None:
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            offset, data = offset + written, data[written:]

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class Spool:
    """The spool at a path. Its functions raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Makes the file at its full size, with mode 0600, if it is missing."""
        if self.path.exists():
            return
        scratch = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        try:
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(new_content())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.link(scratch, self.path)
        finally:
            scratch.unlink(missing_ok=True)

    def open(self) -> OpenSpool:
        """Opens the file, and waits until no other process has it open."""
        self.create()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        return OpenSpool(descriptor)

    def add(self, record: Record) -> None:
        """Adds a record. Raises SpoolError when there is no room."""
        with contextlib.closing(self.open()) as disk:
            add(disk, record)

    def is_empty(self) -> bool:
        """Returns whether there is nothing to chain."""
        try:
            with self.path.open("rb") as file:
                start = file.read(_HEADER_BYTES + 1)
        except FileNotFoundError:
            return True
        return start[_HEADER_BYTES:] in (b"", b"\0") and _parse_header(start)[1] == 0
