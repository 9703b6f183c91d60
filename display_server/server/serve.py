"""Composition root of `lightbox serve` and `lightbox demo`: wires broker and gateway, runs them, takes them
down in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import resource
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from display_server.broker.accounts import Accounts
from display_server.broker.catalogue import Catalogue, DesktopOffer
from display_server.broker.display_checks import Checks
from display_server.broker.folders import RunFolder, StateFolder, announce, instances, places
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.launchers.process_launcher import ProcessLauncher
from display_server.broker.passwords import Passwords
from display_server.broker.sessions import Sessions
from display_server.broker.store import Store
from display_server.broker.web_sessions import WebSessions
from display_server.config import Config, video_settings
from display_server.desktop.profiles import profile
from display_server.desktop.spec import write_private
from display_server.desktop.video_settings import monitor_policies
from display_server.errors import DesktopError, Malfunction
from display_server.gateway import authority
from display_server.gateway.app import build
from display_server.gateway.certificate import check_own, tls_context
from display_server.gateway.hosts import check_name, is_loopback, is_wildcard, names_in_use, url_of
from display_server.gateway.https_server import GatewayServer, listen
from display_server.gateway.services import GatewayServices
from display_server.gateway.static_client import StaticClient, require_built

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 60.0
OPEN_FILES = 8192
DEMO_USERNAME = "demo"
#: Letters of the demo's password: easily read aloud and typed on a tablet; 16 of them are 75 bits.
PASSWORD_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"  # noqa: S105 - not itself one
PASSWORD_GROUPS, PASSWORD_GROUP_LETTERS = 4, 4


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo adds: a demo account, and a desktop that is ready before anybody asks."""

    ready_desktop: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Told once when everything is up.

    Passwords are None without a demo; `root_sha256` with an own certificate.
    """

    url: str
    other_urls: tuple[str, ...]
    username: str | None
    password: str | None
    root_sha256: str | None


def offers(config: Config) -> list[DesktopOffer]:
    return [
        DesktopOffer(
            name=desktop.name,
            title=desktop.title or desktop.name,
            profile=desktop.profile,
            width_px=desktop.size_px[0],
            height_px=desktop.size_px[1],
            fixed=desktop.size is not None,
            usernames=tuple(name.lower() for name in desktop.users),
            attach=desktop.attach,
            share=desktop.share,
            clipboard=desktop.clipboard or profile.load(desktop.profile).clipboard,
            video=desktop.video,
            video_monitors=monitor_policies(desktop.video_monitors),
        )
        for desktop in config.desktops
    ]


async def run(
    config: Config,
    on_ready: Callable[[Ready], None],
    *,
    demo: Demo | None = None,
    launcher: Launcher | None = None,
) -> None:
    """Runs until SIGINT or SIGTERM.

    Raises LightboxError when it cannot start. Whatever was started is ended on every way out.
    """
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None
    told_to_end = False

    def end() -> None:
        nonlocal told_to_end
        if not told_to_end:  # a second signal must not interrupt the cleaning up
            told_to_end = True
            main.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    try:
        await _run(config, on_ready, demo, launcher)
    except asyncio.CancelledError:
        if not told_to_end:
            raise
        main.uncancel()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _run(
    config: Config, on_ready: Callable[[Ready], None], demo: Demo | None, launcher: Launcher | None
) -> None:
    os.umask(0o077)
    _allow_open_files()
    require_built(config.web_client)
    for name in config.names:
        check_name(name)
    for desktop in config.desktops:
        profile.load(desktop.profile)  # a mistake in one is told now, not when somebody opens it
    names = names_in_use(config.host, config.names)
    state = StateFolder.open(config.state)
    async with contextlib.AsyncExitStack() as stack:  # ends what follows in reverse order
        listening = stack.enter_context(listen(config.host, config.port))
        certificate, key, root = _certificate(config, state, names)
        context = tls_context(certificate, key)
        run_folder = RunFolder.make()
        stack.callback(run_folder.remove)
        store = await Store.open(state.database)
        stack.push_async_callback(store.close)
        passwords = Passwords()
        stack.callback(passwords.close)
        accounts = Accounts(store, passwords)
        catalogue = Catalogue(store)
        await catalogue.declare(offers(config))
        sessions = Sessions(
            store,
            launcher or ProcessLauncher(),
            places(state, run_folder),
            instance=run_folder.path.name,
            locale=config.locale,
            video=video_settings(config),
        )
        await sessions.recover({Path(instance.run_folder).name for instance in instances(state)})
        stack.push_async_callback(sessions.close)
        door = GatewayServices(
            accounts=accounts,
            web_sessions=WebSessions(
                store,
                idle_s=config.sign_in.idle_minutes * 60,
                absolute_s=config.sign_in.absolute_hours * 3600,
            ),
            catalogue=catalogue,
            sessions=sessions,
            checks=Checks(store),
            client=StaticClient(config.web_client),
            names=frozenset(names),
            root_pem=root.root_pem if root else None,
        )
        server = GatewayServer(build(door, strict_transport=root is None), door.relays, context)
        serving = asyncio.create_task(server.serve([listening]), name="serving")
        stack.push_async_callback(_stop, server, serving, door)
        sweeping = asyncio.create_task(_sweep(door), name="sweeping")
        stack.callback(sweeping.cancel)
        password = None
        if demo:
            password = await _demo_account(accounts, state)
            await _open_ready_desktop(demo, catalogue, sessions, state)
        await server.ready.wait()
        port: int = listening.getsockname()[1]
        ready = Ready(
            url=url_of("127.0.0.1" if _reaches_loopback(config.host) else config.host, port),
            other_urls=tuple(url_of(name, port) for name in names if not is_loopback(name)),
            username=DEMO_USERNAME if demo else None,
            password=password,
            root_sha256=root.root_sha256 if root else None,
        )
        stack.callback(announce(state, run_folder, ready.url).unlink, missing_ok=True)
        on_ready(ready)
        done, _ = await asyncio.wait({serving, sweeping}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise Malfunction("The server ended by itself.")


def _allow_open_files() -> None:
    """A viewer costs two descriptors; the usual soft limit of 1024 would be met before our own bounds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _certificate(
    config: Config, state: StateFolder, names: list[str]
) -> tuple[Path, Path, authority.LocalCertificate | None]:
    now = datetime.datetime.now(datetime.UTC)
    if config.tls.certificate and config.tls.key:
        check_own(config.tls.certificate, config.tls.key, config.names, now)
        return config.tls.certificate, config.tls.key, None
    local = authority.provide(state.tls, names, now)
    return local.certificate, local.key, local


async def _stop(server: GatewayServer, serving: asyncio.Task[None], door: GatewayServices) -> None:
    door.relays.close()
    server.end()
    await asyncio.gather(serving, return_exceptions=True)


async def _sweep(door: GatewayServices) -> None:
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        try:
            await door.sweep()
        except SQLAlchemyError:
            log.exception("expired sign-ins could not be swept; they are refused all the same")


async def _open_ready_desktop(
    demo: Demo, catalogue: Catalogue, sessions: Sessions, state: StateFolder
) -> None:
    desktop = await catalogue.find(DEMO_USERNAME, demo.ready_desktop)
    try:
        await sessions.open(DEMO_USERNAME, desktop)
    except DesktopError as error:
        raise DesktopError(f"{error}\n  Its log: {state.logs / desktop.name}.log") from error


async def _demo_account(accounts: Accounts, state: StateFolder) -> str:
    """The demo's password: made once, kept in the state folder, and again that of the account if somebody
    changed it.
    """
    try:
        password = state.demo_password.read_text().strip()
    except FileNotFoundError:
        groups = (
            "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PASSWORD_GROUP_LETTERS))
            for _ in range(PASSWORD_GROUPS)
        )
        password = "-".join(groups)
        write_private(state.demo_password, password.encode() + b"\n")
    if await accounts.by_name(DEMO_USERNAME) is None:
        await accounts.add(DEMO_USERNAME, password, display_name="Demo")
    elif await accounts.verify(DEMO_USERNAME, password) is None:
        await accounts.set_password(DEMO_USERNAME, password)
    return password


def _reaches_loopback(host: str) -> bool:
    return is_wildcard(host) or is_loopback(host)
