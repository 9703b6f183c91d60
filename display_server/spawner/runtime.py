"""Runs containers with an OCI runtime. crun and runc have the same commands, so one class serves both."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from display_server.errors import ConfigurationError, DesktopError
from display_server.process_stat import is_running

#: How long a command of the runtime may take, s. It needs 10 to 100 ms; a loaded host needs more.
COMMAND_TIMEOUT_S = 30.0
#: Pause between two looks whether a process has ended, s.
_POLL_S = 0.005
#: How much of the runtime's own error message is quoted, characters.
ERROR_MAX = 300
#: Where distributions install runtimes, besides PATH.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CGROUPS = Path("/sys/fs/cgroup")


class _State(msgspec.Struct):
    """The part of the answer to `RUNTIME state ID` that matters here."""

    status: str
    pid: int = 0


#: Hosts with cgroup v1 may have v2 here as well, without controllers (systemd calls them hybrid).
HYBRID_CGROUPS = CGROUPS / "unified"
#: crun refuses hybrid hosts, although it needs v1 alone there. It runs in a mount namespace that lacks v2.
_WITHOUT_HYBRID = (
    *("unshare", "--mount", "--propagation", "slave"),
    *("sh", "-c", f'umount {HYBRID_CGROUPS} && exec "$@"', "sh"),
)


def choose_runtime() -> tuple[str, ...]:
    """Returns the beginning of the runtime's commands. Raises ConfigurationError when the host has none.

    Both run the same bundles. crun comes first, because every test of isolation runs with it.
    """
    for name in ("crun", "runc"):
        if path := shutil.which(name, path=SEARCH_PATH):
            return (*_WITHOUT_HYBRID, path) if name == "crun" and HYBRID_CGROUPS.exists() else (path,)
    raise ConfigurationError(
        "This host has no container runtime for isolated desktops.", hint="apt install crun catatonit"
    )


class Runtime:
    """Containers of one spawner. `folder` is where the runtime keeps its own state.

    Commands inherit the descriptors `inherited`: should this process be killed, its lock is held until a
    command under way has ended.
    """

    def __init__(self, program: Sequence[str], folder: Path, inherited: Sequence[int] = ()) -> None:
        self._program = tuple(program)
        self._folder = folder
        self._inherited = tuple(inherited)

    def run(self, name: str, bundle: Path) -> None:
        """Starts the container's init and returns when it runs. Raises DesktopError."""
        self._call(bundle, "run", "--detach", "--bundle", str(bundle), name)

    def execute(self, name: str, bundle: Path, process: Path, pid_file: Path, log: int) -> None:
        """Starts another process in the container; its stderr goes to the descriptor `log`.

        Raises DesktopError.
        """
        words = ("exec", "--detach", "--process", str(process), "--pid-file", str(pid_file), name)
        self._call(bundle, *words, stderr=log)

    def init_pid(self, name: str) -> int | None:
        """Returns the pid of the container's init on the host; None when the container does not run."""
        answer = subprocess.run(
            self.command("state", name),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
            env=ENVIRONMENT,
        )
        if answer.returncode != 0:
            return None
        with contextlib.suppress(msgspec.MsgspecError):
            state = msgspec.json.decode(answer.stdout, type=_State)
            return state.pid if state.status == "running" and state.pid > 0 else None
        return None

    def remove(self, name: str) -> None:
        """Kills every process of the container and forgets it. Does nothing if there is none."""
        if (pid := self.init_pid(name)) is not None:
            _end_init(pid)
        subprocess.run(
            self.command("delete", "--force", name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=self._inherited,
            timeout=COMMAND_TIMEOUT_S,
            env=ENVIRONMENT,
        )

    def _call(self, bundle: Path, *words: str, stderr: int = subprocess.DEVNULL) -> None:
        log = bundle / "runtime.log"
        log.unlink(missing_ok=True)
        try:
            code = subprocess.run(
                self.command(f"--log={log}", "--log-format=json", *words),
                stdin=subprocess.DEVNULL,
                # The container inherits these. A pipe would stay open as long as the container runs.
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                timeout=COMMAND_TIMEOUT_S,
                env=ENVIRONMENT,
                pass_fds=self._inherited,
                umask=0o022,  # of the mount points, through which all users of the container pass
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failure(str(error)) from error
        if code != 0:
            raise _failure(_last_message(log) or f"exit code {code}")

    def command(self, *words: str) -> Sequence[str]:
        """Returns a command of the runtime, such as `exec`, for the containers of this spawner."""
        return (*self._program, "--root", str(self._folder), *words)


#: The runtime gets none of the spawner's environment.
ENVIRONMENT = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8"}


def _end_init(pid: int) -> None:
    """Kills the container's init, with which the kernel kills everything in the container.

    The kernel keeps the init until every process of the container was collected by its parent. The parent of
    the supervisor is this process or, if an earlier spawner has started it, the host's init.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    deadline_s = time.monotonic() + COMMAND_TIMEOUT_S
    while is_running(pid) and time.monotonic() < deadline_s:
        reap()
        time.sleep(_POLL_S)


def _failure(reason: str) -> DesktopError:
    return DesktopError(
        f"The container of this desktop could not be started: {reason[:ERROR_MAX]}.",
        next_step="`lightbox doctor` says what this host lacks for isolated desktops.",
    )


def _last_message(log: Path) -> str:
    """Returns the message of the last line of the runtime's log."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return str(json.loads(log.read_text(errors="replace").strip().splitlines()[-1])["msg"]).rstrip(".")
    return ""


def reap() -> None:
    """Collects processes of containers that have ended and whose parent is this process."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
