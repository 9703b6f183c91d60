"""Writes the state folder into an archive: database, keys, and the homes if wanted. Blocks.

The archive is a gzip-compressed tar file. Its first member, `manifest.json`, says what follows. The server
may run meanwhile: the database is copied in one consistent state, by SQLite's own backup, or from PostgreSQL
into an SQLite file. Homes are read file by file. A file that a program changes in that moment may be
incomplete; the report names it.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sqlite3
import stat
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from display_server import __version__
from display_server.broker import database_copy
from display_server.broker.folders import StateFolder
from display_server.broker.migrations import SCHEMA_VERSION
from display_server.errors import ConfigurationError, Malfunction
from display_server.spawner.home_storage import IMAGE
from display_server.spawner.mounts import is_mount_point

#: Version of the archive's layout. A restore refuses higher ones.
FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "lightbox.db"
#: Files of the state folder that an archive has if they exist: keys and secrets.
FILES = ("demo-password", "metrics-token", "second-factor-key", "device-keys", "audit-key", "audit-spool")
#: Tables that an archive has without rows, as far as the database's version has them.
SIGN_IN_TABLES = {"web_sessions", "pending_sign_ins", "factor_ceremonies", "device_enrolments"}
#: Folders of the state folder that an archive always has, and those that it has only with the homes.
FOLDERS = ("tls",)
HOME_FOLDERS = ("homes", "deleted-homes")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first member of an archive."""

    format: int
    version: str  # of Lightbox
    schema: int  # of the database
    created_s: float
    homes: bool


@dataclass(slots=True)
class BackupReport:
    """What an archive has, and what it lacks."""

    files: int = 0
    changed: list[str] = field(default_factory=list)  # files that programs changed while they were read
    skipped: list[str] = field(default_factory=list)  # sockets, devices and what could not be read


def write_backup(
    state: StateFolder,
    target: Path,
    *,
    homes: bool,
    copy_database: Callable[[Path], None] | None = None,
) -> BackupReport:
    """Writes the archive, with mode 0600, and only under its name once it is complete.

    `copy_database` writes the database into an SQLite file, unless it is the file of the state folder.

    Raises ConfigurationError when the target exists or lies in the state folder, Malfunction when the
    database is damaged, and OSError.
    """
    target = target.absolute()
    if target.exists() or target.is_symlink():
        raise ConfigurationError(
            f"{target} exists already.", hint="Choose another name, or remove that file."
        )
    if copy_database is None and not state.database.is_file():
        raise ConfigurationError(
            f"There is no database in {state.path}.", hint="Name the state folder with --state or --config."
        )
    if target.is_relative_to(state.path):
        raise ConfigurationError(
            f"{target} lies in the state folder.", hint="Choose a file outside of it, best on another disk."
        )
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            copy = copy_database or functools.partial(database_copy.copy_to, state.database)
            report = _write(state, file, homes=homes, copy_database=copy)
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, target)  # unlike a rename, this never replaces a file
    finally:
        scratch.unlink(missing_ok=True)
    return report


def _write(
    state: StateFolder, file: BinaryIO, *, homes: bool, copy_database: Callable[[Path], None]
) -> BackupReport:
    report = BackupReport()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        manifest = Manifest(FORMAT, __version__, SCHEMA_VERSION, time.time(), homes)
        _add_bytes(archive, MANIFEST, msgspec.json.encode(manifest))
        _add_bytes(archive, DATABASE, _database(state, copy_database))
        report.files += 1
        for name in FILES:
            with contextlib.suppress(FileNotFoundError):
                _add_bytes(archive, name, (state.path / name).read_bytes())
                report.files += 1
        for folder in (*FOLDERS, *(HOME_FOLDERS if homes else ())):
            if (state.path / folder).is_dir():
                _add_folder(archive, state.path / folder, folder, report)
    return report


def _database(state: StateFolder, copy_database: Callable[[Path], None]) -> bytes:
    """Returns a consistent copy without web sessions and sign-ins: nobody is signed in after a restore."""
    with tempfile.TemporaryDirectory(dir=state.path, prefix=".backup-") as folder:
        copy = Path(folder) / DATABASE
        try:
            copy_database(copy)
            with contextlib.closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA secure_delete = ON")
                tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
                for table in tables & SIGN_IN_TABLES:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
                connection.commit()
                found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            raise Malfunction(
                f"The database could not be copied: {error}.",
                next_step="Look at `/healthz` and at the log of the server. Nothing was written.",
            ) from error
        if found != "ok":
            raise Malfunction(
                f"The database is damaged: {found}.",
                next_step="Restart the server, which restores it from its copy. Nothing was written.",
            )
        return copy.read_bytes()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.mode, member.mtime, member.size = 0o600, int(time.time()), len(content)
    archive.addfile(member, io.BytesIO(content))


def _add_folder(archive: tarfile.TarFile, root: Path, name: str, report: BackupReport) -> None:
    """Adds a folder and everything below it.

    People can change their homes while they are read, so no symbolic link is followed, and each entry is
    opened relative to the folder that was opened before. Of a home whose image is mounted, the archive has
    the content and not the image, which changes all the time.
    """
    for path, names, descriptor in _walk(root, name):
        folder = os.fstat(descriptor)
        archive.addfile(_member(path, folder, tarfile.DIRTYPE))
        for entry in names:
            if entry.endswith(IMAGE) and _is_mounted(descriptor, entry.removesuffix(IMAGE)):
                continue
            inner = f"{path}/{entry}"
            try:
                status = os.stat(entry, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISLNK(status.st_mode):
                    link = _member(inner, status, tarfile.SYMTYPE)
                    link.linkname = os.readlink(entry, dir_fd=descriptor)
                    archive.addfile(link)
                    report.files += 1
                elif stat.S_ISREG(status.st_mode):
                    _add_file(archive, inner, entry, descriptor, report)
                elif not stat.S_ISDIR(status.st_mode):
                    report.skipped.append(inner)
            except FileNotFoundError:
                continue  # a program removed it meanwhile
            except PermissionError:
                report.skipped.append(inner)


def _is_mounted(folder: int, home: str) -> bool:
    try:
        return is_mount_point(folder, home)
    except FileNotFoundError:
        return False


def _walk(root: Path, name: str) -> Iterator[tuple[str, list[str], int]]:
    """Yields each folder: its name in the archive, the names in it, and a descriptor of it."""
    for path, folders, files, descriptor in os.fwalk(root, follow_symlinks=False):
        relative = Path(path).relative_to(root).as_posix()
        yield (name if relative == "." else f"{name}/{relative}"), sorted([*folders, *files]), descriptor


def _add_file(archive: tarfile.TarFile, name: str, entry: str, folder: int, report: BackupReport) -> None:
    # O_NONBLOCK: the entry may have become a pipe meanwhile, whose opening would wait forever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(entry, flags, dir_fd=folder), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            report.skipped.append(name)
            return
        member = _member(name, before, tarfile.REGTYPE)
        member.size = before.st_size
        content = _ExactContent(file, before.st_size)
        archive.addfile(member, content)  # type: ignore[arg-type]  # tarfile calls nothing but `read`
        after = os.fstat(file.fileno())
        report.files += 1
        if content.padded or (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            report.changed.append(name)


class _ExactContent:
    """A file's content with exactly the size that the archive announces, even if a program changes it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._remaining = size
        self.padded = False

    def read(self, size: int) -> bytes:
        wanted = min(size, self._remaining)
        data = self._file.read(wanted)
        if len(data) < wanted:  # the file became shorter
            self.padded = True
            data += bytes(wanted - len(data))
        self._remaining -= wanted
        return data


def _member(name: str, status: os.stat_result, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode = stat.S_IMODE(status.st_mode) & 0o777  # set-user-id and the like are never restored
    member.uid, member.gid = status.st_uid, status.st_gid
    member.mtime = status.st_mtime
    return member
