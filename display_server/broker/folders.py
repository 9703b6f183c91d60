"""The folders of a running Lightbox: the state folder that stays, the run folder that goes, and who uses
them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import structlog

from display_server.broker.sessions import Places
from display_server.desktop.spec import write_private
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: Run folders on a memory file system need room for framebuffers (8 MB at 1080p, 66 MB at 8K).
TMPFS_FREE_BYTES = 512 * 1024 * 1024
#: Memory, on every Linux. What is made in there is private.
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - used through mkdtemp
RUN_PREFIX = "lightbox-"
#: Linux allows 107 bytes for a Unix socket's path.
SOCKET_PATH_MAX = 107
#: `desktops/SESSION/agent.sock` below the run folder, with room to spare.
SOCKET_TAIL = len("/desktops/") + 24 + len("/agent.sock")
#: A run folder without a lock may be one that is being made at this moment.
MAKING_S = 60.0


@dataclass(frozen=True, slots=True)
class StateFolder:
    """0700. `open` makes it and its parts."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> StateFolder:
        """Raises ConfigurationError when it cannot be written, or belongs to somebody else."""
        path = path.expanduser().absolute()
        folder = cls(path)
        try:
            for part in (path, folder.tls, folder.homes, folder.logs, folder.instances):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = path.stat()
            if found.st_uid != os.geteuid():
                raise ConfigurationError(
                    f"The state folder {path} belongs to another user.", hint="Choose another with --state."
                )
            if stat.S_IMODE(found.st_mode) & 0o077:
                path.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(
                f"The state folder {path} cannot be used: {error.strerror}.",
                hint="Choose another with --state or LIGHTBOX_STATE.",
            ) from error
        return folder

    @property
    def database(self) -> Path:
        return self.path / "lightbox.db"

    @property
    def tls(self) -> Path:
        return self.path / "tls"

    @property
    def homes(self) -> Path:
        return self.path / "homes"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def instances(self) -> Path:
        return self.path / "instances"

    @property
    def demo_password(self) -> Path:
        return self.path / "demo-password"


class RunFolder:
    """Private, on tmpfs where there is room.

    Its lock is held as long as its owner lives, even if that is killed.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def make(cls) -> RunFolder:
        """Also removes the folders of owners that died. Raises ConfigurationError."""
        base = _base()
        sweep(base)
        try:
            path = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=base))
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (path / "desktops").mkdir(mode=0o700)
        except OSError as error:
            raise ConfigurationError(
                f"No run folder could be made in {base}: {error.strerror}.",
                hint="Make room there, or set XDG_RUNTIME_DIR or TMPDIR.",
            ) from error
        return cls(path, lock)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _base() -> Path:
    for candidate in (os.environ.get("XDG_RUNTIME_DIR"), SHARED_MEMORY):
        if not candidate:
            continue
        path = Path(candidate)
        if (
            path.is_dir()
            and os.access(path, os.W_OK | os.X_OK)
            and shutil.disk_usage(path).free >= TMPFS_FREE_BYTES
            and _short_enough(path)
        ):
            return path
    path = Path(tempfile.gettempdir())
    if not _short_enough(path):
        raise ConfigurationError(
            f"The path of the temporary folder {path} is too long for sockets.",
            hint="Set TMPDIR to a shorter one.",
        )
    return path


def _short_enough(base: Path) -> bool:
    return len(os.fsencode(base)) + 1 + len(RUN_PREFIX) + 8 + SOCKET_TAIL <= SOCKET_PATH_MAX


def sweep(base: Path) -> list[Path]:
    """Removes run folders of this user whose owner no longer lives. Returns them."""
    removed = []
    for path in base.glob(RUN_PREFIX + "*"):
        try:
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or not _abandoned(path, found):
                continue
        except OSError:
            continue  # somebody else was quicker
        shutil.rmtree(path, ignore_errors=True)
        removed.append(path)
        log.info("removed the run folder of a dead instance", path=str(path))
    return removed


def _abandoned(path: Path, found: os.stat_result) -> bool:
    if not (path / "desktops").is_dir():  # not ours, or in the making
        return (path / "lock").is_file() and time.time() - found.st_mtime > MAKING_S
    try:
        lock = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - found.st_mtime > MAKING_S
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


class Instance(msgspec.Struct, frozen=True):
    """A running Lightbox, as `instances/PID.json` of its state folder tells."""

    pid: int
    created_s: float  # of the process, so that a re-used pid is not taken for it
    run_folder: str
    url: str


def announce(state: StateFolder, run: RunFolder, url: str) -> Path:
    """Writes this process's entry and removes those of dead ones. Returns the entry."""
    instances(state)
    pid = os.getpid()
    entry = state.instances / f"{pid}.json"
    instance = Instance(pid, psutil.Process(pid).create_time(), str(run.path), url)
    write_private(entry, msgspec.json.encode(instance))
    return entry


def instances(state: StateFolder) -> list[Instance]:
    """The living ones. Entries of dead ones are removed."""
    living = []
    for entry in sorted(state.instances.glob("*.json")):
        try:
            instance = msgspec.json.decode(entry.read_bytes(), type=Instance)
            alive = abs(psutil.Process(instance.pid).create_time() - instance.created_s) < 1
        except FileNotFoundError:
            continue
        except (msgspec.MsgspecError, psutil.NoSuchProcess, OSError):
            alive = False
        if alive:
            living.append(instance)
        else:
            entry.unlink(missing_ok=True)
    return living


def places(state: StateFolder, run: RunFolder) -> Places:
    return Places(desktops=run.path / "desktops", homes=state.homes, logs=state.logs)
