"""The copy of the database, from which the next start restores a database that was deleted or damaged.

SQLite keeps a database in up to three files: the database itself, its write-ahead log (`-wal`) and the index
of that log (`-shm`). The copy is a single file. All functions block.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

import structlog

log = structlog.get_logger(__name__)

#: Result codes that mean that the content of a file is not a valid database.
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOG_SUFFIXES = ("-wal", "-shm")


def copy_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.copy")


def uri(database: Path, options: str) -> str:
    """Returns the URI by which SQLite opens a file with these options, for example `mode=ro`."""
    return f"file:{quote(str(database))}?{options}"


def is_damaged(database: Path, *, immutable: bool = False) -> bool:
    """Returns whether SQLite finds damage in the file. A file that cannot be read at all is not damaged.

    `immutable` reads the file alone, without a write-ahead log; nobody may be writing it.
    """
    options = "mode=ro&immutable=1" if immutable else "mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri(database, options), uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except sqlite3.DatabaseError as error:
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def copy_to(database: Path, target: Path) -> None:
    """Copies the present content into a single new file of mode 0600, also while others write.

    Raises OSError and sqlite3.Error.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600))
    with (
        contextlib.closing(sqlite3.connect(uri(database, "mode=rw"), uri=True)) as source,
        contextlib.closing(sqlite3.connect(uri(target, "mode=rw"), uri=True)) as copy,
    ):
        # Everything moves from the write-ahead log into the database, so that either is complete.
        source.execute("PRAGMA wal_checkpoint(PASSIVE)")
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def keep_before_upgrade(database: Path, schema: int) -> None:
    """Keeps a copy of a database of an older schema, with which the older version can be run again.

    Several processes may do so at once. Raises OSError and sqlite3.Error.
    """
    _replace_by_copy(database, database.with_name(f"{database.name}.schema-{schema}"))


def write_copy(database: Path) -> None:
    """Replaces the copy with the present content.

    A copy that cannot be written is removed, because restoring it would bring back removed accounts and
    former passwords. Raises OSError and sqlite3.Error.
    """
    target = copy_of(database)
    try:
        _replace_by_copy(database, target)
    except (OSError, sqlite3.Error):
        with contextlib.suppress(OSError):  # a read-only disk: then the content cannot have changed
            target.unlink(missing_ok=True)
        raise


def _replace_by_copy(database: Path, target: Path) -> None:
    """Replaces `target` by a copy in one step. Raises OSError and sqlite3.Error."""
    scratch = _scratch(target)
    try:
        copy_to(database, scratch)
        scratch.replace(target)
    except (OSError, sqlite3.Error):
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise


def _scratch(target: Path) -> Path:
    """Returns a name beside `target` that nobody else uses, in this process or in another."""
    return target.with_name(f".{target.name}.{secrets.token_hex(6)}")


def restore_if_needed(database: Path) -> None:
    """Restores a database that is missing or damaged from its copy, if there is an intact one.

    Keeps a damaged database under another name. Does nothing when the database is intact, when there is no
    copy (as at the first start), or when the copy is damaged as well. Raises OSError.
    """
    copy = copy_of(database)
    if not copy.exists() or is_damaged(copy, immutable=True):
        return
    if not database.exists():
        reason, kept = "missing", None
    elif database.stat().st_size == 0 or is_damaged(database):
        reason, kept = "damaged", _set_aside(database)
    else:
        return
    for suffix in _LOG_SUFFIXES:  # SQLite would apply them to the restored database
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    scratch = _scratch(database)
    shutil.copyfile(copy, scratch)
    scratch.chmod(0o600)
    scratch.replace(database)
    log.error(
        "database restored from its copy",
        reason=reason,
        database=str(database),
        copied=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(copy.stat().st_mtime)),
        damaged_file=str(kept) if kept else None,
    )


def _set_aside(database: Path) -> Path:
    """Renames a damaged database and its logs. Returns the new path."""
    kept = database.with_name(f"{database.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for suffix in _LOG_SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            database.with_name(database.name + suffix).rename(kept.with_name(kept.name + suffix))
    return database.rename(kept)
