"""The directory's part of `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from display_server.broker.directory.directory import Directory


class DirectoryCollector(Collector):
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def collect(self) -> Iterator[Metric]:
        servers = GaugeMetricFamily(
            "lightbox_directory_server_up", "Whether a server of the directory answers", labels=["server"]
        )
        for server, up in self._directory.servers_up().items():
            servers.add_metric([server], up)
        yield servers
        yield CounterMetricFamily(
            "lightbox_directory_connections_opened",
            "Connections that were opened to the directory",
            self._directory.client.connections_opened,
        )
