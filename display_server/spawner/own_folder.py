"""The spawner's own folder, which one spawner at a time may use."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import time
from pathlib import Path

from display_server.errors import ConfigurationError

#: How long a spawner waits until the former one has ended, s. The former one first completes its request.
LOCK_TIMEOUT_S = 40.0
_POLL_S = 0.02
_LOCK = "spawner.lock"


def take(folder: Path, timeout_s: float = LOCK_TIMEOUT_S) -> int:
    """Creates the folder where it is missing, and returns the descriptor of its lock.

    The kernel releases the lock when the last process that has the descriptor ends. Raises ConfigurationError
    when another spawner uses the folder, or when somebody else may write to it, and OSError.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        for path in (folder.parent, folder):
            _create(path)
            _require_ours(path)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The former spawner may have removed the folder together with the file.
            if os.path.samestat(os.fstat(lock), (folder / _LOCK).stat()):
                return lock
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(lock)
        if time.monotonic() > deadline_s:
            raise ConfigurationError(
                f"Another spawner uses the folder {folder}.",
                hint="Only one may run there. End the other one first; its desktops go on meanwhile.",
            )
        time.sleep(_POLL_S)


def remove_if_empty(folder: Path) -> None:
    """Removes the folder unless it has bundles. The caller has taken it."""
    bundles = folder / "bundles"
    if not bundles.is_dir() or not any(bundles.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)


def _create(path: Path) -> None:
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        path.chmod(0o711)  # the root users of containers pass through


def _require_ours(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ConfigurationError(
            f"The folder {folder} belongs to another user, or other users may write there.",
            hint="Remove it. The spawner creates its folder by itself.",
        )
