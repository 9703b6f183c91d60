"""What agents measure of their desktops, in figures for people: latency by stage, and exactness.

Agents count since their start. What has happened since the last time that they were asked is the difference,
so that a figure speaks of now.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from display_server.broker.agent_page import read_agent_page
from display_server.broker.api.metrics import METRICS_PATH
from display_server.broker_link.agent_address import AgentAddress

#: Agents are asked at most once in this time, s, and only while somebody looks: an answer costs an agent some
#: milliseconds.
ASK_INTERVAL_S = 60.0
#: Agents that are asked at the same time.
AT_ONCE = 8
#: The stage from the damage to the acknowledgement of the viewer.
WHOLE = "total"
_BUCKET = re.compile(
    r'^lightbox_agent_frame_seconds_bucket\{(?=[^}]*\ble="([^"]+)")(?=[^}]*\bstage="([^"]+)")[^}]*\} (\S+)',
    re.M,
)
_STATE = re.compile(r'^lightbox_agent_state_seconds(?:_total)?\{state="([^"]+)"\} (\S+)', re.M)

Key = TypeVar("Key")
#: Cumulative counts by the upper bound of the bucket, s.
Buckets = Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one agent has counted: acknowledged frames by stage, and viewer-seconds by exactness."""

    stages: Mapping[str, Buckets] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)

    def since(self, before: Figures) -> Figures:
        """Returns what was counted after `before`; everything if the agent was started anew meanwhile."""
        if any(before.states.get(name, 0) > value for name, value in self.states.items()):
            return self
        stages = {
            stage: _less(buckets, before.stages.get(stage, {})) for stage, buckets in self.stages.items()
        }
        return Figures(stages, _less(self.states, before.states))


def _less(counts: Mapping[Key, float], before: Mapping[Key, float]) -> dict[Key, float]:
    return {key: count - before.get(key, 0) for key, count in counts.items()}


def parse(page: bytes) -> Figures:
    """Reads an agent's metrics, in Prometheus' text format. What it does not have is missing."""
    text = page.decode("utf-8", "replace")
    stages: dict[str, dict[float, float]] = {}
    for bound, stage, count in _BUCKET.findall(text):
        stages.setdefault(stage, {})[float(bound)] = float(count)
    return Figures(stages, {name: float(value) for name, value in _STATE.findall(text)})


def added(several: Iterable[Figures]) -> Figures:
    """Adds up what several agents have counted."""
    stages: dict[str, dict[float, float]] = {}
    states: dict[str, float] = {}
    for figures in several:
        for stage, buckets in figures.stages.items():
            sums = stages.setdefault(stage, {})
            for bound, count in buckets.items():
                sums[bound] = sums.get(bound, 0) + count
        for name, value in figures.states.items():
            states[name] = states.get(name, 0) + value
    return Figures(stages, states)


def percentile_ms(buckets: Buckets, fraction: float) -> float | None:
    """Returns the duration that this fraction of the frames did not exceed, ms; None without frames.

    Between the bounds of a bucket it is interpolated. In the last bucket, which has no upper bound, it is the
    lower one.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if total <= 0:
        return None
    lower, below = 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= fraction * total:
            if bound == float("inf"):
                return round(lower * 1000, 2)
            inside = (fraction * total - below) / (count - below) if count > below else 1.0
            return round((lower + (bound - lower) * inside) * 1000, 2)
        lower, below = bound, count
    return round(lower * 1000, 2)


class AgentFigures:
    """The figures of all agents, as they were last asked. `now_s` is a clock that never goes back."""

    def __init__(self, agents: Callable[[], list[AgentAddress]], now_s: Callable[[], float]) -> None:
        self._agents = agents
        self._now_s = now_s
        self._counted: dict[str, Figures] = {}  # by session, since the agent's start
        self._recent: dict[str, Figures] = {}  # by session, since it was asked before
        self._asked_s: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def recent(self) -> Figures:
        """Returns what was counted lately, of all agents together, and has them asked if that is due."""
        due = self._asked_s is None or self._now_s() - self._asked_s >= ASK_INTERVAL_S
        if due and (self._asking is None or self._asking.done()):
            self._asked_s = self._now_s()
            self._asking = asyncio.create_task(self._ask_all(), name="figures of agents")
        return added(self._recent.values())

    async def until_asked(self) -> None:
        """Waits until the agents that are being asked have answered."""
        if self._asking is not None:
            await self._asking

    async def of_session(self, agent: AgentAddress) -> Figures | None:
        """Asks one agent now, and returns what it has counted since its start. None without an answer."""
        page = await read_agent_page(agent, METRICS_PATH)
        return None if page is None else parse(page)

    async def _ask_all(self) -> None:
        agents = self._agents()
        turn = asyncio.Semaphore(AT_ONCE)

        async def ask(agent: AgentAddress) -> tuple[str, Figures | None]:
            async with turn:
                return agent.session, await self.of_session(agent)

        answers = await asyncio.gather(*(ask(agent) for agent in agents))
        counted = {session: figures for session, figures in answers if figures is not None}
        self._recent = {
            session: figures.since(self._counted.get(session, Figures()))
            for session, figures in counted.items()
        }
        self._counted = counted
