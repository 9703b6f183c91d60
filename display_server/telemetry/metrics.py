"""The agent's metrics, and their export for Prometheus.

Counters are plain numbers because they are updated in the hot path. `prometheus_client` is imported on the
first export, so that it does not delay the start of an agent.
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

#: Upper bounds of the histogram buckets, s. A frame at 60 frames/s lasts 0.0167 s.
BOUNDS_S = (0.0001, 0.0003, 0.001, 0.002, 0.004, 0.008, 0.0167, 0.033, 0.067, 0.133, 0.5, 2.0)


class Histogram:
    """Durations in buckets with the upper bounds `BOUNDS_S`."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Returns bound and cumulative count of each bucket, as Prometheus expects them."""
        names = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
        total = 0
        result = []
        for name, count in zip(names, self.counts, strict=True):
            total += count
            result.append((name, float(total)))
        return result


@dataclass
class AgentMetrics:
    """The metrics of one agent process. Each part of the agent increments its own counters."""

    viewers: Callable[[], int] = lambda: 0
    captures: int = 0
    captures_unchanged: int = 0  # damage without a changed pixel
    torn: int = 0  # reads during which the X server drew, so that they were repeated
    tiles_changed: int = 0
    updates: int = 0
    partial: int = 0
    update_bytes: int = 0
    raw_bytes: int = 0
    tiles: Counter[str] = field(default_factory=Counter)  # sent, by encoding, `cached` or `moved`
    shared: int = 0  # payloads that were encoded for one viewer and sent to another
    dropped: int = 0
    mismatches: int = 0
    unrepaired: int = 0
    reports: int = 0
    resets: int = 0
    violations: int = 0
    viewers_joined: int = 0
    input_events: int = 0
    input_lost: int = 0  # times that a viewer was notified of dropped input
    pointer_datagrams: int = 0
    pointer_late: int = 0
    video_frames: int = 0
    video_bytes: int = 0
    video_started: int = 0
    video_connected: int = 0
    video_failed: int = 0
    state_s: Counter[str] = field(default_factory=Counter)  # viewer-seconds by exactness
    stages: dict[str, Histogram] = field(default_factory=lambda: {stage: Histogram() for stage in STAGES})

    def add_frame(self, frame: TraceFrame) -> None:
        """Adds the durations of an acknowledged frame's stages."""
        for stage, (start, end) in STAGES.items():
            first, last = getattr(frame, start), getattr(frame, end)
            if first is not None and last is not None:
                self.stages[stage].add(max(0.0, last - first) / 1000)

    def render(self) -> bytes:
        """Returns the metrics in Prometheus' text format.

        Takes some milliseconds, the first time longer, so do not call it on the event loop.
        """
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
        from prometheus_client.registry import Collector

        metrics = self

        class AgentCollector(Collector):
            def collect(self) -> Iterator[Metric]:
                return metrics.collect()

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(AgentCollector())
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        yield GaugeMetricFamily("lightbox_agent_viewers", "Viewers connected", value=self.viewers())
        for name, help_text in _COUNTERS.items():
            yield CounterMetricFamily(f"lightbox_agent_{name}", help_text, value=getattr(self, name))
        tiles = CounterMetricFamily("lightbox_agent_tiles", "Tiles sent", labels=["encoding"])
        for encoding, count in self.tiles.items():
            tiles.add_metric([encoding], count)
        yield tiles
        states = CounterMetricFamily(
            "lightbox_agent_state_seconds", "Viewer-seconds in each exactness state", labels=["state"]
        )
        for state, seconds in self.state_s.items():
            states.add_metric([state], seconds)
        yield states
        stages = HistogramMetricFamily(
            "lightbox_agent_frame_seconds", "Duration of each stage of acknowledged frames", labels=["stage"]
        )
        for stage, histogram in self.stages.items():
            stages.add_metric([stage], histogram.buckets(), histogram.sum_s)
        yield stages


_COUNTERS = {
    "captures": "Captures of the screen",
    "captures_unchanged": "Captures in which no pixel had changed",
    "torn": "Reads repeated because the X server drew during them",
    "tiles_changed": "Tiles whose pixels changed",
    "updates": "Updates sent",
    "partial": "Updates that contained only a part of a frame",
    "update_bytes": "Bytes of updates",
    "raw_bytes": "Bytes of the sent tiles at 3 bytes per pixel",
    "shared": "Payloads encoded for one viewer and sent to another",
    "dropped": "Frames replaced by newer ones before they were sent to a viewer",
    "mismatches": "Tiles that a viewer's surface showed wrongly",
    "unrepaired": "Tiles that stayed wrong on a viewer's surface after they were sent again",
    "reports": "Digest reports evaluated",
    "resets": "Times that a viewer's surface was started over",
    "violations": "Connections closed because of a protocol violation",
    "viewers_joined": "Viewers that connected",
    "input_events": "Pointer, wheel, key and text events",
    "input_lost": "Times that a person was notified of dropped input",
    "pointer_datagrams": "Pointer motions received as datagrams",
    "pointer_late": "Pointer datagrams ignored because of newer events",
    "video_frames": "Video frames sent",
    "video_bytes": "Bytes of video frames",
    "video_started": "Times that a region was switched to video",
    "video_connected": "WebRTC connections established",
    "video_failed": "Times that video could not be connected, was lost, or was not shown",
}
