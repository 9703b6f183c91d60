"""The agent's metrics in Prometheus' text format."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from display_server.protocol.messages import TraceFrame
from display_server.telemetry.metrics import BOUNDS_S, AgentMetrics, Histogram


def test_prometheus_can_parse_the_metrics() -> None:
    metrics = AgentMetrics(viewers=lambda: 2)
    metrics.tiles.update({"grey": 3, "cached": 1})
    metrics.state_s["exact"] += 7
    metrics.mismatches = 4
    metrics.add_frame(TraceFrame(1, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5, 9.0, 1, 1))
    metrics.add_frame(TraceFrame(2, 0.0, 1.0, 2.0, 3.0, 4.0, None, None, None, 9.0, 1, 1))
    families = {family.name: family for family in text_string_to_metric_families(metrics.render().decode())}
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["lightbox_agent_viewers",] == 2
    assert values["lightbox_agent_mismatches_total",] == 4
    assert values["lightbox_agent_tiles_total", "grey"] == 3
    assert values["lightbox_agent_state_seconds_total", "exact"] == 7
    assert values["lightbox_agent_frame_seconds_count", "capture"] == 2
    assert values["lightbox_agent_frame_seconds_count", "total"] == 1
    assert values["lightbox_agent_frame_seconds_sum", "total"] == 0.0075
    assert "process_resident_memory_bytes" in families


def test_buckets_are_cumulative() -> None:
    histogram = Histogram()
    for seconds in (0.0, BOUNDS_S[0], BOUNDS_S[0] * 1.01, 99.0):
        histogram.add(seconds)
    counts = [count for _, count in histogram.buckets()]
    assert counts == sorted(counts)
    assert (counts[0], counts[1], counts[-2], counts[-1]) == (2, 3, 3, 4)
    assert histogram.buckets()[-1][0] == "+Inf"
