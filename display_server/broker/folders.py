"""The folders of a running Lightbox.

The state folder is permanent: it holds accounts, certificates, homes and logs. A run folder lives as long as
one server process: it holds the sockets and framebuffers of that process's desktops. Each server process
registers itself in both, so that `lightbox sessions` finds it, even without knowing the state folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from display_server.desktop.spec import write_private
from display_server.errors import ConfigurationError
from display_server.process_stat import boot_id, is_same_process, read_stat

log = structlog.get_logger(__name__)

#: Free space that a memory file system needs to hold run folders, bytes. A framebuffer takes 8 MB at
#: 1920 × 1080 and 66 MB at 7680 × 4320 pixels.
TMPFS_FREE_BYTES = 512 * 1024 * 1024
#: The memory file system that every Linux host has.
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - used through mkdtemp, which creates a private folder
#: Every run folder's name begins with this.
RUN_PREFIX = "lightbox-"
#: Longest path of a Unix socket on Linux, bytes.
SOCKET_PATH_MAX = 107
#: Longest path of a socket below its run folder, characters: `/desktops/SESSION/supervisor.sock`. Session ids
#: have 10 characters; 24 leaves room for longer ones.
SOCKET_SUFFIX_MAX = len("/desktops/") + 24 + len("/supervisor.sock")
#: The file of a run folder that describes its server process.
INSTANCE_FILE = "instance.json"
#: A run folder without a lock is not removed before this age, s: its process may be creating the lock.
CREATION_GRACE_S = 60.0


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The permanent folder, of mode 0700. `open` creates it."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> StateFolder:
        """Creates the folder and its subfolders where they are missing.

        Raises ConfigurationError when the folder cannot be written or belongs to another user.
        """
        path = path.expanduser().absolute()
        folder = cls(path)
        try:
            for part in (path, folder.tls, folder.homes, folder.logs, folder.instances):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = path.stat()
            if status.st_uid != os.geteuid():
                raise ConfigurationError(
                    f"The state folder {path} belongs to another user.",
                    hint="Choose another folder with --state.",
                )
            if stat.S_IMODE(status.st_mode) & 0o077:
                path.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(
                f"The state folder {path} cannot be used: {error.strerror}.",
                hint="Make it writable and free some space there, or choose another folder with --state.",
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
        """The folder of all homes: `service_homes` where a spawner has made them."""
        return self.service_homes if self.service_homes.is_dir() else self.path / "homes"

    @property
    def service_homes(self) -> Path:
        """The homes beside this folder, for a spawner that is a service of its own.

        Root alone may replace the folder of all homes, and this folder belongs to the server's user.
        """
        return self.path.with_name(f"{self.path.name}-homes") / "homes"

    @property
    def deleted_homes(self) -> Path:
        """Holds the homes of deleted accounts; exists only once there are some."""
        return self.homes.with_name("deleted-homes")

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def instances(self) -> Path:
        """Holds one file `PID.json` for each server process that runs."""
        return self.path / "instances"

    @property
    def metrics_token(self) -> Path:
        return self.path / "metrics-token"

    @property
    def second_factor_key(self) -> Path:
        """The key of what the database stores of second factors; exists once a server has run."""
        return self.path / "second-factor-key"

    @property
    def device_keys(self) -> Path:
        """The keys that sign the cookies of enrolled devices; exists once a server has run."""
        return self.path / "device-keys"

    @property
    def audit_key(self) -> Path:
        return self.path / "audit-key"

    @property
    def audit_spool(self) -> Path:
        return self.path / "audit-spool"

    @property
    def demo_password(self) -> Path:
        return self.path / "demo-password"


@dataclass(frozen=True, slots=True)
class DesktopFolders:
    """The folders in which each desktop gets a subfolder."""

    desktops: Path  # sockets and framebuffers, in the run folder or, of isolated desktops, in a LastingFolder
    homes: Path  # in the state folder
    logs: Path  # in the state folder


class RunFolder:
    """The private folder of one server process, on a memory file system where one has room.

    The process holds a lock on it. The kernel releases the lock when the process ends, even if it is killed,
    so that the next start can recognise and remove the folder.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls) -> RunFolder:
        """Creates the folder, and removes those of processes that have died.

        Raises ConfigurationError when no folder can be created.
        """
        base = _base_folder()
        remove_abandoned(base)
        try:
            path = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=base))
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (path / "desktops").mkdir(mode=0o700)
        except OSError as error:
            raise ConfigurationError(
                f"No run folder can be created in {base}: {error.strerror}.",
                hint="Free some space there, or set XDG_RUNTIME_DIR or TMPDIR to another folder.",
            ) from error
        return cls(path, lock)

    def leave(self) -> None:
        """Gives up this process's part of the lock, after a fork. Other processes keep theirs."""
        os.close(self._lock)
        self._lock = -1

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _base_folder() -> Path:
    for candidate in (os.environ.get("XDG_RUNTIME_DIR"), SHARED_MEMORY):
        if not candidate:
            continue
        path = Path(candidate)
        if (
            path.is_dir()
            and os.access(path, os.W_OK | os.X_OK)
            and shutil.disk_usage(path).free >= TMPFS_FREE_BYTES
            and _short_enough_for_sockets(path)
        ):
            return path
    path = Path(tempfile.gettempdir())
    if not _short_enough_for_sockets(path):
        raise ConfigurationError(
            f"The path of the temporary folder {path} is too long for Unix sockets.",
            hint="Set TMPDIR to a folder with a shorter path.",
        )
    return path


def _short_enough_for_sockets(base: Path) -> bool:
    return len(os.fsencode(base)) + 1 + len(RUN_PREFIX) + 8 + SOCKET_SUFFIX_MAX <= SOCKET_PATH_MAX


def remove_abandoned(base: Path) -> list[Path]:
    """Removes this user's run folders whose process no longer runs. Returns their paths."""
    removed = []
    for path in base.glob(RUN_PREFIX + "*"):
        try:
            status = path.lstat()
            if (
                not stat.S_ISDIR(status.st_mode)
                or status.st_uid != os.geteuid()
                or not _is_abandoned(path, status)
            ):
                continue
        except OSError:
            continue  # another process removed the folder first
        shutil.rmtree(path, ignore_errors=True)
        removed.append(path)
        log.info("run folder of a dead process removed", path=str(path))
    return removed


def _is_abandoned(path: Path, status: os.stat_result) -> bool:
    if not (path / "desktops").is_dir():  # not a run folder, or one that is being created
        return (path / "lock").is_file() and time.time() - status.st_mtime > CREATION_GRACE_S
    try:
        lock = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - status.st_mtime > CREATION_GRACE_S
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


class Instance(msgspec.Struct, frozen=True):
    """A running server process, as `instances/PID.json` in its state folder describes it."""

    pid: int
    boot_id: str  # of the host's start in which the process runs
    start_ticks: int  # since that start; tells the process apart from a later one with the same pid
    run_folder: str
    url: str
    reloadable: bool = False  # SIGHUP reloads its configuration; otherwise it ends the server
    desktops: str = ""  # the folder of its desktops; empty: `desktops` in the run folder

    @property
    def desktops_folder(self) -> Path:
        return Path(self.desktops or f"{self.run_folder}/desktops")

    @property
    def alive(self) -> bool:
        return self.boot_id == boot_id() and is_same_process(self.pid, self.start_ticks)


def register_instance(
    state: StateFolder,
    run: RunFolder,
    url: str,
    *,
    reloadable: bool = False,
    desktops: Path | None = None,
) -> Path:
    """Writes the files that describe this process, and removes those of dead processes.

    Returns the path of the file in the state folder; the other one is removed together with the run folder.
    """
    list_instances(state)
    pid = os.getpid()
    entry = state.instances / f"{pid}.json"
    stat = read_stat(pid)
    instance = Instance(
        pid,
        boot_id(),
        stat.start_ticks if stat else 0,
        str(run.path),
        url,
        reloadable=reloadable,
        desktops=str(desktops or ""),
    )
    for path in (entry, run.path / INSTANCE_FILE):
        write_private(path, msgspec.json.encode(instance))
    return entry


def unregister_instance(entry: Path) -> None:
    """Removes the file of a server process. On a read-only disk the file stays, which does no harm."""
    with contextlib.suppress(OSError):
        entry.unlink(missing_ok=True)


def list_instances(state: StateFolder) -> list[Instance]:
    """Returns the server processes of a state folder that run, and removes the files of those that do not."""
    running = []
    for entry in sorted(state.instances.glob("*.json")):
        instance: Instance | None = None
        try:
            instance = msgspec.json.decode(entry.read_bytes(), type=Instance)
        except FileNotFoundError:
            continue
        except (msgspec.MsgspecError, OSError) as error:
            log.info("file of a server process removed", path=str(entry), error=str(error))
        if instance is not None and instance.alive:
            running.append(instance)
        else:
            unregister_instance(entry)
    return running


def instance_folders() -> list[Path]:
    """Returns the folders in which a server process of this host may have created its run folder.

    Processes of one user may have different temporary folders, so all the usual ones are searched.
    """
    named = (os.environ.get("XDG_RUNTIME_DIR"), SHARED_MEMORY, tempfile.gettempdir(), "/tmp")  # noqa: S108
    users = (path for path in Path("/run/user").glob("*") if os.geteuid() in (0, _owner(path)))
    return list(dict.fromkeys((*(Path(folder) for folder in named if folder), *users)))


def find_instances() -> list[Instance]:
    """Returns the server processes of this user that run, whatever their state folder; for root, all."""
    running = {}
    for base in instance_folders():
        for entry in sorted(base.glob(f"{RUN_PREFIX}*/{INSTANCE_FILE}")):
            try:
                if os.geteuid() not in (0, _owner(entry)):
                    continue
                instance = msgspec.json.decode(entry.read_bytes(), type=Instance)
            except (msgspec.MsgspecError, OSError):
                continue  # the process is ending, or the file is not ours
            if instance.run_folder == str(entry.parent) and instance.alive:
                running[instance.pid] = instance
    return list(running.values())


def _owner(path: Path) -> int:
    return path.stat().st_uid


def desktop_folders(state: StateFolder, run: RunFolder) -> DesktopFolders:
    return DesktopFolders(desktops=run.path / "desktops", homes=state.homes, logs=state.logs)
