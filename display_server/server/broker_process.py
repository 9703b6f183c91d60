"""The composition root of the broker's process: creates its parts, runs them, and shuts them down."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from display_server.broker.accounts import Accounts
from display_server.broker.api.app import build_app
from display_server.broker.api.break_glass_watch import watch_break_glass
from display_server.broker.api.lock_watch import INTERVAL_S
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.unix_server import http_server
from display_server.broker.audit.key import open_key
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.devices.device_keys import DeviceKeys
from display_server.broker.directory.cached_passwords import CachedPasswords
from display_server.broker.directory.directory import Directory, open_directory
from display_server.broker.display_checks import DisplayChecks
from display_server.broker.folders import (
    RunFolder,
    StateFolder,
    desktop_folders,
    list_instances,
)
from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker.lasting_folder import LastingFolder
from display_server.broker.launchers.desktop_log import rotate_logs
from display_server.broker.launchers.homes import LocalHomes
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.launchers.launcher_watch import LauncherWatch
from display_server.broker.launchers.process_launcher import ProcessLauncher
from display_server.broker.lease import TaskLease
from display_server.broker.orphans import Orphans
from display_server.broker.passwords import Passwords
from display_server.broker.pools.assignments import Assignments
from display_server.broker.pools.dedicated import DedicatedDesktops
from display_server.broker.pools.images import ProfileImages
from display_server.broker.pools.pools import Pools
from display_server.broker.pools.states import PoolStates
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.session_records import SessionRecords
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError
from display_server.broker.store import Store
from display_server.broker.viewers import Viewers
from display_server.broker.web_sessions import WebSessions
from display_server.config import Config
from display_server.errors import DesktopError, LightboxError, Malfunction
from display_server.gateway.hosts import is_loopback, is_wildcard, url_of
from display_server.server import demo as demo_setup
from display_server.server.audit_watch import AuditWatch
from display_server.server.certificates import EXAMINATION_INTERVAL_S
from display_server.server.child_process import Parent, Started, run_until_ended
from display_server.server.database import database_of, record_choice
from display_server.server.definitions import desktop_definitions, lock_limits
from display_server.server.demo import Demo
from display_server.server.isolation import isolated_desktops, warn_of_isolated_desktops
from display_server.server.leftovers import remove_leftovers
from display_server.server.operator_socket import operator_socket
from display_server.server.ready import Ready
from display_server.server.reload import Reloader, Settings, prepare, use_policy_values, use_sign_in_settings
from display_server.server.reload_effects import changes
from display_server.server.reload_result import write_result
from display_server.server.unattended_watch import use_unattended_limits, watch_unattended

log = structlog.get_logger(__name__)

#: Interval between two removals of expired web sessions, s.
EXPIRY_INTERVAL_S = 60.0
#: Interval between two examinations of the database and its folder, s. A failure also shows when somebody
#: uses the database, or asks `/healthz`.
STORAGE_INTERVAL_S = 2.0
#: Interval between two looks for log files that have become too large, s.
ROTATION_INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class BrokerTask:
    """What the broker needs from the process that starts it."""

    config: Config
    state: StateFolder
    run_folder: RunFolder
    sockets: GatewaySockets  # where gateways reach it
    port: int  # on which the gateway listens
    demo: Demo | None
    launcher: Launcher | None  # None: the one that the configuration selects
    read_config: Callable[[], Config] | None  # reads the configuration again


def run_broker(task: BrokerTask, parent: Parent) -> None:
    """The work of the broker's process. Raises LightboxError when it cannot start."""
    reload_requested = asyncio.Event()
    on_hangup = reload_requested.set if task.read_config else None
    run_until_ended(parent, _run(task, parent, reload_requested), on_hangup)


def _config_of(task: BrokerTask, again: bool) -> Config:
    """Returns the configuration that is in force.

    A broker that takes the place of a dead one reads it again, because it may have been reloaded.
    """
    if not again or task.read_config is None:
        return task.config
    try:
        return changes(task.config, task.read_config()).config
    except LightboxError as error:
        log.error(
            "configuration refused; that of the start is in force",
            cause=error.cause,
            next_step=error.next_step,
        )
        return task.config


async def _run(task: BrokerTask, parent: Parent, reload_requested: asyncio.Event) -> None:
    state, run_folder, demo, launcher = task.state, task.run_folder, task.demo, task.launcher
    config = _config_of(task, parent.again)
    async with contextlib.AsyncExitStack() as stack:  # shuts down what follows in reverse order
        settings = await prepare(config, state)
        access, certificate = settings.access, settings.certificate
        store = await Store.open(database_of(config.database, state))
        stack.push_async_callback(store.close)
        await asyncio.to_thread(record_choice, config.database, state)
        passwords = Passwords()
        stack.callback(passwords.close)
        audit = AuditTrail(store, state.audit_spool)
        await audit.prepare()
        await audit.examine()
        audit_key = await asyncio.to_thread(open_key, state.audit_key)
        accounts = Accounts(store, passwords)
        catalogue = Catalogue(store)
        await catalogue.replace(desktop_definitions(config))

        async def may_start(username: str, desktop: str) -> bool:
            return await accounts.may_start_desktops(username) and await catalogue.may_open(username, desktop)

        folders, instance = desktop_folders(state, run_folder), run_folder.path.name
        if parent.again:
            await asyncio.to_thread(remove_leftovers, folders.desktops)
        isolation = None
        if launcher is None and config.isolation.enabled:
            isolation = await isolated_desktops(config.isolation, state, store, stack)
            launcher, folders, instance = isolation.launcher, isolation.folders, isolation.instance
        else:
            warn_of_isolated_desktops(state)
        specs = DesktopSpecs(folders, config.locale, config.patience, settings.video)
        records = SessionRecords(store, instance, time.time, audit)
        launcher = launcher or ProcessLauncher()
        sessions = Sessions(
            records,
            launcher,
            specs,
            may_start=may_start,
            one_person=config.isolation.one_person,
        )
        # Desktops that are not isolated have ended with the broker whose place this one takes.
        others = {Path(server.run_folder).name for server in list_instances(state)} - {run_folder.path.name}
        # Isolated desktops may run on although this server has no isolation: another one will adopt them.
        await sessions.end_abandoned({*others, LastingFolder.of(state.path).name})
        await sessions.adopt(host_restarted=isolation is not None and isolation.host_restarted)
        stack.push_async_callback(_close, sessions, demo, parent)
        reconciler = TaskLease(store, "pools", instance, time.time)
        homes = isolation.homes if isolation is not None else LocalHomes(folders.homes)
        dedicated = DedicatedDesktops(sessions, Assignments(store), homes)
        pools = Pools(sessions, specs, PoolStates(store), reconciler, dedicated, ProfileImages())
        await pools.load()
        pools.use(await catalogue.list_all())
        viewers = Viewers()
        directory = await _open_directory(settings, store, accounts, passwords, viewers)
        services = BrokerServices(
            store=store,
            audit=audit,
            accounts=accounts,
            web_sessions=WebSessions(
                store,
                idle_s=config.sign_in.idle_minutes * 60,
                absolute_s=config.sign_in.absolute_hours * 3600,
                lock=lock_limits(config),
                audit=audit,
            ),
            catalogue=catalogue,
            sessions=sessions,
            pools=pools,
            orphans=Orphans(sessions, records, launcher),
            display_checks=DisplayChecks(store),
            metrics_token=settings.metrics_token,
            factor_key=FactorKey.provide(state.second_factor_key),
            device_keys=DeviceKeys.provide(state.device_keys, time.time()),
            passwords=passwords,
            viewers_per_person=config.limits.viewers_per_person,
            isolated=config.isolation.enabled,
            viewers=viewers,
            directory=directory,
            audit_key=audit_key.public_key(),
            launcher_watch=LauncherWatch(isolation.launcher.examine if isolation is not None else None),
            providers=settings.providers,
        )
        use_sign_in_settings(services, settings)
        use_unattended_limits(services, config)
        use_policy_values(services, config)
        await services.policies.load()  # before anybody asks
        await services.access_watch.review()  # before anybody asks: whose time is over stays out
        task.sockets.open_folder()  # no other server has it: `isolated_desktops` would have refused
        stack.callback(task.sockets.remove_folder)
        await stack.enter_async_context(http_server(build_app(services), task.sockets))
        await stack.enter_async_context(services.gateways.listening(task.sockets, patience=config.patience))
        expiring = asyncio.create_task(_end_expired_web_sessions(services), name="web session expiry")
        stack.callback(expiring.cancel)
        locking = asyncio.create_task(_lock_screens(services), name="screen lock")
        stack.callback(locking.cancel)
        examining = asyncio.create_task(_examine_storage(store), name="storage examination")
        stack.callback(examining.cancel)
        watching = asyncio.create_task(watch_unattended(services), name="unattended desktops")
        stack.callback(watching.cancel)
        ending = asyncio.create_task(watch_break_glass(services), name="emergency access")
        stack.callback(ending.cancel)
        reviewing = asyncio.create_task(services.access_watch.run(), name="access to running desktops")
        stack.callback(reviewing.cancel)
        following = asyncio.create_task(services.policy_watch.run(), name="policies")
        stack.callback(following.cancel)
        await stack.enter_async_context(operator_socket(run_folder.path, services))
        reconciling = asyncio.create_task(pools.run(), name="pools")
        stack.callback(reconciling.cancel)
        rotating = asyncio.create_task(_rotate_logs(state.logs), name="log rotation")
        stack.callback(rotating.cancel)
        asking = asyncio.create_task(services.launcher_watch.run(), name="launcher")
        stack.callback(asking.cancel)
        reloader = Reloader(
            settings,
            state,
            services,
            read=task.read_config or (lambda: config),
            requested=reload_requested,
            write_result=functools.partial(write_result, run_folder.path),
        )
        services.checkpoint_file = lambda: reloader.config.audit.checkpoint_file
        await reloader.start()
        audit_watch = AuditWatch(services, audit_key, lambda: reloader.config.audit)
        auditing = asyncio.create_task(audit_watch.run(), name="audit")
        stack.callback(auditing.cancel)
        reloading = asyncio.create_task(reloader.run(EXAMINATION_INTERVAL_S), name="reload")
        stack.callback(reloading.cancel)
        password = None
        if demo:
            password = await demo_setup.ensure_demo_account(accounts, state)
            if not parent.again:
                await _start_demo_desktop(demo, catalogue, sessions, state)
        port = task.port
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
        parent.report(Started({**dataclasses.asdict(ready), "desktops": str(folders.desktops)}))
        tasks = {expiring, locking, examining, rotating, reloading, watching}
        tasks |= {reconciling, reviewing, following, auditing, asking, ending}
        if directory is not None:
            stack.callback(directory.close)
            watching_directory = asyncio.create_task(directory.run(), name="directory")
            stack.callback(watching_directory.cancel)
            tasks.add(watching_directory)
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
        raise Malfunction("The broker ended unexpectedly.", next_step="The log above says why.")


async def _open_directory(
    settings: Settings, store: Store, accounts: Accounts, passwords: Passwords, viewers: Viewers
) -> Directory | None:
    if settings.directory is None:
        await CachedPasswords(store, passwords, 0).delete_outdated()  # of a directory that was configured
        return None
    return open_directory(settings.directory, store, accounts, passwords, viewers.disconnect_person)


async def _close(sessions: Sessions, demo: Demo | None, parent: Parent) -> None:
    """Ends the desktops of a demo that was stopped. Others go on if they can, as after any failure."""
    await sessions.close(leave_running=demo is None or not parent.lives())


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
