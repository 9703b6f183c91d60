"""The broker's part of `/metrics`: its own metrics, and those of all agents, labelled by session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from display_server.broker.agent_page import read_agent_page
from display_server.broker.sessions import Sessions
from display_server.broker_link.agent_address import AgentAddress

log = structlog.get_logger(__name__)

#: The agent's page with its metrics.
METRICS_PATH = "/metrics"


class BrokerMetrics:
    """The broker's own metrics.

    Sessions keep counts of their own, which are read when the metrics are requested.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._registry = CollectorRegistry()
        # The gateway's process has the usual names.
        ProcessCollector(namespace="lightbox_broker", registry=self._registry)
        self._registry.register(_SessionCollector(sessions))
        self.sign_ins = Counter("lightbox_sign_ins", "Sign-ins", ["result"], registry=self._registry)
        self.break_glass = Counter(
            "lightbox_break_glass", "Emergency access that people took", registry=self._registry
        )
        self.desktop_open_s = Histogram(
            "lightbox_desktop_open_seconds",
            "Time from the request to open a desktop until it can be viewed",
            registry=self._registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 2, 4, 8, 16, 32),
        )
        self.certificate_expiry_s = Gauge(
            "lightbox_certificate_expiry_timestamp_seconds",
            "When a certificate expires, as Unix time: the server's own, and the local authority's",
            ["certificate"],
            registry=self._registry,
        )

    def certificates(self) -> dict[str, float]:
        """Returns when each certificate expires, in seconds since the epoch, by its name."""
        return {
            sample.labels["certificate"]: sample.value
            for family in self.certificate_expiry_s.collect()
            for sample in family.samples
        }

    def add(self, collector: Collector) -> None:
        """Adds metrics that another part counts."""
        self._registry.register(collector)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _SessionCollector(Collector):
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        live = GaugeMetricFamily("lightbox_sessions", "Live sessions", labels=["state"])
        states = [session.state.value for session in self._sessions.live()]
        for state in sorted(set(states)):
            live.add_metric([state], states.count(state))
        yield live
        transitions = CounterMetricFamily(
            "lightbox_session_transitions", "Transitions of sessions into each state", labels=["state"]
        )
        for new_state, count in self._sessions.transitions.items():
            transitions.add_metric([new_state.value], count)
        yield transitions


async def collect_agent_metrics(agents: Iterable[AgentAddress]) -> bytes:
    """Returns the metrics of all agents in Prometheus's text format.

    Agents that do not answer are left out and counted by the gauge `lightbox_agents_silent`.
    """
    addresses = list(agents)
    pages = await asyncio.gather(*(read_agent_page(address, METRICS_PATH) for address in addresses))
    families: dict[str, Metric] = {}
    silent = 0
    for address, page in zip(addresses, pages, strict=True):
        if page is None:
            silent += 1
            continue
        try:
            _merge(families, page.decode("utf-8", "replace"), address)
        except ValueError as error:
            silent += 1
            log.warning("metrics of an agent cannot be parsed", session=address.session, error=str(error))
    families["lightbox_agents_silent"] = GaugeMetricFamily(
        "lightbox_agents_silent", "Agents that did not return their metrics", value=silent
    )
    registry = CollectorRegistry()
    registry.register(_MergedCollector(families.values()))
    return generate_latest(registry)


class _MergedCollector(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _merge(families: dict[str, Metric], text: str, address: AgentAddress) -> None:
    """Adds the metrics of one agent to `families`. Raises ValueError when they are not in the text format.

    Metrics of the process, such as its memory, get the prefix `lightbox_agent_`, because the gateway's own
    process exports metrics with the same names.
    """
    labels = {"session": address.session, "desktop": address.desktop}
    for family in text_string_to_metric_families(text):
        prefix = "" if family.name.startswith("lightbox_") else "lightbox_agent_"
        name = prefix + family.name
        merged = families.setdefault(name, Metric(name, family.documentation, family.type))
        for sample in family.samples:
            merged.add_sample(prefix + sample.name, {**sample.labels, **labels}, sample.value)
