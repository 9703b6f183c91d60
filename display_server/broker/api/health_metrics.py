"""The metrics that say whether people can work, for alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from display_server.broker.audit.trail import AuditTrail
from display_server.broker.launchers.launcher_watch import LauncherWatch
from display_server.broker.store import Store
from display_server.telemetry.clock import ClockState, read_clock


class HealthCollector(Collector):
    """Reads the values when the metrics are requested."""

    def __init__(
        self,
        store: Store,
        audit: AuditTrail,
        launcher: LauncherWatch,
        clock: Callable[[], ClockState | None] = read_clock,
    ) -> None:
        self._store = store
        self._audit = audit
        self._launcher = launcher
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "lightbox_database_usable", "Whether the database can be used", value=self._store.fault is None
        )
        yield GaugeMetricFamily(
            "lightbox_launcher_usable",
            "Whether desktops can be started",
            value=self._launcher.failure is None,
        )
        yield GaugeMetricFamily(
            "lightbox_audit_waiting",
            "1 while acts wait outside of the audit's chain, because the database could not be used",
            value=self._audit.pending,
        )
        clock = self._clock()
        if clock is not None:
            yield GaugeMetricFamily(
                "lightbox_clock_synchronised",
                "Whether a program keeps the host's clock right",
                value=clock.synchronised,
            )
            yield GaugeMetricFamily(
                "lightbox_clock_error_seconds",
                "Largest error that the host's clock can have, if it is synchronised",
                value=clock.error_s,
            )
