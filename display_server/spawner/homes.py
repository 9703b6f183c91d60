"""Creates the homes of desktops as root, without ever following a path that a person controls.

A home is `USERNAME/DESKTOP` below a folder that belongs to root. The person owns what is inside the home, but
cannot replace the home itself. Nothing inside is opened by path: symbolic links are never followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from display_server.errors import DesktopError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_home(homes: int, username: str, desktop: str, uid: int) -> None:
    """Creates the home where it is missing, mode 0700, and gives it to `uid`.

    `homes` is a descriptor of the folder of all homes. A home that this user (root) owns is one of the time
    before desktops were isolated; its content is given to the person. Raises DesktopError when the home
    belongs to somebody else, and OSError.
    """
    with _folder(homes, username) as person, _folder(person, desktop) as home:
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
def _folder(parent: int, name: str) -> Iterator[int]:
    """Opens a folder, which is created where it is missing. A symbolic link in its place is refused."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
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
