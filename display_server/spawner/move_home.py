"""`python -m display_server.spawner.move_home PERSON DESKTOP UID SIZE_MB` moves a home into a limited place.

PERSON is an inherited descriptor of the person's folder. What is in the home is read and written as the
person, so that nothing there can lead root anywhere. If this program is killed, the next one starts again
from the old home, which is deleted only after the new one was compared with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator

from display_server.errors import LightboxError
from display_server.spawner import mounts
from display_server.spawner.home_storage import (
    FAILURE,
    MOVED,
    NEW_FOLDER,
    complete,
    create_place,
    exists,
    mount_new,
)
from display_server.spawner.homes import FOLDER_FLAGS

#: How much is compared at once, bytes.
_BLOCK_BYTES = 1024 * 1024


class NotMovedError(Exception):
    """The home is where it was."""


def main(arguments: list[str]) -> int:
    person, desktop, uid, size_mb = int(arguments[0]), arguments[1], int(arguments[2]), int(arguments[3])
    os.umask(0o077)
    source = os.open(desktop + MOVED, FOLDER_FLAGS, dir_fd=person)
    fcntl.flock(source, fcntl.LOCK_EX)
    try:
        _move(person, desktop, source, uid, size_mb)
    except (OSError, LightboxError, NotMovedError, RecursionError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(desktop + FAILURE, flags, 0o600, dir_fd=person), "w") as file:
            file.write((cause or "unknown").rstrip("."))
        return 1
    return 0


def _move(person: int, desktop: str, source: int, uid: int, size_mb: int) -> None:
    create_place(person, desktop, uid, size_mb)
    in_image = not exists(person, desktop + NEW_FOLDER)
    if in_image:
        mount_new(person, desktop)
    target = os.open(desktop if in_image else desktop + NEW_FOLDER, FOLDER_FLAGS, dir_fd=person)
    try:
        if os.fstat(target).st_dev == os.fstat(person).st_dev:  # a spawner has just unmounted it
            raise NotMovedError("its new place was taken away")
        _copy(source, target, uid)
        copied = os.open(".", FOLDER_FLAGS, dir_fd=target)  # btrfs lists what was there at the opening
        with _acting_as(uid):
            difference = first_difference(source, copied)
        os.close(copied)
        if difference is not None:
            raise NotMovedError(f"the copy of {difference!r} is not the same")
        mounts.write_out(target)
    finally:
        os.close(target)
    if in_image and not mounts.unmount(person, desktop):
        raise NotMovedError("a process uses its new place")
    complete(person, desktop)
    shutil.rmtree(desktop + MOVED, dir_fd=person)


def _copy(source: int, target: int, uid: int) -> None:
    words = ("cp", "--archive", "--one-file-system", "--reflink=never", "--")  # btrfs counts no clones
    done = subprocess.run(
        [*words, f"/proc/self/fd/{source}/.", f"/proc/self/fd/{target}/"],
        pass_fds=[source, target],
        user=uid,
        group=uid,
        extra_groups=[],
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise NotMovedError((done.stderr.strip().splitlines() or ["cp failed"])[-1])


@contextlib.contextmanager
def _acting_as(uid: int) -> Iterator[None]:
    """Accesses files as this user and group, and no other, until the block ends."""
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def first_difference(one: int, other: int, path: str = "") -> str | None:
    """Returns the path of the first file that differs below two open folders, or None.

    Names, types, permissions, owners, times, link targets, extended attributes and contents are compared.
    """
    names, others = (sorted(os.listdir(folder)) for folder in (one, other))  # noqa: PTH208 - descriptors
    if names != others:
        return path or "."
    for name in names:
        inner = f"{path}/{name}" if path else name
        first, second = (os.stat(name, dir_fd=folder, follow_symlinks=False) for folder in (one, other))
        if _traits(first) != _traits(second):
            return inner
        if stat.S_ISLNK(first.st_mode):
            if os.readlink(name, dir_fd=one) != os.readlink(name, dir_fd=other):
                return inner
        elif stat.S_ISREG(first.st_mode) or stat.S_ISDIR(first.st_mode):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with contextlib.ExitStack() as stack:
                opened = []
                for folder in (one, other):
                    opened.append(os.open(name, flags, dir_fd=folder))
                    stack.callback(os.close, opened[-1])
                if _attributes(opened[0]) != _attributes(opened[1]):
                    return inner
                if stat.S_ISDIR(first.st_mode):
                    if (difference := first_difference(opened[0], opened[1], inner)) is not None:
                        return difference
                elif not _same_content(opened[0], opened[1]):
                    return inner
    return None


def _traits(status: os.stat_result) -> tuple[int, ...]:
    common = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
    if stat.S_ISDIR(status.st_mode):
        return common
    return (*common, status.st_size, status.st_nlink, status.st_rdev)


def _attributes(file: int) -> dict[str, bytes]:
    return {name: os.getxattr(file, name) for name in os.listxattr(file) if name.startswith("user.")}


def _same_content(one: int, other: int) -> bool:
    while True:
        block = os.read(one, _BLOCK_BYTES)
        if block != os.read(other, _BLOCK_BYTES):
            return False
        if not block:
            return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
