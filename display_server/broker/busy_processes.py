"""Finds programs that keep using the processor on a desktop that nobody displays. Pure: time is an argument.

Such a program usually hangs: nobody waits for its result, and it slows down the desktops of others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

#: A process is busy when it uses at least this part of one processor on average.
BUSY_LOAD = 0.5
#: The average is taken over this time, s. A computation that somebody left to run may take a few minutes.
BUSY_AFTER_S = 10 * 60.0
#: A process that stays busy is reported again after this time, s.
REPEAT_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """A process at one moment. `started` tells it apart from a later process with the same pid."""

    pid: int
    started: int
    program: str  # the name of the program, without its arguments, which may name patients
    cpu_s: float  # processor time since its start


@dataclass(frozen=True, slots=True)
class BusyProcess:
    """A process that is busy on an unattended desktop."""

    session: str
    pid: int
    program: str
    load: float  # processors used on average, 1 is one whole processor
    reported: bool  # it was reported a short time ago


@dataclass(slots=True)
class _History:
    samples: deque[tuple[float, float]]  # (time, processor time), the oldest first
    reported_s: float | None = None


class BusyProcesses:
    """Keeps how much processor time each process of the unattended desktops has used."""

    def __init__(self, after_s: float = BUSY_AFTER_S) -> None:
        self._after_s = after_s
        self._histories: dict[tuple[str, int, int], _History] = {}  # by session, pid and start time
        #: The processes that are busy, as of the last observation.
        self.busy: list[BusyProcess] = []

    def use_limit(self, after_s: float) -> None:
        """Replaces the time over which the average is taken."""
        self._after_s = after_s

    def observe(self, samples: Iterable[tuple[str, ProcessSample]], now_s: float) -> list[BusyProcess]:
        """Takes the processes of all unattended desktops and returns those that have to be reported.

        A process that is missing has ended, or its desktop is attended again: both forget it.
        """
        histories: dict[tuple[str, int, int], _History] = {}
        self.busy = []
        for session, sample in samples:
            key = (session, sample.pid, sample.started)
            history = histories[key] = self._histories.get(key) or _History(deque())
            load = self._load(history, sample.cpu_s, now_s)
            if load is None or load < BUSY_LOAD:
                continue
            repeated = history.reported_s is not None and now_s - history.reported_s < REPEAT_AFTER_S
            if not repeated:
                history.reported_s = now_s
            self.busy.append(BusyProcess(session, sample.pid, sample.program, load, repeated))
        self._histories = histories
        return [process for process in self.busy if not process.reported]

    def _load(self, history: _History, cpu_s: float, now_s: float) -> float | None:
        """Adds a sample. Returns the average load, or None while the history is too short."""
        samples = history.samples
        samples.append((now_s, cpu_s))
        while len(samples) > 2 and now_s - samples[1][0] >= self._after_s:
            samples.popleft()
        first_s, first_cpu_s = samples[0]
        if now_s - first_s < self._after_s or now_s <= first_s:
            return None
        return (cpu_s - first_cpu_s) / (now_s - first_s)
