"""The composition root of the server process: creates broker and gateway, runs them, and shuts them down."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from display_server.broker.accounts import Accounts
from display_server.broker.api.app import build_app
from display_server.broker.api.lock_watch import INTERVAL_S
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.unix_server import http_server
from display_server.broker.catalogue import Catalogue
from display_server.broker.display_checks import DisplayChecks
from display_server.broker.folders import (
    RunFolder,
    StateFolder,
    desktop_folders,
    list_instances,
    register_instance,
    unregister_instance,
)
from display_server.broker.lasting_folder import LastingFolder
from display_server.broker.launchers.desktop_log import rotate_logs
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.launchers.process_launcher import ProcessLauncher
from display_server.broker.passwords import Passwords
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError
from display_server.broker.store import Store
from display_server.broker.web_sessions import WebSessions
from display_server.config import Config
from display_server.errors import DesktopError, Malfunction
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.broker_http import BrokerHttp
from display_server.gateway.broker_link import BrokerLink
from display_server.gateway.gateway import Gateway
from display_server.gateway.hosts import is_loopback, is_wildcard, url_of
from display_server.gateway.https_server import listen
from display_server.gateway.static_client import StaticClient, require_built
from display_server.gateway.tls_exchange import tls_context
from display_server.server import demo as demo_setup
from display_server.server.certificates import EXAMINATION_INTERVAL_S
from display_server.server.definitions import desktop_definitions, lock_limits
from display_server.server.demo import Demo
from display_server.server.isolation import isolated_desktops, warn_of_isolated_desktops
from display_server.server.operator_socket import operator_socket
from display_server.server.reload import Reloader, for_gateways, prepare, write_result
from display_server.server.unattended_watch import use_unattended_limits, watch_unattended

log = structlog.get_logger(__name__)

#: The broker's Unix sockets in the run folder: for requests, and for the links of gateways.
REQUESTS_SOCKET, LINKS_SOCKET = "broker.sock", "gateways.sock"
#: Interval between two removals of expired web sessions, s.
EXPIRY_INTERVAL_S = 60.0
#: Interval between two examinations of the database and its folder, s. A failure also shows when somebody
#: uses the database, or asks `/healthz`.
STORAGE_INTERVAL_S = 2.0
#: Interval between two looks for log files that have become too large, s.
ROTATION_INTERVAL_S = 60.0
#: Limit of open file descriptors that this process asks for. A viewer takes three; the usual limit of 1024
#: would be reached before the gateway's own limit of connections.
OPEN_FILES = 8192


@dataclass(frozen=True, slots=True)
class Ready:
    """What the operator needs to know once the server is ready."""

    url: str
    other_urls: tuple[str, ...]  # under the host's other names and addresses
    username: str | None  # of the demo account; None without a demo
    password: str | None  # of the demo account; None without a demo
    root_sha256: str | None  # fingerprint of the local authority; None with the operator's certificate
    accounts: int  # how many people can sign in


async def run(
    config: Config,
    on_ready: Callable[[Ready], None],
    *,
    demo: Demo | None = None,
    launcher: Launcher | None = None,
    read_config: Callable[[], Config] | None = None,
) -> None:
    """Runs the server until SIGINT or SIGTERM, and calls `on_ready` once it accepts connections.

    SIGHUP reloads the configuration with `read_config`. Without it, as in the demo, SIGHUP ends the server,
    too: its terminal was closed. Raises LightboxError when it cannot start. Ends everything that it has
    started in any case.
    """
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None
    signalled = False

    def on_signal() -> None:
        nonlocal signalled
        if not signalled:  # a second signal must not interrupt the shutdown
            signalled = True
            main.cancel()

    reload_requested = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGHUP, reload_requested.set if read_config else on_signal)
    try:
        await _run(config, on_ready, demo, launcher, read_config, reload_requested)
    except asyncio.CancelledError:
        if not signalled:
            raise
        main.uncancel()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _run(
    config: Config,
    on_ready: Callable[[Ready], None],
    demo: Demo | None,
    launcher: Launcher | None,
    read_config: Callable[[], Config] | None,
    reload_requested: asyncio.Event,
) -> None:
    os.umask(0o077)
    _raise_open_files_limit()
    require_built(config.web_client)
    state = StateFolder.open(config.state)
    async with contextlib.AsyncExitStack() as stack:  # shuts down what follows in reverse order
        listening = stack.enter_context(listen(config.host, config.port))
        settings = await prepare(config, state)
        access, certificate = settings.access, settings.certificate
        run_folder = RunFolder.create()
        stack.callback(run_folder.remove)
        store = await Store.open(state.database)
        stack.push_async_callback(store.close)
        passwords = Passwords()
        stack.callback(passwords.close)
        accounts = Accounts(store, passwords)
        catalogue = Catalogue(store)
        await catalogue.replace(desktop_definitions(config))
        folders, instance = desktop_folders(state, run_folder), run_folder.path.name
        isolation = None
        if launcher is None and config.isolation.enabled:
            isolation = await isolated_desktops(config.isolation, state, store, stack)
            launcher, folders, instance = isolation.launcher, isolation.folders, isolation.instance
        else:
            warn_of_isolated_desktops(state)
        sessions = Sessions(
            store,
            launcher or ProcessLauncher(),
            folders,
            instance=instance,
            locale=config.locale,
            patience=config.patience,
            video=settings.video,
            may_start=accounts.may_start_desktops,
            one_person=config.isolation.one_person,
        )
        running_servers = {Path(server.run_folder).name for server in list_instances(state)}
        # Isolated desktops may run on although this server has no isolation: another one will adopt them.
        await sessions.end_abandoned({*running_servers, LastingFolder.of(state.path).name})
        await sessions.adopt(host_restarted=isolation is not None and isolation.host_restarted)
        stack.push_async_callback(sessions.close, leave_running=demo is None)
        services = BrokerServices(
            store=store,
            accounts=accounts,
            web_sessions=WebSessions(
                store,
                idle_s=config.sign_in.idle_minutes * 60,
                absolute_s=config.sign_in.absolute_hours * 3600,
                lock=lock_limits(config),
            ),
            catalogue=catalogue,
            sessions=sessions,
            display_checks=DisplayChecks(store),
            metrics_token=settings.metrics_token,
            viewers_per_person=config.limits.viewers_per_person,
            isolated=config.isolation.enabled,
        )
        services.sign_in_limiter.is_shared = access.is_shared
        use_unattended_limits(services, config)
        requests, links = run_folder.path / REQUESTS_SOCKET, run_folder.path / LINKS_SOCKET
        await stack.enter_async_context(http_server(build_app(services), requests))
        await stack.enter_async_context(services.gateways.listening(links))
        gateway = Gateway(
            ActiveSettings.of(for_gateways(settings, 0)),
            StaticClient(config.web_client),
            link := BrokerLink(links),
            BrokerHttp(requests),
            tls_context(certificate.certificate, certificate.key),
        )
        linking = asyncio.create_task(link.run(gateway.relays, gateway.use), name="link to the broker")
        stack.callback(linking.cancel)
        serving = await stack.enter_async_context(gateway.serving(listening))
        expiring = asyncio.create_task(_end_expired_web_sessions(services), name="web session expiry")
        stack.callback(expiring.cancel)
        locking = asyncio.create_task(_lock_screens(services), name="screen lock")
        stack.callback(locking.cancel)
        examining = asyncio.create_task(_examine_storage(store), name="storage examination")
        stack.callback(examining.cancel)
        watching = asyncio.create_task(watch_unattended(services), name="unattended desktops")
        stack.callback(watching.cancel)
        await stack.enter_async_context(operator_socket(run_folder.path, services))
        rotating = asyncio.create_task(_rotate_logs(state.logs), name="log rotation")
        stack.callback(rotating.cancel)
        reloader = Reloader(
            settings,
            state,
            services,
            read=read_config or (lambda: config),
            requested=reload_requested,
            write_result=functools.partial(write_result, run_folder.path),
        )
        await reloader.start()
        reloading = asyncio.create_task(reloader.run(EXAMINATION_INTERVAL_S), name="reload")
        stack.callback(reloading.cancel)
        password = None
        if demo:
            password = await demo_setup.ensure_demo_account(accounts, state)
            await _start_demo_desktop(demo, catalogue, sessions, state)
        port: int = listening.getsockname()[1]
        ready = Ready(
            url=url_of("127.0.0.1" if _reaches_loopback(config.host) else config.host, port),
            other_urls=(
                *([access.public.url] if access.public else []),
                *(url_of(name, port) for name in settings.names if not is_loopback(name)),
            ),
            username=demo_setup.USERNAME if demo else None,
            password=password,
            root_sha256=certificate.root_sha256,
            accounts=len(await accounts.list_all()),
        )
        entry = register_instance(
            state,
            run_folder,
            ready.url,
            reloadable=read_config is not None,
            desktops=folders.desktops,
        )
        stack.callback(unregister_instance, entry)
        on_ready(ready)
        tasks = {serving, linking, expiring, locking, examining, rotating, reloading, watching}
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise Malfunction(
            "The HTTPS server ended unexpectedly.", next_step="The log above says why. Start Lightbox again."
        )


def _raise_open_files_limit() -> None:
    """Raises the soft limit of open files to OPEN_FILES, or to the hard limit if that is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _end_expired_web_sessions(services: BrokerServices) -> None:
    while True:
        await asyncio.sleep(EXPIRY_INTERVAL_S)
        try:
            await services.end_expired_web_sessions()
        except StorageError:
            log.warning("expired web sessions not deleted; they are rejected all the same")


async def _lock_screens(services: BrokerServices) -> None:
    """Locks screens on time. Should this fail, web sessions count as locked soon after (OVERDUE_S)."""
    interval_s = INTERVAL_S
    while True:
        await asyncio.sleep(interval_s)
        try:
            interval_s = await services.lock_watch.run_once()
        except StorageError:
            log.warning("screens not locked; requests are refused all the same")
        except Exception:
            log.exception("screens not locked; requests are refused all the same")


async def _examine_storage(store: Store) -> None:
    """Notices at once that the database was deleted or damaged, or that nothing can be written any more."""
    while True:
        await asyncio.sleep(STORAGE_INTERVAL_S)
        await store.examine()  # which logs every change


async def _rotate_logs(folder: Path) -> None:
    """Keeps the log files of desktops small, which may run for weeks."""
    while True:
        await asyncio.sleep(ROTATION_INTERVAL_S)
        await asyncio.to_thread(rotate_logs, folder)


async def _start_demo_desktop(
    demo: Demo, catalogue: Catalogue, sessions: Sessions, state: StateFolder
) -> None:
    desktop = await catalogue.find(demo_setup.USERNAME, demo.started_desktop)
    log_file = state.logs / f"{desktop.name}.log"
    try:
        await sessions.open(demo_setup.USERNAME, desktop)
    except DesktopError as error:
        next_step = f"{error.next_step} The log is {log_file}.".strip()
        raise DesktopError(error.cause, next_step=next_step) from error


def _reaches_loopback(host: str) -> bool:
    return is_wildcard(host) or is_loopback(host)
