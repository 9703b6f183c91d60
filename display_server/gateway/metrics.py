"""`/metrics`: what the door counts, and what the agents count, each labelled with its session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from display_server.broker.sessions import Sessions
from display_server.gateway.relay import Relays

log = structlog.get_logger(__name__)

AGENT_TIMEOUT_S = 2.0
AGENT_ANSWER_MAX_BYTES = 1024 * 1024


class GatewayMetrics:
    """The door's own counts. What relays and sessions count anyway is read when asked for."""

    def __init__(self, relays: Relays, sessions: Sessions) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(_Counts(relays, sessions))
        self.sign_ins = Counter("lightbox_sign_ins", "Sign-ins", ["result"], registry=self._registry)
        self.desktop_open_s = Histogram(
            "lightbox_desktop_open_seconds",
            "From the click on a desktop until it can be viewed",
            registry=self._registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 2, 4, 8, 16, 32),
        )

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Counts(Collector):
    def __init__(self, relays: Relays, sessions: Sessions) -> None:
        self._relays = relays
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        relays = self._relays
        yield GaugeMetricFamily("lightbox_viewers", "Viewer connections open", value=len(relays.open))
        yield CounterMetricFamily(
            "lightbox_viewers_accepted", "Viewer connections accepted", value=relays.accepted
        )
        refused = CounterMetricFamily(
            "lightbox_viewers_refused", "Viewer connections refused", labels=["reason"]
        )
        for reason, count in relays.refused.items():
            refused.add_metric([reason], count)
        yield refused
        passed = CounterMetricFamily("lightbox_relay_bytes", "Bytes relayed", labels=["to"])
        passed.add_metric(["viewer"], relays.bytes_to_viewers)
        passed.add_metric(["agent"], relays.bytes_to_agents)
        yield passed
        live = GaugeMetricFamily("lightbox_sessions", "Live sessions", labels=["state"])
        states = [session.state.value for session in self._sessions.live()]
        for state in sorted(set(states)):
            live.add_metric([state], states.count(state))
        yield live
        steps = CounterMetricFamily(
            "lightbox_session_transitions", "Sessions that came into a state", labels=["state"]
        )
        for state_entered, count in self._sessions.transitions.items():
            steps.add_metric([state_entered.value], count)
        yield steps


@dataclass(frozen=True, slots=True)
class AgentAddress:
    session: str
    desktop: str
    socket: Path


async def agents_text(agents: Iterable[AgentAddress]) -> bytes:
    """The metrics of all agents in one exposition. An agent that does not answer is left out and counted."""
    addresses = list(agents)
    texts = await asyncio.gather(*(_fetch(address) for address in addresses))
    families: dict[str, Metric] = {}
    silent = 0
    for address, text in zip(addresses, texts, strict=True):
        if text is None:
            silent += 1
            continue
        try:
            _merge(families, text, address)
        except ValueError as error:
            silent += 1
            log.warning("an agent's metrics cannot be read", session=address.session, error=str(error))
    families["lightbox_agents_silent"] = GaugeMetricFamily(
        "lightbox_agents_silent", "Agents that gave no metrics", value=silent
    )
    registry = CollectorRegistry()
    registry.register(_Given(families.values()))
    return generate_latest(registry)


class _Given(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _merge(families: dict[str, Metric], text: str, address: AgentAddress) -> None:
    """Raises ValueError when the text is no exposition.

    A process's general metrics are prefixed, as the door has them too.
    """
    labels = {"session": address.session, "desktop": address.desktop}
    for family in text_string_to_metric_families(text):
        prefix = "" if family.name.startswith("lightbox_") else "lightbox_agent_"
        name = prefix + family.name
        merged = families.setdefault(name, Metric(name, family.documentation, family.type))
        for sample in family.samples:
            merged.add_sample(prefix + sample.name, {**sample.labels, **labels}, sample.value)


async def _fetch(address: AgentAddress) -> str | None:
    try:
        async with asyncio.timeout(AGENT_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(str(address.socket))
            try:
                # HTTP/1.0: the answer ends with the connection and is never chunked.
                writer.write(b"GET /metrics HTTP/1.0\r\nHost: agent\r\nConnection: close\r\n\r\n")
                answer = bytearray()
                while chunk := await reader.read(65536):
                    answer += chunk
                    if len(answer) > AGENT_ANSWER_MAX_BYTES or _complete(answer):
                        break
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    if b" 200" not in head.partition(b"\r\n")[0] or len(answer) > AGENT_ANSWER_MAX_BYTES:
        return None
    return body.decode("utf-8", "replace")


def _complete(answer: bytearray) -> bool:
    """Whether a response with Content-Length is all there, in case the peer keeps the connection open."""
    head, separator, body = bytes(answer).partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False
