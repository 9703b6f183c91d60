"""The metrics of the ConnectionBudget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from display_server.gateway.connection_budget import ConnectionBudget, LimitReached


class ConnectionCollector(Collector):
    """Reads the counts when the metrics are requested."""

    def __init__(self, connections: ConnectionBudget) -> None:
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        connections = self._connections
        held = GaugeMetricFamily(
            "lightbox_connections", "Open connections: of people who are signed in, and others", labels=["of"]
        )
        held.add_metric(["signed in"], connections.signed_in)
        held.add_metric(["strangers"], connections.strangers)
        yield held
        yield _by_limit(
            "lightbox_connections_evicted",
            "Connections that were closed in favour of newer ones, by the limit that was reached",
            connections.evicted,
        )
        yield _by_limit(
            "lightbox_connections_refused",
            "Connections that were refused, by the limit that was reached",
            connections.refused,
        )


def _by_limit(name: str, text: str, counts: Counter[LimitReached]) -> Metric:
    family = CounterMetricFamily(name, text, labels=["limit"])
    for limit in LimitReached:
        family.add_metric([limit.value], counts[limit])
    return family
