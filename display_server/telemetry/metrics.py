"""What the agent counts, and how Prometheus reads it.

Counting is plain numbers, since it happens in the hot path; `prometheus_client` is imported when somebody
asks, so that an agent starts without it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from display_server.protocol.messages import TraceFrame
from display_server.telemetry.trace import STAGES

if TYPE_CHECKING:
    from prometheus_client.core import Metric

#: Upper bounds of the stages' histograms, s; a frame of 60/s has 0.0167.
BOUNDS_S = (0.0001, 0.0003, 0.001, 0.002, 0.004, 0.008, 0.0167, 0.033, 0.067, 0.133, 0.5, 2.0)


class Timing:
    """A histogram over `BOUNDS_S`."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them."""
        names = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
        total = 0
        result = []
        for name, count in zip(names, self.counts, strict=True):
            total += count
            result.append((name, float(total)))
        return result


@dataclass
class AgentMetrics:
    """One of a process, handed to whoever counts."""

    viewers: Callable[[], int] = lambda: 0
    captures: int = 0
    captures_vain: int = 0  # damage without a changed pixel
    torn: int = 0  # reads that the X server disturbed, and were repeated
    tiles_changed: int = 0
    updates: int = 0
    partial: int = 0
    update_bytes: int = 0
    raw_bytes: int = 0
    tiles: Counter[str] = field(default_factory=Counter)  # by encoding, `cached` and `moved`
    shared: int = 0  # payloads coded for one viewer and sent to another
    dropped: int = 0
    mismatches: int = 0
    reports: int = 0
    resets: int = 0
    violations: int = 0
    viewers_joined: int = 0
    input_events: int = 0
    pointer_datagrams: int = 0
    pointer_late: int = 0
    video_frames: int = 0
    video_bytes: int = 0
    video_begun: int = 0
    video_connected: int = 0
    video_failed: int = 0
    state_s: Counter[str] = field(default_factory=Counter)  # viewer-seconds by state
    stages: dict[str, Timing] = field(default_factory=lambda: {stage: Timing() for stage in STAGES})

    def frame(self, frame: TraceFrame) -> None:
        """A frame was acknowledged."""
        for stage, (start, end) in STAGES.items():
            first, last = getattr(frame, start), getattr(frame, end)
            if first is not None and last is not None:
                self.stages[stage].add(max(0.0, last - first) / 1000)

    def text(self) -> bytes:
        """The exposition. Takes some milliseconds, the first time longer: not for the event loop."""
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
        from prometheus_client.registry import Collector

        metrics = self

        class Counts(Collector):
            def collect(self) -> Iterator[Metric]:
                return metrics.collect()

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(Counts())
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        yield GaugeMetricFamily("lightbox_agent_viewers", "Viewers connected", value=self.viewers())
        for name, what in _COUNTERS.items():
            yield CounterMetricFamily(f"lightbox_agent_{name}", what, value=getattr(self, name))
        tiles = CounterMetricFamily("lightbox_agent_tiles", "Tiles sent", labels=["encoding"])
        for encoding, count in self.tiles.items():
            tiles.add_metric([encoding], count)
        yield tiles
        states = CounterMetricFamily(
            "lightbox_agent_state_seconds", "Viewer-seconds in each state of exactness", labels=["state"]
        )
        for state, seconds in self.state_s.items():
            states.add_metric([state], seconds)
        yield states
        stages = HistogramMetricFamily(
            "lightbox_agent_frame_seconds", "Stages of frames that were shown", labels=["stage"]
        )
        for stage, timing in self.stages.items():
            stages.add_metric([stage], timing.buckets(), timing.sum_s)
        yield stages


_COUNTERS = {
    "captures": "Pictures taken",
    "captures_vain": "Damage without a changed pixel",
    "torn": "Reads disturbed by the X server and repeated",
    "tiles_changed": "Tiles that really changed",
    "updates": "Updates sent",
    "partial": "Updates that held only a part of a picture",
    "update_bytes": "Bytes of updates",
    "raw_bytes": "The same tiles at 3 bytes a pixel",
    "shared": "Payloads coded for one viewer and sent to another",
    "dropped": "Pictures replaced by newer ones before a viewer took them",
    "mismatches": "Tiles that a viewer's surface showed wrongly",
    "reports": "Digest reports judged",
    "resets": "Viewers that started over",
    "violations": "Connections ended for breaking the protocol",
    "viewers_joined": "Viewers that said hello",
    "input_events": "Events of pointers and keyboards",
    "pointer_datagrams": "Motions of pointers that came as datagrams",
    "pointer_late": "Of these, those that newer events had overtaken",
    "video_frames": "Frames of video sent",
    "video_bytes": "Bytes of these",
    "video_begun": "Times that something became video",
    "video_connected": "Connections for video that came about",
    "video_failed": "Times that video had no way (any more), or was not shown",
}
