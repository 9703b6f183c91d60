"""A process of the server: a fork of the process that the operator started, which starts it again if it ends.

Forking rather than executing a program shares most of the memory, needs no start of an interpreter, and hands
over the configuration and the listening socket as they are. It is safe because the parent has no threads and
no event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvloop

from display_server.broker_link.silence import INTERVAL_S
from display_server.errors import ConfigurationError, LightboxError, Malfunction
from display_server.server.life_signs import TRACE_SIGNAL, LifeSigns

log = structlog.get_logger(__name__)

#: Longest report, bytes: less than a pipe takes at once.
REPORT_MAX_BYTES = 32 * 1024


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The process does its work now. `facts` are those of its role."""

    facts: dict[str, Any]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The process could not start, or had to give up."""

    configuration: bool  # whether the operator's input is wrong
    cause: str
    next_step: str

    @classmethod
    def of(cls, error: LightboxError) -> Failed:
        return cls(isinstance(error, ConfigurationError), error.cause, error.next_step)

    def error(self) -> LightboxError:
        if self.configuration:
            return ConfigurationError(self.cause, hint=self.next_step)
        return Malfunction(self.cause, next_step=self.next_step)


Report = Started | Failed


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent, as its child uses it. `again` says that a former process of this role has died."""

    reports: int  # descriptor of a pipe to the parent
    alive: int  # descriptor of a pipe that is closed when the parent dies
    again: bool
    pid: int
    life_signs: LifeSigns

    def lives(self) -> bool:
        return os.getppid() == self.pid

    def report(self, report: Report) -> None:
        """Sends a report. It does not matter if the parent has died."""
        with contextlib.suppress(OSError):
            os.write(self.reports, msgspec.json.encode(report) + b"\n")


class ChildProcess:
    """One role, and the process that has it at the moment. `work` runs in that process until it ends."""

    def __init__(self, role: str, work: Callable[[Parent], None]) -> None:
        self.role = role
        self.life_signs = LifeSigns()
        self._work = work
        self.pid: int | None = None
        self._reports = -1
        self._alive = -1
        self._forked_before = False

    @property
    def reports(self) -> int:
        """The descriptor to read reports from."""
        return self._reports

    def fork(self, in_child: Callable[[], None]) -> None:
        """Starts a process. `in_child` is called there first, and closes what is not for it."""
        reports_read, reports_write = os.pipe()
        alive_read, alive_write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        own_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reports_read)
            os.close(alive_write)
            in_child()
            self._run(Parent(reports_write, alive_read, self._forked_before, own_pid, self.life_signs))
        os.close(reports_write)
        os.close(alive_read)
        self.pid, self._forked_before = pid, True
        self._reports, self._alive = reports_read, alive_write

    def read_report(self) -> Report | None:
        """Returns the report that has arrived, or None when there will be no other.

        The process has closed the pipe then, or has written what is no report: the gateway may have been
        taken over.
        """
        data = os.read(self._reports, REPORT_MAX_BYTES)
        if not data:
            return None
        try:
            report: Report = msgspec.json.decode(data.splitlines()[-1], type=Report)
        except (ValueError, RecursionError):  # MsgspecError is a ValueError
            log.error("malformed report of a process", role=self.role)
            return None
        if isinstance(report, Failed):
            log.error("process failed", role=self.role, cause=report.cause, next_step=report.next_step)
        return report

    def has_ended(self) -> int | None:
        """Returns the exit code of the process if it has ended since the last call; -N for signal N."""
        if self.pid is None:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if there is one."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def ask_where_it_is(self) -> None:
        """Makes the process write down where its threads are (`life_signs.take_traces`)."""
        self.send(TRACE_SIGNAL)

    def kernel_state(self) -> str:
        """Returns what the kernel says of the process, such as `T (stopped)` or `S (sleeping)`."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("State:"):
                    return line.removeprefix("State:").strip()
        return "unknown"

    def leave(self) -> None:
        """Gives up everything about this role in a child that has another one, which cannot go back."""
        self.close()
        self.life_signs.close()

    def close(self) -> None:
        """Closes this process's ends of the pipes."""
        for descriptor in (self._reports, self._alive):
            if descriptor >= 0:
                os.close(descriptor)
        self._reports = self._alive = -1

    def _run(self, parent: Parent) -> None:
        """Does the work of the child, and never returns."""
        code = 1
        try:
            structlog.contextvars.bind_contextvars(process=self.role)
            Path("/proc/self/comm").write_text(f"lb-{self.role}")  # what `ps` and `top` show
            parent.life_signs.enable_traces()
            self._work(parent)
            code = 0
        except LightboxError as error:
            parent.report(Failed.of(error))
        except BaseException:
            log.exception("process failed", role=self.role)
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)  # what the parent does at its exit is not for this process


def run_until_ended(
    parent: Parent, work: Coroutine[Any, Any, None], on_hangup: Callable[[], None] | None = None
) -> None:
    """Runs the work of a child on an event loop, until the parent sends SIGTERM or dies.

    `on_hangup` is called on SIGHUP.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_ended(parent, work, on_hangup))


async def _until_ended(
    parent: Parent, work: Coroutine[Any, Any, None], on_hangup: Callable[[], None] | None
) -> None:
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None
    ended = False

    def end() -> None:
        nonlocal ended
        loop.remove_reader(parent.alive)
        if not ended:  # a second signal must not interrupt the shutdown
            ended = True
            main.cancel()

    def beat() -> None:
        parent.life_signs.beat()
        loop.call_later(INTERVAL_S, beat)

    beat()
    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_reader(parent.alive, end)
    # Ctrl-C, or the end of the terminal, reach the whole process group. The parent decides what they mean. A
    # handler, unlike ignoring the signal, is not inherited by programs.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    loop.add_signal_handler(signal.SIGHUP, on_hangup or (lambda: None))
    try:
        await work
    except asyncio.CancelledError:
        if not ended:
            raise
        main.uncancel()
