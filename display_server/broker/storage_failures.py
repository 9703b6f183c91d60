"""What can go wrong with the account database and its folder, in words for people.

Pure, apart from the properties of the file system that `fault_of` reads.
"""

from __future__ import annotations

import os
import sqlite3
from enum import Enum
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from display_server.errors import Malfunction

#: With less free space than this no transaction can be written, bytes.
FREE_MIN_BYTES = 64 * 1024


class StorageFault(Enum):
    """Why the database cannot be used. The values are the codes of `/healthz`."""

    MISSING = "database-missing"
    REPLACED = "database-replaced"
    DAMAGED = "database-damaged"
    FULL = "disk-full"
    READ_ONLY = "read-only"
    LOCKED = "database-locked"
    UNREADABLE = "input-output-error"


#: Cause and next step of each fault. `{path}` is the path of the database behind a blank, or empty where
#: people without an account can read the text.
_TEXTS: dict[StorageFault, tuple[str, str]] = {
    StorageFault.MISSING: (
        "The account database{path} was deleted or moved while Lightbox was running.",
        "Restart Lightbox. It restores the database from its copy.",
    ),
    StorageFault.REPLACED: (
        "The account database{path} was replaced by another file while Lightbox was running.",
        "Restart Lightbox, so that it opens the new file.",
    ),
    StorageFault.DAMAGED: (
        "The account database{path} is damaged.",
        "Restart Lightbox. It keeps the damaged file, and restores the database from its copy.",
    ),
    StorageFault.FULL: (
        "There is no space left for the account database{path}.",
        "Free some space on that disk. Lightbox then continues by itself.",
    ),
    StorageFault.READ_ONLY: (
        "The folder of the account database{path} is read-only.",
        "Make it writable again, and check the disk for errors. Lightbox then continues by itself.",
    ),
    StorageFault.LOCKED: (
        "Another program has locked the account database{path}.",
        "Try again. If it stays locked, end the program that uses it; `fuser` names it.",
    ),
    StorageFault.UNREADABLE: (
        "The account database{path} can be neither read nor written at the moment.",
        "Check the disk, its quota and the limits of file sizes. Lightbox then continues by itself.",
    ),
}

#: The faults by SQLite's primary result code (https://www.sqlite.org/rescode.html).
_FAULT_BY_CODE = {
    sqlite3.SQLITE_FULL: StorageFault.FULL,
    sqlite3.SQLITE_READONLY: StorageFault.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: StorageFault.DAMAGED,
    sqlite3.SQLITE_NOTADB: StorageFault.DAMAGED,
    sqlite3.SQLITE_BUSY: StorageFault.LOCKED,
    sqlite3.SQLITE_LOCKED: StorageFault.LOCKED,
    sqlite3.SQLITE_IOERR: StorageFault.UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: StorageFault.UNREADABLE,
    sqlite3.SQLITE_PERM: StorageFault.UNREADABLE,
}
#: The bits of an extended result code that hold the primary one.
_PRIMARY_CODE = 0xFF


class StorageError(Malfunction):
    """The database cannot be used. The text names its path and is meant for the operator."""

    def __init__(self, fault: StorageFault, database: Path) -> None:
        cause, next_step = _TEXTS[fault]
        super().__init__(cause.format(path=f" {database}"), next_step=next_step)
        self.fault = fault

    @property
    def public_cause(self) -> str:
        """The cause without the path."""
        return _TEXTS[self.fault][0].format(path="")


def fault_of(error: SQLAlchemyError, database: Path) -> StorageFault | None:
    """Returns the fault behind an error of the database.

    Returns None when the statement was at fault, for example because it would break a constraint.
    """
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return StorageFault.MISSING
    if "no such table" in str(error.orig):
        return StorageFault.DAMAGED  # the file was truncated
    fault = _FAULT_BY_CODE.get(code & _PRIMARY_CODE)
    if fault is None or fault is StorageFault.DAMAGED:
        return fault
    # SQLite reports a disk that is full or read-only in several ways, so the file system knows better.
    return file_fault(database) or fault


def file_fault(database: Path) -> StorageFault | None:
    """Returns what the file system says: that the file is missing, or that nothing can be written."""
    try:
        database.stat()
    except FileNotFoundError:
        return StorageFault.MISSING
    except OSError:
        return StorageFault.UNREADABLE
    status = os.statvfs(database.parent)
    if status.f_flag & os.ST_RDONLY:
        return StorageFault.READ_ONLY
    if status.f_bavail * status.f_frsize < FREE_MIN_BYTES:
        return StorageFault.FULL
    return None
