"""The metrics of floating pools."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from display_server.broker.pools.breaker import BreakerState
from display_server.broker.pools.pools import Pools


class PoolCollector(Collector):
    """Reads the values when the metrics are requested."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        desktops = GaugeMetricFamily(
            "lightbox_pool_desktops", "Desktops of floating pools by state", labels=["pool", "state"]
        )
        wanted = GaugeMetricFamily(
            "lightbox_pool_spare_wanted", "Desktops that ought to wait for a person", labels=["pool"]
        )
        maximum = GaugeMetricFamily("lightbox_pool_maximum", "Desktops that may exist", labels=["pool"])
        restrained = GaugeMetricFamily(
            "lightbox_pool_restrained",
            "1 while desktops of the pool fail again and again, so that none is started but a probe",
            labels=["pool"],
        )
        maintenance = GaugeMetricFamily(
            "lightbox_pool_maintenance", "1 while an operator keeps the pool out of service", labels=["pool"]
        )
        for report in self._pools.reports():
            for state in ("waiting", "starting", "assigned", "ending"):
                desktops.add_metric([report.name, state], getattr(report, state))
            wanted.add_metric([report.name], report.spare)
            maximum.add_metric([report.name], report.maximum)
            restrained.add_metric([report.name], report.breaker.state is not BreakerState.NORMAL)
            maintenance.add_metric([report.name], report.maintenance)
        yield from (desktops, wanted, maximum, restrained, maintenance)
