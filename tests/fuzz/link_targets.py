"""What gateway and broker send to each other: messages of their link, and requests at the broker's socket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from display_server.broker.admission import ViewerAdmission
from display_server.broker.api.app import build_app
from display_server.broker.api.forwarded_requests import ForwardedRequests
from display_server.broker.api.gateway_links import GatewayLinks
from display_server.broker.api.unix_server import LocalHttpProtocol, http_config
from display_server.broker.audit.entry import AuditEntry
from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker.tickets import Tickets
from display_server.broker.viewers import Viewers
from display_server.broker.web_sessions import SignedInUser
from display_server.broker_link.agent_address import AgentAddress
from display_server.broker_link.client_network import network_of
from display_server.broker_link.cookies import SESSION, CookieScope
from display_server.broker_link.forwarded import COOKIE_SCOPE, FORWARDED_HEADER, Forwarded
from display_server.broker_link.messages import GatewaySettings, Identified, ToGateway
from display_server.broker_link.silence import INTERVAL_S
from display_server.desktop.video_settings import PortRange, VideoNetworkSettings
from display_server.errors import LightboxError
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.broker_link import BrokerLink
from display_server.gateway.tls_exchange import tls_context
from tests.fakes.gateway import PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fuzz.campaign import FuzzTarget
from tests.fuzz.http_targets import ConnectionInMemory, ended

#: The hash of a web session.
HASH = "0" * 64
#: The number that stands in inputs for that of the request which the gateway waits for.
WAITING = 4711
#: The number of the request, and the name of the viewer, by which a campaign sees that everything was read.
LAST_REQUEST, LAST_VIEWER = 2**40, "the last viewer"
#: How long an answer may take, s. A side that answers nothing has hung.
ANSWER_MAX_S = 60.0
VIEWER = {"viewer": "abc", "username": "kim", "web_session": HASH, "session": "s1"}
SETTINGS: dict[str, Any] = {
    "type": "settings",
    "serial": 1,
    "names": ["localhost", "192.0.2.1"],
    "public_url": "https://lightbox.hospital.example/lightbox/",
    "trusted_proxies": ["192.0.2.0/24"],
    "shared_networks": ["2001:db8::/64"],
    "permissions": ["microphone"],
    "frame_ancestors": ["https://portal.hospital.example"],
    "cross_site_cookies": True,
    "certificate": "-----BEGIN CERTIFICATE-----",
    "key": "-----BEGIN PRIVATE KEY-----",
    "root_pem": None,
    "video": msgspec.to_builtins(VideoNetworkSettings(ports=PortRange(41000, 41010))),
    "limits": {"connections": 100, "reserved": 10, "per_address": 5, "per_person": 5, "per_device": 5},
}


def _line(value: object) -> bytes:
    return json.dumps(value).encode()


class MessagesToBroker:
    """Opens a link to a broker for each input. The broker knows one person, and agents of all desktops."""

    def __init__(self, folder: Path) -> None:
        self.sockets = GatewaySockets(folder / "for-links")
        self.sockets.folder.mkdir()
        self._tickets = Tickets(bytes(32))
        self._viewers = Viewers()
        self._folder = folder
        self.links = GatewayLinks(
            self._viewers,
            ViewerAdmission(
                self._tickets,
                self._find_user,
                self._agent_of,
                lambda _: True,
                time.time,
                lambda _: True,
                self._record,
            ),
        )

    def seeds(self) -> tuple[bytes, ...]:
        ticket = self._tickets.issue(
            username="kim", web_session=bytes(32), session="s1", desktop="reading", now_s=time.time()
        )
        admit = {"type": "admit", "request": 1, "viewer": "abc", "ticket": ticket, "web_session": HASH}
        return (
            _line({"type": "hello", "viewers": [VIEWER, {**VIEWER, "viewer": "b"}]}),
            _line({"type": "identify", "request": 1, "web_session": HASH}),
            _line(admit),
            _line({"type": "viewer-closed", "viewer": "abc"}),
            _line({"type": "settings-applied", "serial": 1}),
            b"\n".join((_line({"type": "hello"}), _line({"type": "alive"}), _line(admit))),
        )

    async def feed(self, data: bytes) -> bool:
        """Returns whether the broker has read all of it and kept the link open."""
        last = {"type": "identify", "request": LAST_REQUEST, "web_session": HASH}
        reader, writer = await asyncio.open_unix_connection(str(self.sockets.links))
        kept = False
        try:
            writer.write(data + b"\n" + _line(last) + b"\n")
            async with asyncio.timeout(ANSWER_MAX_S):
                while line := await reader.readline():
                    answer = msgspec.json.decode(line, type=ToGateway)
                    if isinstance(answer, Identified) and answer.request == LAST_REQUEST:
                        kept = True
                        break
                writer.write_eof()
                await reader.read()
        except ConnectionError:
            pass  # the broker has closed the link without reading to the end
        finally:
            writer.close()
        assert self._viewers.open == [], "the viewers of a link end with it"
        return kept

    async def _record(self, _entry: AuditEntry) -> None:
        """Keeps nothing: there is no database."""

    async def _find_user(self, id_hash: bytes) -> SignedInUser | None:
        assert len(id_hash) == 32
        return None

    def _agent_of(self, session: str) -> AgentAddress:
        return AgentAddress(session, "reading", self._folder / "a", self._folder / "h", "secret")


class MessagesToGateway:
    """The broker's end of a link, which a gateway opens again after each input that it refuses."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "links-of-the-gateway.sock"
        self.link = BrokerLink(self.path)
        self._opened: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue(1)
        self._read_all = asyncio.Event()
        self._numbers = itertools.count(1)

    def seeds(self) -> tuple[bytes, ...]:
        admitted = {
            "type": "admitted",
            "request": WAITING,
            "viewer": VIEWER,
            "secret": "secret",
        }
        rejected = {"type": "rejected", "request": WAITING, "code": 4401, "label": "ticket", "reason": "No."}
        return (
            _line(SETTINGS),
            _line({**SETTINGS, "public_url": None, "root_pem": "PEM", "certificate": ""}),
            _line(admitted),
            _line(rejected),
            _line({"type": "identified", "request": WAITING, "username": "kim"}),
            _line({"type": "disconnect", "viewers": ["abc", "b"]}),
            b"\n".join((_line({"type": "alive"}), _line(rejected))),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_unix_server(self._on_link, str(self.path))
        linking = asyncio.create_task(self.link.run(self, self._use))
        self._connection = await asyncio.wait_for(self._opened.get(), ANSWER_MAX_S)
        living = asyncio.create_task(self._give_signs_of_life())
        try:
            yield
        finally:
            server.close()
            for task in (living, linking):
                task.cancel()
            await asyncio.gather(living, linking, return_exceptions=True)
            self._connection[1].close()

    async def feed(self, data: bytes) -> bool:
        """Returns whether the gateway has read all of it and kept the link open."""
        reader, writer = self._connection
        number = next(self._numbers)
        admission = asyncio.create_task(self.link.admit("abc", "ticket", HASH))
        await asyncio.sleep(0)
        assert not admission.done(), "the gateway asks with this number"
        self._read_all.clear()
        last = _line({"type": "disconnect", "viewers": [LAST_VIEWER]})
        writer.write(data.replace(b"%d" % WAITING, b"%d" % number) + b"\n" + last + b"\n")
        reading = asyncio.create_task(_read_to_end(reader))
        waiting = asyncio.create_task(self._read_all.wait())
        done, _ = await asyncio.wait(
            {reading, waiting}, timeout=ANSWER_MAX_S, return_when=asyncio.FIRST_COMPLETED
        )
        assert done, "the gateway neither reads nor closes its link"
        kept = waiting in done
        for task in (reading, waiting, admission):
            task.cancel()
        await asyncio.gather(reading, waiting, admission, return_exceptions=True)
        if not kept:
            writer.close()
            # Nothing may be under way when a campaign counts tasks.
            self._connection = await asyncio.wait_for(self._opened.get(), ANSWER_MAX_S)
            await asyncio.sleep(0)
        return kept

    def disconnect(self, viewers: list[str]) -> None:
        if LAST_VIEWER in viewers:
            self._read_all.set()

    def close(self) -> None:
        raise AssertionError("the broker is never away for long")

    def _use(self, settings: GatewaySettings) -> None:
        """Puts settings into force as a gateway does, which goes on with the previous ones if it cannot."""
        with contextlib.suppress(LightboxError):
            ActiveSettings.of(settings)
            tls_context(settings.certificate.encode(), settings.key.encode())

    async def _give_signs_of_life(self) -> None:
        """Other campaigns run for minutes, in which the gateway must not take this broker for silent."""
        while True:
            if not self._connection[1].is_closing():
                self._connection[1].write(_line({"type": "alive"}) + b"\n")
            await asyncio.sleep(INTERVAL_S)

    async def _on_link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()  # the gateway has said hello, and may ask
        await self._opened.put((reader, writer))


async def _read_to_end(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass


class LocalConnection(ConnectionInMemory):
    """The transport of a gateway's request, whose socket shows the user of this process."""

    def __init__(self, protocol: asyncio.BaseProtocol, of_this_user: socket.socket) -> None:
        super().__init__(protocol)
        self._socket = of_this_user

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket if name == "socket" else default


class RequestsToBroker:
    """Opens connections to a broker's HTTP server that does everything but listen."""

    def __init__(self, gateway: GatewayUnderTest, cookie: str, of_this_user: socket.socket) -> None:
        self._config = http_config(build_app(gateway.services))
        self._state = ServerState()
        self._cookie = cookie
        self._socket = of_this_user
        self._sockets = GatewaySockets(Path())

    def seeds(self) -> tuple[bytes, ...]:
        credentials = _line({"username": "kim", "password": PASSWORD})
        forwarded = Forwarded("192.0.2.7", CookieScope()).encode()
        below_path = Forwarded("2001:db8::1", CookieScope("/lightbox", cross_site=True)).encode()
        return (
            self._request("GET /healthz", forwarded),
            self._request("GET /api/v1/me", forwarded),
            self._request("GET /api/v1/desktops", below_path),
            self._request("GET /api/v1/lock", forwarded),
            self._request("POST /api/v1/sign-in", below_path, credentials),
            self._request("POST /api/v1/input", forwarded, b'{"age_s": 1}'),
            self._request("POST /api/v1/unlock", forwarded, b'{"password": "x"}'),
        )

    def _request(self, first: str, forwarded: bytes, body: bytes = b"") -> bytes:
        lines = [
            f"{first} HTTP/1.1".encode(),
            b"host: localhost",
            b"cookie: " + self._cookie.encode(),
            b"content-type: application/json",
            b"%s: %s" % (FORWARDED_HEADER, forwarded),
            b"content-length: %d" % len(body),
            b"connection: close",
        ]
        return b"\r\n".join((*lines, b"", b"")) + body

    async def feed(self, data: bytes) -> bool:
        protocol = LocalHttpProtocol(self._config, self._state, self._sockets)
        connection = LocalConnection(protocol, self._socket)
        protocol.connection_made(connection)
        protocol.data_received(data)
        if protocol.cycle is not None and not protocol.cycle.more_body:
            await ended(self._state.tasks)
        protocol.connection_lost(None)
        await ended(self._state.tasks)
        status = connection.written[9:12]
        assert not status.startswith(b"50") or b'"busy"' in connection.written, connection.written
        return status[:1] == b"2"


class ForwardedHeaders:
    """Sends requests with this header, and uses what it says as the broker does."""

    def __init__(self) -> None:
        self._admitted = False
        self._app: ASGIApp = ForwardedRequests(self._use)

    async def feed(self, data: bytes) -> bool:
        self._admitted = False
        headers = [(FORWARDED_HEADER, data)]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}

        async def receive() -> Any:
            raise AssertionError("there is no body")

        async def send(message: Any) -> None:
            assert message.get("status", 400) == 400

        await self._app(scope, receive, send)
        return self._admitted

    async def _use(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        network_of(scope["client"][0])
        cookies: CookieScope = scope[COOKIE_SCOPE]
        cookies.read(f"{cookies.name(SESSION)}=x", SESSION)
        cookies.set_cookie(SESSION, "x")
        self._admitted = True


@contextlib.contextmanager
def _socket_of_this_user() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield theirs


@asynccontextmanager
async def link_targets() -> AsyncIterator[list[FuzzTarget]]:
    # A short path, because sockets are below it.
    with tempfile.TemporaryDirectory(prefix="lb") as name, _socket_of_this_user() as of_this_user:
        folder = Path(name)
        to_broker, to_gateway = MessagesToBroker(folder), MessagesToGateway(folder)
        async with (
            running_gateway(folder, EchoLauncher(), served=False) as gateway,
            to_broker.links.listening(to_broker.sockets),
            to_gateway.running(),
        ):
            client = await gateway.sign_in()
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            requests = RequestsToBroker(gateway, cookie, of_this_user)
            forwarded = (
                Forwarded("192.0.2.7", CookieScope()).encode(),
                Forwarded("2001:db8::1", CookieScope("/lightbox", cross_site=True)).encode(),
            )
            yield [
                FuzzTarget("link-to-broker", to_broker.seeds(), to_broker.feed),
                FuzzTarget("link-to-gateway", to_gateway.seeds(), to_gateway.feed),
                FuzzTarget("broker-requests", requests.seeds(), requests.feed),
                FuzzTarget("forwarded", forwarded, ForwardedHeaders().feed),
            ]
