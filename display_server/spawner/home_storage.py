"""Gives each home the place that limits its size: a subvolume of btrfs or else an image of a file system.

Everything is in the person's folder, which belongs to root: the home `DESKTOP`, its image `DESKTOP.img`, and,
while a home moves into a new place, `DESKTOP.moved`. The names of desktops have no dot. An image is mounted
on the home while the desktop runs, and found again by the next spawner.

A home that exists already moves in once. It is renamed to `DESKTOP.moved`, copied and compared; only then the
new place gets its final name, and only after that the old one is deleted. Whatever is killed in between, one
of the two is complete.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from display_server.errors import DesktopError
from display_server.spawner import mounts
from display_server.spawner.homes import FOLDER_FLAGS, make_home, open_folder, wipe
from display_server.spawner.messages import MEBIBYTE
from display_server.spawner.runtime import SEARCH_PATH
from display_server.spawner.subvolumes import create_subvolume, is_btrfs, is_subvolume, limit_subvolume

#: What is beside a home, by the end of its name.
IMAGE, NEW_IMAGE, NEW_FOLDER, MOVED, FAILURE = ".img", ".img.new", ".new", ".moved", ".failed"
#: How long the start of a desktop waits until its home has moved into its new place, s. A larger home takes
#: longer, and the person tries again. Other people wait meanwhile.
MOVE_WAIT_S = 15.0
#: Block count and block size in the superblock of ext4, which begins at byte 1024.
_BLOCKS, _BLOCK_SIZE = struct.Struct("<I"), struct.Struct("<I")
_IMAGE_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def provide(homes: int, username: str, desktop: str, uid: int, size_mb: int) -> None:
    """Makes the home ready: created where it is missing, limited to `size_mb`, mounted, owned by `uid`.

    With `size_mb` 0 a home has no limit of its own; one that is in an image stays there. Raises DesktopError
    when the limit cannot be enforced, and OSError.
    """
    with open_folder(homes, username) as person:
        if not _is_limited(person, desktop):
            if size_mb == 0:
                _take_back(person, desktop)
            elif _has_content(person, desktop) or exists(person, desktop + MOVED):
                if not exists(person, desktop + MOVED):
                    make_home(homes, username, desktop, uid)  # one of an earlier version belongs to root
                _move(person, username, desktop, uid, size_mb)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.rmdir(desktop, dir_fd=person)
                create_place(person, desktop, uid, size_mb)
                complete(person, desktop)
        if exists(person, desktop + MOVED) and _is_limited(person, desktop):
            _raise_if_moving(person, desktop)
            shutil.rmtree(desktop + MOVED, dir_fd=person)
        open_place(person, desktop, size_mb)
    make_home(homes, username, desktop, uid)


def create_place(person: int, desktop: str, uid: int, size_mb: int) -> None:
    """Creates an empty place under its provisional name; an unfinished one is deleted. Raises OSError."""
    if is_btrfs(person):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(desktop + NEW_FOLDER, dir_fd=person)
        create_subvolume(person, desktop + NEW_FOLDER)
        with _opened(person, desktop + NEW_FOLDER) as home:
            limit_subvolume(person, home, size_mb * MEBIBYTE)
            os.fchown(home, uid, uid)
            os.fchmod(home, 0o700)
        return
    if exists(person, desktop) and mounts.is_mount_point(person, desktop):
        mounts.unmount(person, desktop)  # of a move that was killed
    with contextlib.suppress(FileNotFoundError):
        os.unlink(desktop + NEW_IMAGE, dir_fd=person)
    with contextlib.suppress(FileExistsError):
        os.mkdir(desktop, 0o700, dir_fd=person)
    image = os.open(desktop + NEW_IMAGE, _IMAGE_FLAGS | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=person)
    try:
        os.ftruncate(image, size_mb * MEBIBYTE)
        _make_file_system(image, uid)
    finally:
        os.close(image)


def complete(person: int, desktop: str) -> None:
    """Gives a new place, whose content is complete, its final name. Raises OSError."""
    if is_btrfs(person):
        os.rename(desktop + NEW_FOLDER, desktop, src_dir_fd=person, dst_dir_fd=person)
    else:
        image = os.open(desktop + NEW_IMAGE, _IMAGE_FLAGS, dir_fd=person)
        try:
            os.fsync(image)
        finally:
            os.close(image)
        os.rename(desktop + NEW_IMAGE, desktop + IMAGE, src_dir_fd=person, dst_dir_fd=person)
    os.fsync(person)


def open_place(person: int, desktop: str, size_mb: int) -> None:
    """Mounts the image of a home, or sets the limit of its subvolume. Raises DesktopError and OSError."""
    if exists(person, desktop + IMAGE):
        with contextlib.suppress(FileExistsError):
            os.mkdir(desktop, 0o700, dir_fd=person)
        if not mounts.is_mount_point(person, desktop):
            if _has_content(person, desktop):
                raise DesktopError(
                    "The home is in an image, and other files lie where the image belongs.",
                    next_step=f"The administrator has to move what is in the folder {desktop!r} of this "
                    "person's homes elsewhere.",
                )
            _mount(person, desktop, desktop + IMAGE, size_mb)
    elif exists(person, desktop):
        with _opened(person, desktop) as home:
            if is_subvolume(home):
                limit_subvolume(person, home, size_mb * MEBIBYTE or None)


def mount_new(person: int, desktop: str) -> None:
    """Mounts an image that has its provisional name yet. Raises DesktopError and OSError."""
    _mount(person, desktop, desktop + NEW_IMAGE, 0)


def release(homes: Path, in_use: Collection[tuple[str, ...]]) -> list[str]:
    """Unmounts the homes that no desktop uses. Returns those that something else keeps busy."""
    busy = []
    for parts in mounts.mounted_below(homes.resolve()):
        if len(parts) == 2 and parts not in in_use:
            person = os.open(homes / parts[0], FOLDER_FLAGS)
            try:
                if not mounts.unmount(person, parts[1]):
                    busy.append("/".join(parts))
            finally:
                os.close(person)
    return busy


def wipe_place(homes: int, username: str, desktop: str) -> None:
    """Deletes a home that no desktop uses, wherever it is. Symbolic links are never followed.

    Raises DesktopError while it moves into a new place, and OSError.
    """
    try:
        person = os.open(username, FOLDER_FLAGS, dir_fd=homes)
    except FileNotFoundError:
        return
    try:
        if exists(person, desktop + MOVED):
            _raise_if_moving(person, desktop)
        for ending in (IMAGE, NEW_IMAGE, FAILURE):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(desktop + ending, dir_fd=person)
        for ending in (MOVED, NEW_FOLDER, ""):
            wipe(person, desktop + ending)
    finally:
        os.close(person)


def exists(person: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=person, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def _opened(person: int, name: str) -> Iterator[int]:
    descriptor = os.open(name, FOLDER_FLAGS, dir_fd=person)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_limited(person: int, desktop: str) -> bool:
    """Returns whether the home is in a place of its own, completely."""
    if exists(person, desktop + IMAGE):
        return True
    if not exists(person, desktop):
        return False
    with _opened(person, desktop) as home:
        return is_subvolume(home)


def _has_content(person: int, desktop: str) -> bool:
    if not exists(person, desktop):
        return False
    with _opened(person, desktop) as home:
        return bool(os.listdir(home))  # noqa: PTH208 - of a descriptor


def _take_back(person: int, desktop: str) -> None:
    """Ends a move that was never completed, because no limit is wanted any more."""
    if exists(person, desktop + MOVED):
        if exists(person, desktop):
            if mounts.is_mount_point(person, desktop):
                mounts.unmount(person, desktop)
            os.rmdir(desktop, dir_fd=person)  # fails if somebody has written there: nothing is lost
        os.rename(desktop + MOVED, desktop, src_dir_fd=person, dst_dir_fd=person)


def _move(person: int, username: str, desktop: str, uid: int, size_mb: int) -> None:
    """Moves a home into its new place. Returns when that is done. Raises DesktopError when it is not."""
    _raise_failure(person, desktop)
    if not exists(person, desktop + MOVED):
        os.rename(desktop, desktop + MOVED, src_dir_fd=person, dst_dir_fd=person)
        os.fsync(person)
    _raise_if_moving(person, desktop)
    words = (sys.executable, "-I", "-m", "display_server.spawner.move_home")
    process = subprocess.Popen([*words, str(person), desktop, str(uid), str(size_mb)], pass_fds=[person])
    try:
        process.wait(MOVE_WAIT_S)
    except subprocess.TimeoutExpired:
        raise _moving() from None
    _raise_failure(person, desktop)
    if not _is_limited(person, desktop):
        raise DesktopError(
            f"The home of {username!r} for the desktop {desktop!r} could not be moved into its limit.",
            next_step="Try again. Nothing is lost. If it happens again, tell your administrator.",
        )


def _raise_if_moving(person: int, desktop: str) -> None:
    """Raises DesktopError while the program runs that moves this home: it holds a lock."""
    with _opened(person, desktop + MOVED) as moved:
        try:
            fcntl.flock(moved, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _moving() from None


def _moving() -> DesktopError:
    return DesktopError(
        "Your files are being moved into a place of their own, which is done once.",
        next_step="Try again in a minute.",
    )


def _raise_failure(person: int, desktop: str) -> None:
    """Raises DesktopError once if the last move has failed."""
    try:
        file = os.open(desktop + FAILURE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=person)
    except FileNotFoundError:
        return
    with os.fdopen(file, encoding="utf-8", errors="replace") as reader:
        cause = reader.read(400)
    os.unlink(desktop + FAILURE, dir_fd=person)
    raise DesktopError(
        f"The home could not be moved into its limit: {cause}.",
        next_step="Nothing is lost. The administrator has to allow a larger home, or make room on the disk.",
    )


def _make_file_system(image: int, uid: int) -> None:
    """Raises DesktopError."""
    program = shutil.which("mkfs.ext4", path=SEARCH_PATH)
    if program is None:
        raise DesktopError(
            "Homes are limited, and this host cannot make file systems for them.",
            next_step="The administrator has to install e2fsprogs, or set `isolation.home_gb` to 0.",
        )
    # All blocks are for the person: the usual reserve for root would be lost. Journals of the usual size,
    # 128 MiB, would fill the disk of a host with many homes.
    journal_mb = 16 if os.fstat(image).st_size >= 512 * MEBIBYTE else 4
    words = ("-q", "-F", "-m", "0", "-I", "256", "-e", "remount-ro", "-J", f"size={journal_mb}")
    extended = f"root_owner={uid}:{uid},nodiscard,lazy_itable_init=1,lazy_journal_init=1"
    _run(program, *words, "-E", extended, f"/proc/self/fd/{image}", keep=(image,))


def _mount(person: int, desktop: str, name: str, size_mb: int) -> None:
    # An image grows with the limit. It never shrinks: its file system may use all of it.
    online = _may_resize_mounted()
    if not online:
        _grow_copy(person, desktop, name, size_mb * MEBIBYTE)
    image = os.open(name, _IMAGE_FLAGS, dir_fd=person)
    try:
        if online and size_mb * MEBIBYTE > os.fstat(image).st_size:
            os.ftruncate(image, size_mb * MEBIBYTE)
        with _opened(person, desktop) as folder:
            device = mounts.mount_image(image, folder)
        if online and _file_system_bytes(image) < os.fstat(image).st_size:
            _run(_program("resize2fs"), device)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EPERM, errno.ENODEV, errno.ENXIO):
            raise DesktopError(
                f"Homes are limited, and this host cannot mount images of file systems ({error.strerror}).",
                next_step="The administrator has to provide loop devices (/dev/loop-control) and ext4, or "
                "set `isolation.home_gb` to 0.",
            ) from error
        raise DesktopError(
            f"The image of the home cannot be mounted: {error.strerror}.",
            next_step="The administrator has to examine it with `e2fsck -f` on the file "
            f"{desktop + IMAGE!r} of this person's homes.",
        ) from error
    finally:
        os.close(image)
    with _opened(person, desktop) as home, contextlib.suppress(OSError):
        os.rmdir("lost+found", dir_fd=home)  # e2fsck makes another one when it needs it


def _may_resize_mounted() -> bool:
    """Returns whether this process has CAP_SYS_RESOURCE (24), which many containers lack."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) >> 24 & 1)


def _grow_copy(person: int, desktop: str, name: str, size: int) -> None:
    """Makes an image larger that is not mounted, on a copy: a resize that is killed may destroy it."""
    if os.stat(name, dir_fd=person, follow_symlinks=False).st_size >= size:
        return
    old = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=person)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(desktop + NEW_IMAGE, dir_fd=person)
    new = os.open(desktop + NEW_IMAGE, _IMAGE_FLAGS | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=person)
    try:
        paths = [f"/proc/self/fd/{file}" for file in (old, new)]
        _run("cp", "--sparse=always", "--reflink=auto", *paths, keep=(old, new))
        os.ftruncate(new, size)
        _run(_program("e2fsck"), "-f", "-y", paths[1], keep=(new,), codes=(0, 1))
        _run(_program("resize2fs"), paths[1], keep=(new,))
        os.fsync(new)
    finally:
        os.close(old)
        os.close(new)
    os.rename(desktop + NEW_IMAGE, name, src_dir_fd=person, dst_dir_fd=person)
    os.fsync(person)


def _program(name: str) -> str:
    return shutil.which(name, path=SEARCH_PATH) or name


def _file_system_bytes(image: int) -> int:
    blocks = _BLOCKS.unpack(os.pread(image, 4, 1024 + 4))[0]
    return int(blocks << (10 + _BLOCK_SIZE.unpack(os.pread(image, 4, 1024 + 24))[0]))


def _run(*words: str, keep: Sequence[int] = (), codes: Collection[int] = (0,)) -> None:
    """Runs a program. Raises DesktopError with its last words unless it ends with one of these codes."""
    done = subprocess.run(
        words, pass_fds=keep, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode not in codes:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DesktopError(
            f"{Path(words[0]).name} failed: {last}.",
            next_step="The administrator has to check the free space of the homes.",
        )
