"""Starts programs for tests and makes sure that none of them outlives its test, however the test ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

import psutil

T = TypeVar("T")

#: How long a program may take to exit after SIGTERM before it is killed, s.
GRACE_S = 5.0
#: Growth of the pause between two calls in `wait_for`, and its limit in s.
PAUSE_GROWTH, LONGEST_PAUSE_S = 1.2, 0.25
#: Option of prctl(2): the signal that a process receives when its parent ends.
PR_SET_PDEATHSIG = 1
#: Environment of GTK programs: without it they start a message bus that outlives them.
NO_BUS = {"DBUS_SESSION_BUS_ADDRESS": "disabled:", "NO_AT_BRIDGE": "1"}
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Runs in the child process: it is killed together with a test run that is killed."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A program in its own process group, whose output goes to a file that a failing test can show."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | int | None = None,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        self.name = Path(argv[0]).name
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink if stdout is None else stdout,
                stderr=sink,
                env=None if env is None else dict(env),
                start_new_session=True,
                cwd=cwd,
                pass_fds=tuple(pass_fds),
                preexec_fn=die_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def family(self) -> list[psutil.Process]:
        """Returns the program and all of its descendants that are running."""
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def wait(self, timeout_s: float) -> int:
        """Waits for the exit code. Raises subprocess.TimeoutExpired."""
        return self._process.wait(timeout_s)

    def terminate(self) -> None:
        """Sends SIGTERM to the program alone, as a person or a service manager does."""
        self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ends the program and its descendants. Safe to call twice."""
        family = self.family()
        if self.running:
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        with contextlib.suppress(ProcessLookupError):  # also ends processes that left their parent
            os.killpg(self.pid, signal.SIGKILL)
        psutil.wait_procs([process for process in family if process.pid != self.pid], timeout=GRACE_S)
        self._process.wait(GRACE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """Returns a TCP port of loopback on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_x_server(log: Path, *, width_px: int, height_px: int) -> tuple[Program, str]:
    """Starts an Xvfb and returns it with its display, `:N`. The server itself picks a free number."""
    reader, writer = os.pipe()
    program = Program(
        [
            "Xvfb",
            "-displayfd",
            str(writer),
            "-screen",
            "0",
            f"{width_px}x{height_px}x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ],
        log=log,
        pass_fds=(writer,),
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        number = answer.readline().strip()
    if not number:
        program.stop()
        raise RuntimeError(f"Xvfb did not start:\n{program.log_tail()}")
    return program, f":{number}"


def wait_for(
    probe: Callable[[], T | None], *, timeout_s: float, what: str | Callable[[], str], every_s: float = 0.05
) -> T:
    """Calls `probe` until its result is true, and returns the result. Raises AssertionError on a timeout.

    The pause between calls grows from `every_s` to a quarter of a second: what takes long is asked seldom.
    """
    pause_s = every_s
    deadline = time.monotonic() + timeout_s
    while True:
        if result := probe():
            return result
        if time.monotonic() > deadline:
            awaited = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {timeout_s:g} s: {awaited} (last result: {result!r})")
        time.sleep(pause_s)
        pause_s = max(every_s, min(pause_s * PAUSE_GROWTH, LONGEST_PAUSE_S))
