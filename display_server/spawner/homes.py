"""Creates the homes of desktops as root, without ever following a path that a person controls.

A home is `USERNAME/DESKTOP` below a folder that belongs to root. The person owns what is inside the home, but
cannot replace the home itself. Nothing inside is opened by path: symbolic links are never followed.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from display_server.errors import DesktopError

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_home(homes: int, username: str, desktop: str, uid: int) -> None:
    """Creates the home where it is missing, mode 0700, and gives it to `uid`.

    `homes` is a descriptor of the folder of all homes. A home that this user (root) owns is one of the time
    before desktops were isolated; its content is given to the person. Raises DesktopError when the home
    belongs to somebody else, and OSError.
    """
    with open_folder(homes, username) as person, open_folder(person, desktop) as home:
        owner = os.fstat(home).st_uid
        if owner == os.geteuid() and owner != uid:
            _give_content(home, owner, uid)
            os.fchown(home, uid, uid)
        elif owner != uid:
            raise DesktopError(
                f"The home of {username!r} for the desktop {desktop!r} belongs to another user.",
                next_step="The administrator has to restore it together with its database.",
            )
        os.fchmod(home, 0o700)


@contextmanager
def open_folder(parent: int, name: str) -> Iterator[int]:
    """Opens a folder, which is created where it is missing. A symbolic link in its place is refused."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    descriptor = os.open(name, FOLDER_FLAGS, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _give_content(home: int, owner: int, uid: int) -> None:
    """Changes the owner of everything below the home that `owner` owns.

    A file with several names is left alone, because another name may lie outside of the home.
    """
    for _, folders, files, descriptor in os.fwalk(".", dir_fd=home, follow_symlinks=False):
        for name in (*folders, *files):
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if status.st_uid == owner and (not stat.S_ISREG(status.st_mode) or status.st_nlink == 1):
                os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)


def set_aside(homes: int, deleted: int, username: str, stamp: str) -> str:
    """Moves the homes of a person into another open folder. Returns their new name, or "" if there are none.

    Raises OSError.
    """
    number = 1
    while True:
        name = f"{username}-{stamp}" if number == 1 else f"{username}-{stamp}-{number}"
        try:
            os.mkdir(name, 0o700, dir_fd=deleted)  # an empty folder is replaced; any other one is not
        except FileExistsError:
            number += 1
            continue
        try:
            os.rename(username, name, src_dir_fd=homes, dst_dir_fd=deleted)
        except FileNotFoundError:
            os.rmdir(name, dir_fd=deleted)
            return ""
        return name


def wipe(parent: int, name: str) -> None:
    """Deletes a folder and everything below it. Symbolic links are removed and never followed.

    The files are not overwritten: on today's disks only encryption makes sure that nobody can read what was
    deleted. Raises OSError.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        shutil.rmtree(name, dir_fd=parent)
