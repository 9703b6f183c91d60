"""Watches over the processes of the server, kills what hangs, and starts again whatever ends."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

import structlog

from display_server.broker_link.silence import INTERVAL_S
from display_server.errors import LightboxError, Malfunction
from display_server.server.child_process import ChildProcess, Failed, Report
from display_server.server.child_watch import ChildState, ChildWatch

log = structlog.get_logger(__name__)

#: Delay before a process that has died is started again, s.
RESTART_DELAY_S = 0.1
#: The delay doubles with each failure until it has this length, s. People wait for the process meanwhile.
RESTART_DELAY_MAX_S = 2.0
#: A process that ran for this time counts as one that works, s.
STABLE_AFTER_S = 5.0
#: Reports that are read before the other children are looked at again. A child makes two; whoever has taken
#: over the gateway may write without end.
REPORTS_AT_ONCE_MAX = 4
#: Signals that end the server.
ENDING = (signal.SIGINT, signal.SIGTERM)


class ProcessTree:
    """The parent's part: it waits for signals, reports, beats and ends of its children, and nothing else.

    `patience` multiplies the times after which a child hangs.
    """

    def __init__(self, children: Sequence[ChildProcess], *, patience: float = 1.0) -> None:
        self._children = children
        self._patience = patience
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._signals = socket.socketpair()
        for one in (self._wakeup, self._signals):
            one.setblocking(False)
        self._former: dict[signal.Signals, Any] = {}
        self._reporting: set[ChildProcess] = set()  # whose pipe for reports is open
        self._due: dict[ChildProcess, float] = {}  # when a child is started again
        self._failures: dict[ChildProcess, int] = {}
        self._forked_s: dict[ChildProcess, float] = {}
        self._watches: dict[ChildProcess, ChildWatch] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[Mapping[str, dict[str, Any]]]:
        """Starts all children, waits until they work, and yields what they reported, by role.

        Ends all of them at the end of the block. Raises LightboxError when one cannot start.
        """
        self._selector.register(self._signals, selectors.EVENT_READ)
        for number in (*ENDING, signal.SIGHUP, signal.SIGCHLD):
            self._former[number] = signal.signal(number, _wake)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        try:
            for child in self._children:
                self._fork(child)
            yield self._wait_until_started()
        finally:
            self._end_all()
            signal.set_wakeup_fd(-1)
            for number, former in self._former.items():
                signal.signal(number, former)
            self._selector.close()
            self._wakeup.close()
            self._signals.close()

    def watch(self, on_hangup: Callable[[], bool]) -> None:
        """Starts again whatever dies or hangs, until a signal ends the server.

        `on_hangup` is called on SIGHUP and returns whether that signal ends the server, too.
        """
        while True:
            for number in self._next_signals():
                if number in ENDING or (number == signal.SIGHUP and on_hangup()):
                    return
            for child in self._children:
                _, code = self._look_at(child)
                if code is not None:
                    self._plan_restart(child, code)
                else:
                    self._kill_if_hung(child)
            for child in [child for child, due_s in self._due.items() if due_s <= time.monotonic()]:
                del self._due[child]
                self._fork(child)

    def _wait_until_started(self) -> dict[str, dict[str, Any]]:
        facts: dict[str, dict[str, Any]] = {}
        while len(facts) < len(self._children):
            for number in self._next_signals():
                if number in (*ENDING, signal.SIGHUP):
                    raise EndedBySignalError
            for child in self._children:
                reports, code = self._look_at(child)
                for report in reports:
                    if isinstance(report, Failed):
                        raise report.error()
                    facts[child.role] = report.facts
                if code is not None:
                    raise Malfunction(
                        f"The process `{child.role}` of the server ended while it was starting "
                        f"(exit code {code}).",
                        next_step="The log above says why. Start Lightbox again.",
                    )
        return facts

    def _next_signals(self) -> list[int]:
        """Waits for whatever comes next, at most INTERVAL_S, and returns the signals among it."""
        now_s = time.monotonic()
        timeout_s = max(0.0, min([now_s + INTERVAL_S, *self._due.values()]) - now_s)
        self._selector.select(timeout_s)
        with contextlib.suppress(BlockingIOError):
            return list(self._signals.recv(4096))
        return []

    def _look_at(self, child: ChildProcess) -> tuple[list[Report], int | None]:
        """Returns the reports of a child that have arrived, and its exit code if it has ended."""
        code = child.has_ended()  # asked first: the last report may come just before the end
        reports = []
        for _ in range(REPORTS_AT_ONCE_MAX):
            if child not in self._reporting or not self._is_readable(child.reports):
                break
            report = child.read_report()
            if report is None:
                self._stop_listening(child)
            else:
                reports.append(report)
        if code is not None:
            self._stop_listening(child)
            child.close()
        return reports, code

    def _kill_if_hung(self, child: ChildProcess) -> None:
        """Kills a child that does not beat any more. Its end is then noticed like any other."""
        if child.pid is None:
            return
        watch = self._watches[child]
        before = watch.state
        changed = watch.look(time.monotonic(), child.life_signs.beats)
        if changed is ChildState.SUSPECTED:
            log.warning(
                "process does not answer",
                role=child.role,
                silent_s=round(watch.silent_s, 1),
                state=child.kernel_state(),
            )
            child.ask_where_it_is()
        elif changed is ChildState.WORKING and before is ChildState.SUSPECTED:
            log.warning("process answers again", role=child.role, traces=child.life_signs.take_traces())
        elif changed is ChildState.HUNG:
            log.error(
                "process hangs and is killed",
                role=child.role,
                silent_s=round(watch.silent_s, 1),
                state=child.kernel_state(),
                traces=child.life_signs.take_traces(),
            )
            child.send(signal.SIGKILL)

    def _stop_listening(self, child: ChildProcess) -> None:
        if child in self._reporting:
            self._reporting.discard(child)
            self._selector.unregister(child.reports)

    def _is_readable(self, descriptor: int) -> bool:
        return any(key.fd == descriptor for key, _ in self._selector.select(0))

    def _fork(self, child: ChildProcess) -> None:
        self._forked_s[child] = time.monotonic()
        self._watches[child] = ChildWatch(time.monotonic(), child.life_signs.beats, self._patience)
        child.fork(lambda: self._in_child(child))
        self._selector.register(child.reports, selectors.EVENT_READ)
        self._reporting.add(child)

    def _in_child(self, child: ChildProcess) -> None:
        signal.set_wakeup_fd(-1)
        for number in self._former:
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        self._wakeup.close()
        self._signals.close()
        for other in self._children:
            if other is not child:
                other.leave()

    def _plan_restart(self, child: ChildProcess, code: int) -> None:
        stable = time.monotonic() - self._forked_s[child] >= STABLE_AFTER_S
        failures = self._failures[child] = 0 if stable else self._failures.get(child, -1) + 1
        delay_s = min(RESTART_DELAY_S * 2**failures, RESTART_DELAY_MAX_S)
        self._due[child] = time.monotonic() + delay_s
        log.error("process ended and is started again", role=child.role, exit=code, delay_s=delay_s)

    def _end_all(self) -> None:
        """Ends the children one after the other, the one that was started last first. Kills what hangs."""
        self._due.clear()
        for child in reversed(self._children):
            child.send(signal.SIGTERM)
            while child.pid is not None:
                self._next_signals()
                for other in self._children:
                    if self._look_at(other)[1] is None:
                        self._kill_if_hung(other)
            child.close()


class EndedBySignalError(LightboxError):
    """A signal ended the server while it was starting."""

    def __init__(self) -> None:
        super().__init__("The server was ended while it was starting.")


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: Python has written the signal's number into the wake-up descriptor."""
