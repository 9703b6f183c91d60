"""The metrics of desktops that nobody displays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from display_server.broker.busy_processes import BusyProcesses
from display_server.broker.unattended_desktops import UnattendedDesktops


class UnattendedCollector(Collector):
    """Reads the values when the metrics are requested."""

    def __init__(self, desktops: UnattendedDesktops, busy: BusyProcesses) -> None:
        self._desktops = desktops
        self._busy = busy

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "lightbox_unattended_desktops",
            "Running desktops that nobody displays",
            value=len(self._desktops.unattended()),
        )
        busy = GaugeMetricFamily(
            "lightbox_unattended_busy_processes",
            "Processes of unattended desktops that keep using the processor, probably because they hang",
            labels=["session"],
        )
        for session, count in Counter(process.session for process in self._busy.busy).items():
            busy.add_metric([session], count)
        yield busy
