"""A complete gateway on 127.0.0.1 with real TLS, cheap password hashes and a launcher of the test."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from display_server.authority import authority
from display_server.broker.accounts import Accounts
from display_server.broker.api.app import build_app, build_people_app
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.unix_server import http_server
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.badges.badge_state import BadgeSettings
from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.devices.device_keys import DeviceKeys, new_key
from display_server.broker.directory.directory import open_directory
from display_server.broker.directory.settings import DirectorySettings
from display_server.broker.display_checks import DisplayChecks
from display_server.broker.folders import DesktopFolders
from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker.launchers.homes import LocalHomes
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.lease import TaskLease
from display_server.broker.oidc.settings import ProviderSettings
from display_server.broker.orphans import Orphans
from display_server.broker.passwords import Passwords
from display_server.broker.pools.assignments import Assignments
from display_server.broker.pools.dedicated import DedicatedDesktops
from display_server.broker.pools.images import ProfileImages
from display_server.broker.pools.pools import Pools
from display_server.broker.pools.states import PoolStates
from display_server.broker.screen_lock import LockLimits
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.second_factor.policy import SecondFactorSettings
from display_server.broker.session_records import SessionRecords
from display_server.broker.sessions import Sessions
from display_server.broker.store import Store
from display_server.broker.viewers import Viewers
from display_server.broker.web_sessions import WebSessions
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.agent_sockets import PassedAgentSockets
from display_server.gateway.broker_http import BrokerHttp
from display_server.gateway.broker_link import BrokerLink
from display_server.gateway.gateway import Gateway
from display_server.gateway.https_server import GatewayServer, listen
from display_server.gateway.proxies import PublicAccess
from display_server.gateway.relay import Relays
from display_server.gateway.static_client import StaticClient
from display_server.gateway.tls_exchange import tls_context
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.fakes.new_database import copy_new_database

PASSWORD = "correct horse battery"
METRICS_TOKEN = "a token for the metrics"
#: The header that lets a request read the metrics.
MAY_READ_METRICS = {"Authorization": f"Bearer {METRICS_TOKEN}"}
NAMES = ["localhost", "127.0.0.1"]
DEFINITIONS = (
    DesktopDefinition("reading", "Reading room", "radiology", 1280, 720, ("kim",)),
    DesktopDefinition("office", "Office", "office", 1280, 720, ("*",)),
    DesktopDefinition("private", "Private", "blank", 1280, 720, ()),
)


def cheap_passwords() -> Passwords:
    """Returns a hasher whose hashes take well under a millisecond."""
    return Passwords(time_cost=1, memory_kib=64, lanes=1)


class BrokerSockets:
    """The broker's sockets, as its process opens them. A gateway sees only them of the broker's death."""

    def __init__(self, services: BrokerServices, folder: Path, *, administration: bool = True) -> None:
        self._services = services
        self._build = build_app if administration else build_people_app
        self._sockets = GatewaySockets(folder)
        self.requests, self.links = self._sockets.requests, self._sockets.links
        self.agents = self._sockets.agents
        self._stack = contextlib.AsyncExitStack()

    async def open(self) -> None:
        await self._stack.enter_async_context(http_server(self._build(self._services), self._sockets))
        await self._stack.enter_async_context(self._services.gateways.listening(self._sockets))

    async def close(self) -> None:
        await self._stack.aclose()


@dataclass
class GatewayUnderTest:
    """A gateway, and HTTP clients and viewers for it."""

    services: BrokerServices
    broker: BrokerSockets
    gateway: Gateway
    url: str
    port: int
    context: ssl.SSLContext  # trusts the gateway's own authority
    root_pem: str  # the certificate of this authority

    @property
    def server(self) -> GatewayServer:
        return self.gateway.server

    @property
    def relays(self) -> Relays:
        return self.gateway.relays

    def in_process_client(self, address: str = "127.0.0.1") -> httpx2.AsyncClient:
        """Returns a client that calls the application without a network, as if it had this address."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.gateway.app, client=(address, 1)),
            base_url=self.url,
            headers={"Origin": self.url},
        )

    def client(self) -> httpx2.AsyncClient:
        """Returns a client that behaves like a browser: it keeps cookies and sends an Origin."""
        return httpx2.AsyncClient(base_url=self.url, verify=self.context, headers={"Origin": self.url})

    async def sign_in(self, username: str = "kim") -> httpx2.AsyncClient:
        """Returns a client that is signed in as this user."""
        client = self.client() if self.server.started else self.in_process_client()
        answer = await client.post("/api/v1/sign-in", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    async def open_viewer(
        self,
        client: httpx2.AsyncClient,
        ticket: str | None = None,
        *,
        desktop: str = "reading",
        origin: str | None = "own",
        subprotocols: Sequence[str] = (SUBPROTOCOL,),
        headers: dict[str, str] | None = None,
        path: str = "/viewer",
    ) -> ClientConnection:
        """Opens a viewer's WebSocket, with a new ticket unless one is given."""
        if ticket is None:
            ticket = (await client.post(f"/api/v1/desktops/{desktop}/viewers")).json()["ticket"]
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return await connect(
            f"wss://localhost:{self.port}{path}",
            ssl=self.context,
            host="127.0.0.1",
            origin=Origin(self.url if origin == "own" else origin) if origin else None,
            subprotocols=[Subprotocol(name) for name in (*subprotocols, f"{TICKET_PREFIX}{ticket}")],
            additional_headers={"Cookie": cookie, **(headers or {})},
            compression=None,
            max_size=64 * 2**20,
            ping_interval=None,
        )


def make_web_client(folder: Path) -> Path:
    """Creates the files of a minimal web client."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Lightbox</title>" + " " * 1000)
    (folder / "assets" / "main-abc123.js").write_text("// " + "x" * 5000)
    (folder / "assets" / "decoder-def456.wasm").write_bytes(b"\0asm" + bytes(2000))
    return folder


@asynccontextmanager
async def running_gateway(
    folder: Path,
    launcher: Launcher,
    *,
    start_timeout_s: float = 5.0,
    web_client: Path | None = None,
    served: bool = True,
    access: PublicAccess | None = None,
    lock: LockLimits = LockLimits(),  # noqa: B008 - frozen
    now_s: Callable[[], float] = time.time,
    one_person: bool = False,
    second_factor: SecondFactorSettings = SecondFactorSettings(),  # noqa: B008 - frozen
    directory: DirectorySettings | None = None,
    badge: BadgeSettings = BadgeSettings(),  # noqa: B008 - frozen
    providers: Sequence[ProviderSettings] = (),
    administration: bool = False,
) -> AsyncIterator[GatewayUnderTest]:
    """Runs a gateway with the accounts `kim` and `lee`, both with PASSWORD.

    The user kim may open the desktops `reading` and `office`, the user lee only `office`. Without `served`
    the gateway starts faster, but only `in_process_client` works. `lock` says when screens are locked, by the
    wall clock `now_s`; nothing locks them unless the test runs the `lock_watch`. With `directory`, people of
    it may sign in as well; nothing probes its servers or looks for leavers unless the test does. `providers`
    are those of OpenID Connect. Only with `administration` there are its routes, which take a fifth of a
    second to build.
    """
    await copy_new_database(folder / "lightbox.db")
    store = await Store.open(folder / "lightbox.db")
    passwords = cheap_passwords()
    accounts = Accounts(store, passwords)
    for username in ("kim", "lee"):
        await accounts.add(username, PASSWORD)
    catalogue = Catalogue(store, now_s=now_s)
    await catalogue.replace(DEFINITIONS)
    specs = DesktopSpecs(DesktopFolders(folder / "d", folder / "homes", folder / "logs"))
    audit = AuditTrail(store, folder / "audit-spool", now_s=now_s)
    records = SessionRecords(store, "test", now_s, audit)
    sessions = Sessions(
        records,
        launcher,
        specs,
        start_timeout_s=start_timeout_s,
        one_person=one_person,
        now_s=now_s,
    )
    lease = TaskLease(store, "pools", "test", now_s)
    dedicated = DedicatedDesktops(sessions, Assignments(store, now_s=now_s), LocalHomes(specs.folders.homes))
    pools = Pools(sessions, specs, PoolStates(store), lease, dedicated, ProfileImages(), now_s=now_s)
    pools.use(await catalogue.list_all())
    tls = folder / "tls"
    tls.mkdir(mode=0o700)
    local = authority.provide_certificate(tls, NAMES, datetime.datetime.now(datetime.UTC))
    access = access or PublicAccess(frozenset(NAMES))
    viewers = Viewers()
    services = BrokerServices(
        store=store,
        audit=audit,
        accounts=accounts,
        web_sessions=WebSessions(store, lock=lock, audit=audit, now_s=now_s),
        catalogue=catalogue,
        sessions=sessions,
        pools=pools,
        orphans=Orphans(sessions, records, launcher),
        display_checks=DisplayChecks(store),
        metrics_token=METRICS_TOKEN,
        factor_key=FactorKey(bytes(32)),
        device_keys=DeviceKeys([new_key(0)]),
        passwords=passwords,
        badge_settings=badge,
        second_factor=second_factor,
        viewers=viewers,
        directory=open_directory(directory, store, accounts, passwords, viewers.disconnect_person)
        if directory is not None
        else None,
        providers=providers,
    )
    services.sign_in_limiter.is_shared = access.is_shared
    broker = BrokerSockets(services, folder, administration=administration)
    link = BrokerLink(broker.links)
    listening = listen("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    gateway = Gateway(
        ActiveSettings(access, local.root_pem),
        StaticClient(web_client or make_web_client(folder / "dist")),
        link,
        BrokerHttp(broker.requests, link.presence),
        PassedAgentSockets(broker.agents),
        tls_context(local.certificate.read_bytes(), local.key.read_bytes()),
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listening.close)
        if services.directory is not None:
            stack.callback(services.directory.close)
        stack.push_async_callback(store.close)
        stack.callback(passwords.close)
        stack.push_async_callback(sessions.close)
        stack.push_async_callback(broker.close)
        await broker.open()
        linking = asyncio.create_task(link.run(gateway.relays, gateway.use))
        stack.callback(linking.cancel)
        if served:
            await stack.enter_async_context(gateway.serving(listening))
        root_pem = local.root_pem.decode()
        context = ssl.create_default_context(cadata=root_pem)
        yield GatewayUnderTest(
            services, broker, gateway, f"https://localhost:{port}", port, context, root_pem
        )
