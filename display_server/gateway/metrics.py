"""The gateway's own metrics, which are added to those of the broker."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from display_server.gateway.relay import Relays


class GatewayMetrics:
    """Counts of the relays and of the process, which are read when the metrics are requested."""

    def __init__(self, relays: Relays) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(_RelayCollector(relays))

    def add(self, collector: Collector) -> None:
        """Adds metrics that another part counts."""
        self._registry.register(collector)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _RelayCollector(Collector):
    def __init__(self, relays: Relays) -> None:
        self._relays = relays

    def collect(self) -> Iterator[Metric]:
        relays = self._relays
        yield GaugeMetricFamily("lightbox_viewers", "Open viewer connections", value=len(relays.open))
        yield CounterMetricFamily(
            "lightbox_viewers_accepted", "Accepted viewer connections", value=relays.accepted
        )
        rejected = CounterMetricFamily(
            "lightbox_viewers_refused", "Rejected viewer connections", labels=["reason"]
        )
        for reason, count in relays.rejected.items():
            rejected.add_metric([reason], count)
        yield rejected
        relayed = CounterMetricFamily("lightbox_relay_bytes", "Relayed bytes", labels=["to"])
        relayed.add_metric(["viewer"], relays.bytes_to_viewers)
        relayed.add_metric(["agent"], relays.bytes_to_agents)
        yield relayed
        sockets = CounterMetricFamily(
            "lightbox_video_socket_requests", "Requests of agents for UDP sockets", labels=["result"]
        )
        for outcome, count in relays.settings.video.requests.items():
            sockets.add_metric([outcome], count)
        yield sockets
