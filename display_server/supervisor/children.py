"""Child processes of the supervisor: starts them with resource limits, reaps them and terminates them.

Termination includes all descendants, also those whose parent has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from display_server.errors import DesktopError

#: Options of prctl(2).
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

#: Resource limits of every process of a desktop. RLIMIT_NPROC is not among them, because it counts all
#: processes of the user, that is, those of all desktops.
LIMITS = {
    resource.RLIMIT_CORE: 0,  # a core file would contain patient data
    resource.RLIMIT_NOFILE: 8192,
    resource.RLIMIT_DATA: 8 * 2**30,  # bytes
}
#: oom_score_adj of a desktop's programs: when memory runs out, the kernel kills them before the gateway, the
#: supervisor or the X server.
PROGRAM_OOM_SCORE = 500
#: How long processes may take to end after SIGTERM before they are killed, s.
TERMINATION_GRACE_S = 1.0
_POLL_S = 0.01

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(eq=False)
class Child:
    """A process that the supervisor started."""

    name: str
    pid: int
    exited: asyncio.Future[int] = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    async def wait(self) -> int:
        """Returns the exit code, or minus the signal that ended the process.

        Any number of callers may wait, and each of them may be cancelled.
        """
        return await asyncio.shield(self.exited)

    @property
    def alive(self) -> bool:
        return not self.exited.done()


class Children:
    """The supervisor's children.

    This process becomes a child subreaper (prctl(2)): descendants that lose their parent become its children.
    """

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        output: int,
        folder: Path | None = None,
        pass_fds: Sequence[int] = (),
        oom_score: int = 0,
    ) -> Child:
        """Starts a process in a session of its own; its stdout and stderr go to the descriptor `output`.

        The kernel kills the process when the supervisor dies. Raises DesktopError.
        """

        def prepare() -> None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for limit, value in LIMITS.items():
                hard = resource.getrlimit(limit)[1]
                bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(limit, (bound, bound))
            if oom_score:
                Path("/proc/self/oom_score_adj").write_text(str(oom_score))

        try:
            process = subprocess.Popen(
                argv,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=pass_fds,
                start_new_session=True,
                preexec_fn=prepare,  # safe: no other thread can hold a lock while this process forks
            )
        except FileNotFoundError as error:
            raise DesktopError(
                f"{argv[0]} is not installed.", next_step="`lightbox doctor` names the package to install."
            ) from error
        except (OSError, subprocess.SubprocessError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its limits could not be set"
            raise DesktopError(
                f"{argv[0]} could not be started: {reason}.",
                next_step="The administrator has to check its permissions and the limits of this user.",
            ) from error
        child = Child(name, process.pid, asyncio.get_running_loop().create_future(), process)
        self._children[child.pid] = child
        return child

    async def terminate(self, *, except_for: Iterable[Child] = ()) -> None:
        """Ends all descendants of this process but `except_for`: with SIGTERM, after a grace with SIGKILL."""
        spared = {child.pid for child in except_for}
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + TERMINATION_GRACE_S
        signalled: set[int] = set()
        while remaining := descendants(os.getpid()) - spared:
            killing = loop.time() > deadline_s
            for pid in remaining if killing else remaining - signalled:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if killing else signal.SIGTERM)
            signalled |= remaining
            await asyncio.sleep(_POLL_S)
            self._reap()
        self._reap()  # `descendants` leaves out zombies, so some may not have been reaped yet

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if child := self._children.pop(pid, None):
                # Without its exit code the Popen object would wait for the pid again.
                child.process.returncode = os.waitstatus_to_exitcode(status)
                if not child.exited.done():
                    child.exited.set_result(child.process.returncode)


def descendants(ancestor: int) -> set[int]:
    """Returns the pids of all living processes below `ancestor`; zombies are left out."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # "pid (name) state ppid …"; the name may contain anything, also blanks and brackets
                rest = (entry / "stat").read_text(errors="replace").rpartition(") ")[2].split()
                if rest[0] not in "ZX":
                    parents[int(entry.name)] = int(rest[1])
    found: set[int] = set()
    generation = {ancestor}
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation} - found
        found |= generation
    return found


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise DesktopError(
            f"The kernel refused prctl({option}): {os.strerror(ctypes.get_errno())}.",
            next_step="The administrator has to allow this system call, for example in the container.",
        )
