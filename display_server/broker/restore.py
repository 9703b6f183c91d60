"""Restores a state folder from an archive of `backup`, into an empty place. Blocks."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from display_server.broker import database_copy
from display_server.broker.backup import DATABASE, FILES, FOLDERS, FORMAT, HOME_FOLDERS, MANIFEST, Manifest
from display_server.broker.migrations import SCHEMA_VERSION
from display_server.errors import ConfigurationError

#: Largest manifest that is read, bytes.
MANIFEST_MAX_BYTES = 64 * 1024
#: Bytes that are copied at once.
_BLOCK = 1024 * 1024


def restore_backup(archive: Path, target: Path) -> Manifest:
    """Creates the state folder `target` from the archive, complete or not at all.

    If root restores into an empty folder that exists, its owner becomes that of everything but the homes,
    whose files keep the owners that they had.

    Raises ConfigurationError when the target is not empty, or the archive is none, is damaged, or was written
    by a newer version; and OSError.
    """
    target = target.expanduser().absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigurationError(
            f"{target} is not empty.",
            hint="Restore into an empty folder with --state, or stop the server and move the folder away.",
        )
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.restoring-{os.getpid()}")
    scratch.mkdir(mode=0o700)
    try:
        manifest = _extract(archive, scratch)
        if os.geteuid() == 0 and target.exists():
            _give_to_owner_of(target, scratch)
        scratch.rename(target)  # replaces an empty folder
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return manifest


def _extract(archive: Path, scratch: Path) -> Manifest:
    try:
        with gzip.open(archive) as content, tarfile.open(fileobj=content, mode="r:") as tar:
            manifest = _manifest(tar, archive)
            _extract_members(tar, archive, scratch)
            while content.read(_BLOCK):  # up to the end, where gzip compares its checksum
                pass
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _unusable(archive, str(error)) from error
    except OSError as error:
        if error.errno is None:  # how gzip reports wrong content
            raise _unusable(archive, str(error)) from error
        raise
    if not (scratch / DATABASE).is_file() or database_copy.is_damaged(scratch / DATABASE):
        raise _unusable(archive, "its database is missing or damaged")
    return manifest


def _manifest(tar: tarfile.TarFile, archive: Path) -> Manifest:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    try:
        manifest = msgspec.json.decode(
            content.read(MANIFEST_MAX_BYTES) if content else b"", type=Manifest, strict=True
        )
    except msgspec.MsgspecError as error:
        raise _unusable(archive, "it does not begin with a manifest") from error
    if manifest.format > FORMAT or manifest.schema > SCHEMA_VERSION:
        raise ConfigurationError(
            f"{archive} was written by a newer version of Lightbox ({manifest.version}).",
            hint="Install that version, then restore the archive with it.",
        )
    return manifest


def _extract_members(tar: tarfile.TarFile, archive: Path, scratch: Path) -> None:
    """Writes the members below `scratch`, which is empty and private.

    Links come last, so that nothing is ever written through one, and then the modes of the folders, which may
    forbid writing.
    """
    links: list[tuple[tarfile.TarInfo, Path]] = []
    folders: list[tuple[tarfile.TarInfo, Path]] = []
    for member in _following(tar):
        place = scratch / _checked_path(member, archive)
        if member.isdir():
            place.mkdir(mode=0o700)
            folders.append((member, place))
        elif member.issym():
            links.append((member, place))
        else:
            _write_file(tar, member, place)
    for member, place in links:
        place.symlink_to(member.linkname)
        _give(member, place)
    for member, place in reversed(folders):
        _give(member, place)


def _following(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := tar.next()) is not None:
        yield member


def _checked_path(member: tarfile.TarInfo, archive: Path) -> PurePosixPath:
    """Returns where a member belongs. Raises ConfigurationError when an archive of ours cannot have it."""
    path = PurePosixPath(member.name)
    known = (
        str(path) in (DATABASE, *FILES)
        if len(path.parts) == 1 and not member.isdir()
        else path.parts[:1] != () and path.parts[0] in (*FOLDERS, *HOME_FOLDERS)
    )
    kind = member.isreg() or member.isdir() or member.issym()
    if not known or not kind or path.is_absolute() or ".." in path.parts:
        raise _unusable(archive, f"it has the unexpected entry {member.name!r}")
    return path


def _write_file(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    source = tar.extractfile(member)
    assert source is not None  # only for members that are neither files nor links
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file, _BLOCK)
    _give(member, place)


def _give(member: tarfile.TarInfo, place: Path) -> None:
    """Gives a restored entry its mode and time and, if root restores a home, its owner."""
    if os.geteuid() == 0 and PurePosixPath(member.name).parts[0] in HOME_FOLDERS:
        os.lchown(place, member.uid, member.gid)
    if not member.issym():
        place.chmod(member.mode & 0o777)
        os.utime(place, (member.mtime, member.mtime))


def _give_to_owner_of(target: Path, scratch: Path) -> None:
    owner = target.stat()
    for path, folders, files in os.walk(scratch):
        if Path(path) == scratch:  # what is in the homes keeps its owners
            folders[:] = [name for name in folders if name not in HOME_FOLDERS]
        for name in (".", *files):
            os.lchown(Path(path) / name, owner.st_uid, owner.st_gid)
    for name in HOME_FOLDERS:
        if (scratch / name).is_dir():
            os.lchown(scratch / name, owner.st_uid, owner.st_gid)


def _unusable(archive: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"{archive} cannot be restored: {reason}.",
        hint="Use an archive that `lightbox backup` has written, and check that it was copied completely. "
        "Nothing was restored.",
    )
