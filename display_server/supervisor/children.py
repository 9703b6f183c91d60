"""The processes that a supervisor starts, or takes over from a supervisor that was killed.

None of them has a parent-death signal or reads the supervisor's standard input, so all of them go on when
the supervisor dies. Termination includes all descendants, also those whose parent has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from display_server.errors import DesktopError
from display_server.process_stat import read_stat
from display_server.supervisor.process_record import ProcessRecord

#: Option of prctl(2).
_PR_SET_CHILD_SUBREAPER = 36

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
#: Niceness of the programs of an isolated desktop. Where 16 programs compute without end on two processors, a
#: change reaches the viewer after 40 ms (median) instead of 340 ms.
PROGRAM_NICENESS = 10
#: How long processes may take to end after SIGTERM before they are killed, s.
TERMINATION_GRACE_S = 1.0
_POLL_S = 0.01
_OOM_SCORE_FILE = Path("/proc/self/oom_score_adj")

_libc = ctypes.CDLL(None, use_errno=True)

#: The exit code of a process, or minus the signal that ended it. None if a supervisor that was killed had
#: started the process: the kernel tells the exit code only to the parent.
ExitCode = int | None


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and the group as whom a process runs."""

    uid: int
    gid: int


@dataclass(eq=False)
class Child:
    """A process that this supervisor, or one before it, started. `process` is None in the latter case."""

    name: str
    pid: int
    exited: asyncio.Future[ExitCode] = field(repr=False)
    process: subprocess.Popen[bytes] | None = field(repr=False)

    async def wait(self) -> ExitCode:
        """Returns the exit code. Any number of callers may wait, and each of them may be cancelled."""
        return await asyncio.shield(self.exited)

    @property
    def alive(self) -> bool:
        return not self.exited.done()


class Children:
    """The processes of one desktop, which `folder` records.

    `others` returns the pids of processes that belong to the desktop although no record names them.
    Outside of containers this process becomes a child subreaper (prctl(2)): descendants that lose their
    parent become its children.
    """

    def __init__(self, folder: Path, others: Callable[[], set[int]]) -> None:
        self._children: dict[int, Child] = {}
        self._others = others
        self.record = ProcessRecord(folder)
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
        identity: Identity | None = None,
        umask: int = -1,
        niceness: int = 0,
    ) -> Child:
        """Starts a process in a session of its own; its stdout and stderr go to the descriptor `output`.

        The process runs as `identity`, or else as the supervisor's own user. `folder` is its working folder,
        which that user enters. `umask` is that of this process unless it is given. `niceness` is added to
        that of this process. Raises DesktopError.
        """
        if folder is not None and identity is not None:
            argv = ["env", f"--chdir={folder}", *argv]  # the supervisor itself may not enter the folder
            folder = None
        if niceness:
            argv = ["nice", "-n", str(niceness), *argv]
        try:
            with _oom_score(oom_score):
                process = subprocess.Popen(
                    argv,
                    env=environment,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=pass_fds,
                    start_new_session=True,
                    user=identity.uid if identity else None,
                    group=identity.gid if identity else None,
                    extra_groups=[] if identity else None,
                    umask=umask,
                )
        except FileNotFoundError as error:
            raise DesktopError(
                f"{argv[0]} is not installed.", next_step="`lightbox doctor` names the package to install."
            ) from error
        except (OSError, subprocess.SubprocessError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its user could not be set"
            raise DesktopError(
                f"{argv[0]} could not be started: {reason}.",
                next_step="The administrator has to check its permissions and the limits of this user.",
            ) from error
        child = Child(name, process.pid, asyncio.get_running_loop().create_future(), process)
        self._children[child.pid] = child
        # The process is not reaped before this function returns to the event loop, so its file exists.
        stat = read_stat(child.pid)
        with contextlib.suppress(OSError):  # a full disk must not end the desktop
            self.record.add(name, child.pid, stat.start_ticks if stat else 0)
        return child

    def adopt(self, name: str) -> Child | None:
        """Takes over the process that an earlier supervisor recorded under this name, if it still runs."""
        recorded = self.record.find(name)
        if recorded is None or not recorded.running:
            return None
        try:
            descriptor = os.pidfd_open(recorded.pid)
        except OSError:  # it has ended
            self.record.mark_ended(name, recorded.pid)
            return None
        # The descriptor holds the process, so the comparison cannot be outdated by a reuse of the pid.
        stat = read_stat(recorded.pid)
        if stat is None or stat.start_ticks != recorded.start_ticks or stat.is_zombie:
            os.close(descriptor)
            self.record.mark_ended(name, recorded.pid)
            return None
        loop = asyncio.get_running_loop()
        child = Child(name, recorded.pid, loop.create_future(), None)

        def on_exit() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._finish(child, None)

        loop.add_reader(descriptor, on_exit)
        return child

    async def terminate(self, *, except_for: Iterable[Child] = ()) -> None:
        """Ends all processes of the desktop but `except_for`: with SIGTERM, after a grace with SIGKILL."""
        spared = {child.pid for child in except_for}
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + TERMINATION_GRACE_S
        signalled: set[int] = set()
        while remaining := self._living() - spared:
            killing = loop.time() > deadline_s
            for pid in remaining if killing else remaining - signalled:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if killing else signal.SIGTERM)
            signalled |= remaining
            await asyncio.sleep(_POLL_S)
            self._reap()
        self._reap()  # `_living` leaves out zombies, so some may not have been reaped yet

    def _living(self) -> set[int]:
        recorded = {process.pid for process in self.record.running()}
        below = set().union(*(descendants(pid) for pid in recorded)) if recorded else set()
        return (recorded | below | descendants(os.getpid()) | self._others()) - {os.getpid()}

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if child := self._children.pop(pid, None):
                assert child.process is not None
                # Without its exit code the Popen object would wait for the pid again.
                child.process.returncode = os.waitstatus_to_exitcode(status)
                self._finish(child, child.process.returncode)

    def _finish(self, child: Child, code: ExitCode) -> None:
        self.record.mark_ended(child.name, child.pid)
        if not child.exited.done():
            child.exited.set_result(code)


def limit_resources() -> None:
    """Sets LIMITS for this process, from which all processes of the desktop inherit them."""
    for limit, value in LIMITS.items():
        hard = resource.getrlimit(limit)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, bound))


def descendants(ancestor: int) -> set[int]:
    """Returns the pids of all living processes below `ancestor`; zombies are left out."""
    parents = {pid: stat.parent for pid in all_pids() if (stat := read_stat(pid)) and not stat.is_zombie}
    found: set[int] = set()
    generation = {ancestor}
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation} - found
        found |= generation
    return found


def everything_in_the_container() -> set[int]:
    """Returns the pids of all living processes that this process sees, except the container's init."""
    return {pid for pid in all_pids() if pid != 1 and (stat := read_stat(pid)) and not stat.is_zombie}


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


@contextlib.contextmanager
def _oom_score(score: int) -> Iterator[None]:
    """Gives a process that is started inside this context an oom_score_adj of at least `score`.

    A child inherits the value of its parent, and a process may raise its own value and lower it again.
    """
    before = _OOM_SCORE_FILE.read_text()
    raised = score > int(before)
    if raised:
        _OOM_SCORE_FILE.write_text(str(score))
    try:
        yield
    finally:
        if raised:
            _OOM_SCORE_FILE.write_text(before)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise DesktopError(
            f"The kernel refused prctl({option}): {os.strerror(ctypes.get_errno())}.",
            next_step="The administrator has to allow this system call, for example in the container.",
        )
