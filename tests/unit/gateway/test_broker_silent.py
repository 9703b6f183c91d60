"""A broker that accepts connections and answers nothing counts as away, and so does a silent gateway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from display_server.broker.admission import ViewerAdmission
from display_server.broker.api import gateway_links
from display_server.broker_link.messages import Alive, Hello, OpenViewer, ToBroker, ToGateway
from display_server.gateway import broker_link
from display_server.gateway.broker_http import BrokerHttp
from display_server.gateway.broker_link import BrokerLink
from display_server.gateway.broker_presence import BrokerAway
from tests.fakes.gateway import GatewayUnderTest

PATIENCE_S = 90
HASH = "0" * 64


class SilentBroker:
    """Accepts requests and links, and answers nothing unless the test says so."""

    def __init__(self, folder: Path) -> None:
        self.requests, self.links = folder / "broker.sock", folder / "gateways.sock"
        self.connected = asyncio.Event()
        self.heard: list[ToBroker] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._link: asyncio.StreamWriter | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        servers = [
            await asyncio.start_unix_server(self._ignore, str(self.requests)),
            await asyncio.start_unix_server(self._listen, str(self.links)),
        ]
        try:
            yield
        finally:
            for server in servers:
                server.close()
            for writer in self._writers:
                writer.close()

    def say_something(self) -> None:
        assert self._link is not None
        self._link.write(msgspec.json.encode(Alive()) + b"\n")

    async def _ignore(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._link = writer
        self.connected.set()
        while line := await reader.readline():
            self.heard.append(msgspec.json.decode(line, type=ToBroker))


class Relays:
    """Counts how often all viewers were disconnected."""

    def __init__(self) -> None:
        self.closed = 0

    def disconnect(self, viewers: list[str]) -> None:
        raise AssertionError(viewers)

    def close(self) -> None:
        self.closed += 1


async def until(link: BrokerLink, *, silent: bool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while link.presence.silent is not silent:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens all times, so that what must happen happens soon. Nothing may depend on their lengths."""
    for module in (broker_link, gateway_links):
        monkeypatch.setattr(module, "INTERVAL_S", 0.02)
        monkeypatch.setattr(module, "SILENT_AFTER_S", 0.1)


@pytest.fixture
async def broker(folder: Path) -> AsyncIterator[SilentBroker]:
    broker = SilentBroker(folder)
    async with broker.listening():
        yield broker


@contextlib.asynccontextmanager
async def running_link(broker: SilentBroker, relays: Relays) -> AsyncIterator[BrokerLink]:
    link = BrokerLink(broker.links)
    running = asyncio.create_task(link.run(relays, lambda _: None))
    try:
        await asyncio.wait_for(broker.connected.wait(), PATIENCE_S)
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.usefixtures("quick")
async def test_whoever_waits_for_a_broker_that_falls_silent_learns_it(broker: SilentBroker) -> None:
    async with running_link(broker, Relays()) as link:
        http = BrokerHttp(broker.requests, link.presence)
        request = asyncio.create_task(http.request("GET", b"/healthz", [], b""))
        admission = asyncio.create_task(link.admit("viewer", "ticket", HASH))
        identification = asyncio.create_task(link.identify(bytes(32)))
        broker.say_something()
        for waiting in (request, admission):
            with pytest.raises(BrokerAway):
                await asyncio.wait_for(waiting, PATIENCE_S)
        assert await asyncio.wait_for(identification, PATIENCE_S) is None
        # From now on nobody has to wait.
        assert link.presence.silent
        with pytest.raises(BrokerAway):
            await http.request("GET", b"/healthz", [], b"")
        with pytest.raises(BrokerAway):
            await link.admit("viewer", "ticket", HASH)
        assert await link.identify(bytes(32)) is None
    assert Alive() in broker.heard, "the gateway itself gives signs of life"


@pytest.mark.usefixtures("quick")
async def test_one_message_of_a_silent_broker_brings_it_back(broker: SilentBroker) -> None:
    async with running_link(broker, Relays()) as link:
        await until(link, silent=True)
        broker.say_something()
        await until(link, silent=False)


@pytest.mark.usefixtures("quick")
async def test_a_silent_broker_that_dies_is_no_longer_silent(folder: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        broker = SilentBroker(folder)
        async with broker.listening():
            link = await stack.enter_async_context(running_link(broker, Relays()))
            await until(link, silent=True)
        await until(link, silent=False)
        with pytest.raises(BrokerAway):
            await BrokerHttp(broker.requests, link.presence).request("GET", b"/healthz", [], b"")


@pytest.mark.usefixtures("quick")
async def test_a_broker_that_stays_silent_costs_all_viewers_their_pictures_once(
    broker: SilentBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_link, "WITHOUT_BROKER_S", 0.3)
    relays = Relays()
    async with running_link(broker, relays) as link:
        await until(link, silent=True)
        assert relays.closed == 0, "there has been no sign of life, so there are no viewers"
        for times in (1, 2):
            broker.say_something()
            async with asyncio.timeout(PATIENCE_S):
                while relays.closed < times:  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.01)
            sent = len(broker.heard)
            async with asyncio.timeout(PATIENCE_S):
                while len(broker.heard) < sent + 50:  # noqa: ASYNC110 - there is no event
                    await asyncio.sleep(0.01)
            assert relays.closed == times


@pytest.mark.usefixtures("quick")
async def test_a_gateway_that_says_nothing_has_lost_its_viewers(
    local_gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def may_stay(_admission: ViewerAdmission, _viewer: OpenViewer) -> bool:
        return True

    monkeypatch.setattr(ViewerAdmission, "may_stay", may_stay)
    viewers = local_gateway.services.viewers
    viewer = OpenViewer("a viewer", "kim", HASH, "a session")
    reader, writer = await asyncio.open_unix_connection(str(local_gateway.broker.links))
    writer.write(msgspec.json.encode(Hello([viewer])) + b"\n")
    async with asyncio.timeout(PATIENCE_S):
        while msgspec.json.decode(await reader.readline(), type=ToGateway) != Alive():
            pass  # the broker itself gives signs of life
    assert viewer in viewers.open
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), PATIENCE_S)
    assert viewers.open == []
    writer.close()
