"""The folder of isolated desktops, which outlive the server process that started them.

Its name is derived from that of the state folder, so that the next server process with the same state folder
finds the desktops again. The spawner creates and removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from display_server.broker.folders import SHARED_MEMORY, StateFolder
from display_server.errors import ConfigurationError
from display_server.process_stat import boot_id

#: Where the folder is. Sockets need short paths, and framebuffers a memory file system.
RUN = Path("/run")
#: All folders of isolated desktops are in this one, which root owns.
NAME = "lightbox"
#: Digits of the hash in the folder's name.
HASH_DIGITS = 10
#: How long a server process that is ending may keep its lock, s.
LOCK_TIMEOUT_S = 5.0
_POLL_S = 0.02
_LOCK = "isolation.lock"


@dataclass(frozen=True, slots=True)
class LastingFolder:
    """Where the isolated desktops of one state folder are."""

    path: Path

    @classmethod
    def of(cls, state: Path) -> LastingFolder:
        """`state` is the path of a state folder, which need not exist."""
        path = os.fsencode(os.path.realpath(state))
        return cls(base_folder() / f"lightbox-{hashlib.sha256(path).hexdigest()[:HASH_DIGITS]}")

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def desktops(self) -> Path:
        return self.path / "desktops"

    @property
    def socket(self) -> Path:
        """The spawner's."""
        return self.path / "spawner.sock"

    @property
    def gateway(self) -> Path:
        """Where a gateway that runs as another user reaches the broker. It is not in the spawner's folder,
        which a spawner removes when there are no desktops."""
        return self.path.with_name(self.path.name.replace(f"{NAME}-", "gateway-", 1))


def base_folder() -> Path:
    """Returns /run/lightbox or, where /run is on a disk as in many containers, /dev/shm/lightbox."""
    return (RUN if _in_memory(RUN) else Path(SHARED_MEMORY)) / NAME


def lasting_folders() -> list[LastingFolder]:
    """Returns the folders of this host that exist, whatever their state folder."""
    return [LastingFolder(path) for path in sorted(base_folder().glob("lightbox-*"))]


@contextlib.contextmanager
def sole_server(state: StateFolder) -> Iterator[bool]:
    """Makes this the only server process with isolated desktops of a state folder, until the block ends.

    Two of them would adopt and end each other's desktops. Yields whether the host was restarted since the
    last one. Raises ConfigurationError when another one runs.
    """
    lock = os.open(state.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(lock, state)
        former = os.pread(lock, 100, 0).decode(errors="replace").strip()
        current = boot_id()
        if former != current:
            os.ftruncate(lock, 0)
            os.pwrite(lock, current.encode(), 0)
        yield former not in ("", current)
    finally:
        os.close(lock)


def _wait_for(lock: int, state: StateFolder) -> None:
    deadline_s = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                raise ConfigurationError(
                    f"Another Lightbox server uses the state folder {state.path}.",
                    hint="End it first; its isolated desktops go on. Or choose another folder with --state.",
                ) from None
            time.sleep(_POLL_S)


def _in_memory(path: Path) -> bool:
    """Returns whether a folder is on a memory file system."""
    found = ("", "")
    for line in Path("/proc/self/mounts").read_text(errors="replace").splitlines():
        _, target, kind, *_ = line.split(" ")
        if path.is_relative_to(target) and len(target) >= len(found[0]):
            found = (target, kind)
    return found[1] in ("tmpfs", "ramfs")
