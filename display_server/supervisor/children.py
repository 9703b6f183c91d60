"""The processes of a desktop: started with limits, reaped, and ended with all that they started in turn."""

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

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

#: Limits of every process of a desktop. Not NPROC: it counts all processes of the user, of all desktops.
LIMITS = {
    resource.RLIMIT_CORE: 0,  # a core file would hold patient data
    resource.RLIMIT_NOFILE: 8192,
    resource.RLIMIT_DATA: 8 * 2**30,
}
#: The kernel ends a desktop's programs before the door, the keeper or the X server when memory runs out.
PROGRAM_OOM_SCORE = 500
#: How long processes may take to end after SIGTERM.
GRACE_S = 1.0
_POLL_S = 0.01

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(eq=False)
class Child:
    """A process that we started."""

    name: str
    pid: int
    exited: asyncio.Future[int] = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    async def wait(self) -> int:
        """Its exit code, or minus the signal that ended it. Any number may wait, and may be cancelled."""
        return await asyncio.shield(self.exited)

    @property
    def alive(self) -> bool:
        return not self.exited.done()


class Children:
    """Becomes the reaper of everything below this process: whoever loses its parent becomes our child."""

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
        """In a session of its own; both outputs go to the descriptor `output`. Raises DesktopError."""

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
                preexec_fn=prepare,  # safe: this process has no other threads
            )
        except FileNotFoundError as error:
            raise DesktopError(f"{argv[0]} is not installed.") from error
        except (OSError, subprocess.SubprocessError) as error:
            raise DesktopError(f"{argv[0]} could not be started: {error}.") from error
        child = Child(name, process.pid, asyncio.get_running_loop().create_future(), process)
        self._children[child.pid] = child
        return child

    async def end(self, *, spare: Iterable[Child] = ()) -> None:
        """Ends every process below this one but `spare`: SIGTERM, SIGKILL after a grace."""
        spared = {child.pid for child in spare}
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + GRACE_S
        told: set[int] = set()
        while left := descendants(os.getpid()) - spared:
            killing = loop.time() > deadline_s
            for pid in left if killing else left - told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if killing else signal.SIGTERM)
            told |= left
            await asyncio.sleep(_POLL_S)
            self._reap()
        self._reap()  # what ended since is a zombie, and no descendant any more

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if child := self._children.pop(pid, None):
                child.process.returncode = os.waitstatus_to_exitcode(status)  # it must not wait for it again
                if not child.exited.done():
                    child.exited.set_result(child.process.returncode)


def descendants(ancestor: int) -> set[int]:
    """Living processes below `ancestor`."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # pid (name) state ppid …; the name may hold anything, blanks and brackets too
                rest = (entry / "stat").read_text(errors="replace").rpartition(") ")[2].split()
                if rest[0] not in "ZX":
                    parents[int(entry.name)] = int(rest[1])
    found: set[int] = set()
    border = {ancestor}
    while border:
        border = {pid for pid, parent in parents.items() if parent in border} - found
        found |= border
    return found


def describe_exit(code: int) -> str:
    """As a person wants it: `exit code 1`, `SIGSEGV`."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise DesktopError(f"prctl({option}) failed: {os.strerror(ctypes.get_errno())}")
