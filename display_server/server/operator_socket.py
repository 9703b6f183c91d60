"""Carries out the requests that the operator's commands send to this server process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from display_server.broker.api import running_changes
from display_server.broker.api.desktop_endings import end_session
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.actor import Actor, operator_actor
from display_server.broker.audit.entry import Action, AuditEntry
from display_server.broker.orphans import Orphan
from display_server.broker.session_state import EndedBy
from display_server.broker.storage_failures import StorageError
from display_server.broker_link.unix_sockets import peer_uid
from display_server.errors import ConfigurationError, LightboxError
from display_server.server import policy_requests
from display_server.server.operator_requests import (
    LINE_MAX_BYTES,
    SOCKET_NAME,
    AccessChanged,
    AccessReviewed,
    AccountChanged,
    Answer,
    ChangePlace,
    ChangePool,
    DevicesChanged,
    Done,
    EndSession,
    ListOrphans,
    ListPlaces,
    ListPools,
    OrphanList,
    OrphanStatus,
    PlaceList,
    PlaceStatus,
    PoliciesChanged,
    PoolList,
    PoolStatus,
    RecomposePool,
    Refused,
    Request,
    SetPolicy,
    ShowPolicy,
)

log = structlog.get_logger(__name__)

#: A request has to arrive within this time, s.
REQUEST_TIMEOUT_S = 10.0


@asynccontextmanager
async def operator_socket(run_folder: Path, services: BrokerServices) -> AsyncIterator[None]:
    """Listens for requests until the block ends. The folder is private, and so is the socket."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await _answer(services, reader, writer)
            writer.write(msgspec.json.encode(answer) + b"\n")
            await writer.drain()
        except (OSError, TimeoutError) as error:
            log.info("request of an operator not answered", error=repr(error))
        except Exception:
            log.exception("request of an operator failed")
        finally:
            writer.close()

    path = run_folder / SOCKET_NAME
    server = await asyncio.start_unix_server(serve, path=str(path), limit=LINE_MAX_BYTES)
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


async def _answer(
    services: BrokerServices, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Answer:
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            # Read before anything is refused: a sender whose connection breaks does not get the answer.
            line = await reader.readuntil(b"\n")
        uid = peer_uid(writer.get_extra_info("socket"))
        if uid not in {0, os.geteuid()}:
            log.warning("request of another user refused", uid=uid)
            return Refused("Only the user who runs the server may do this.", "Run the command as that user.")
        request = msgspec.json.decode(line, type=Request)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, msgspec.MsgspecError):
        return Refused(
            "The server does not understand this request.",
            "Use the command `lightbox` of the version that the server runs.",
        )
    match request:
        case EndSession():
            return await end_for_operator(services, request)
        case ListOrphans():
            return await list_orphans(services)
        case AccountChanged():
            return await account_changed(services, request)
        case AccessChanged():
            log.info(f"access changed: {request.action}", operator=request.operator)
            reviewed = await services.access_watch.review()
            return AccessReviewed(reviewed.warned, reviewed.until_sign_out, reviewed.ended)
        case DevicesChanged():
            return await devices_changed(services, request)
        case ListPools():
            return list_pools(services)
        case ChangePool():
            return await change_pool(services, request)
        case RecomposePool():
            return await recompose_pool(services, request)
        case ListPlaces():
            return await list_places(services, request.pool)
        case ChangePlace():
            return await change_place(services, request)
        case SetPolicy():
            return await policy_requests.set_policy(services, request)
        case PoliciesChanged():
            return await policy_requests.policies_changed(services, request)
        case ShowPolicy():
            return await policy_requests.show_policy(services, request)


async def end_for_operator(services: BrokerServices, request: EndSession) -> Answer:
    """Ends one desktop in any state, also an orphan, and answers when its processes have ended."""
    session = services.sessions.by_id(request.session)
    if session is None:
        try:
            orphan = await services.orphans.end(request.session)
        except LightboxError as error:
            return Refused(error.cause, error.next_step)
        if orphan is not None:
            await _record_orphan(services, orphan, operator_actor(request.operator))
            return Done(ended=[orphan.desktop])
        return Refused(
            f"No desktop with the id {request.session!r} is running.",
            "To see the running ones, run `lightbox sessions`.",
        )
    log.info("desktop ended by an operator", session=session.id, operator=request.operator)
    end_session(services, session, EndedBy.OPERATOR, actor=operator_actor(request.operator))
    await session.stopped.wait()
    return Done(ended=[session.spec.desktop])


async def list_orphans(services: BrokerServices) -> Answer:
    """Lists desktops without a session, and sessions without a desktop."""
    try:
        found = await services.orphans.find()
    except LightboxError as error:
        return Refused(error.cause, error.next_step)
    return OrphanList([OrphanStatus(one.session, one.kind.value, one.owner, one.desktop) for one in found])


async def _record_orphan(services: BrokerServices, orphan: Orphan, actor: Actor) -> None:
    entry = AuditEntry(
        services.audit.now_s(),
        Action.DESKTOP_ENDED,
        account=actor.name,
        role=actor.role,
        object=f"desktop:{orphan.owner}/{orphan.desktop}",
        reason=f"session {orphan.session}, {orphan.kind.value}",
    )
    await services.audit.close(entry)


async def account_changed(services: BrokerServices, request: AccountChanged) -> Done:
    """Makes the change of an account effective for what is running."""
    log.info(f"account {request.action}", username=request.username, operator=request.operator)
    effects = await running_changes.account_changed(
        services,
        request.username,
        operator_actor(request.operator),
        disconnect=request.disconnect,
        end_desktops=request.end_desktops,
    )
    return Done(viewers=effects.viewers, ended=effects.ended, running=effects.running)


async def devices_changed(services: BrokerServices, request: DevicesChanged) -> Answer:
    """Disconnects the viewers of web sessions that have ended, and takes new keys into use."""
    log.info(f"devices: {request.action}", operator=request.operator)
    if request.new_keys:
        try:
            await asyncio.to_thread(services.devices.keys.read_again)
        except ConfigurationError as error:
            return Refused(error.cause, error.hint)
    viewers = sum(
        services.viewers.disconnect_web_session(bytes.fromhex(id_hash)) for id_hash in request.ended
    )
    services.access_watch.request()  # desktops that a removal ends at sign-out
    return Done(viewers=viewers)


def list_pools(services: BrokerServices) -> PoolList:
    """Describes the pools of the configuration."""
    now_s = services.web_sessions.now_s()
    return PoolList(
        pools=[
            PoolStatus(
                name=report.name,
                kind="dedicated" if report.dedicated else "floating",
                maximum=report.maximum,
                spare=report.spare,
                waiting=report.waiting,
                starting=report.starting,
                assigned=report.assigned,
                ending=report.ending,
                state="maintenance" if report.maintenance else report.breaker.state.value,
                error=report.breaker.error,
                retry_in_s=None if report.breaker.probe_s is None else max(0, report.breaker.probe_s - now_s),
                image_version=report.rollout.version,
                rollout=report.rollout.phase.value,
                target=report.rollout.target,
                canaries=report.canaries,
                former=report.former,
                rollout_error=report.rollout.error,
            )
            for report in services.pools.reports()
        ],
        people={
            session.id: session.username or ""
            for session in services.sessions.live()
            if session.place is not None
        },
    )


async def change_pool(services: BrokerServices, request: ChangePool) -> Answer:
    """Changes a pool and describes all of them."""
    try:
        await running_changes.change_pool(
            services, request.pool, request.change, operator_actor(request.operator)
        )
    except KeyError:
        return _no_pool(request.pool, "pool")
    except StorageError as error:
        return Refused(error.cause, error.next_step)
    return list_pools(services)


async def recompose_pool(services: BrokerServices, request: RecomposePool) -> Answer:
    """Changes a pool to another version of its image, or back, and describes all pools."""
    try:
        await running_changes.recompose_pool(
            services,
            request.pool,
            request.version,
            operator_actor(request.operator),
            percent=request.canary_percent,
            within_s=request.within_s,
        )
    except KeyError:
        return _no_pool(request.pool, "pool")
    except LightboxError as error:
        return Refused(error.cause, error.next_step)
    return list_pools(services)


async def list_places(services: BrokerServices, pool: str) -> Answer:
    """Describes whose the desktops of a dedicated pool are."""
    if not any(report.name == pool and report.dedicated for report in services.pools.reports()):
        return _no_pool(pool, "dedicated pool")
    try:
        found = await services.pools.dedicated.assignments.of_desktop(pool)
    except StorageError as error:
        return Refused(error.cause, error.next_step)
    return PlaceList([PlaceStatus(one.place, one.username, one.state.value, one.error) for one in found])


async def change_place(services: BrokerServices, request: ChangePlace) -> Answer:
    """Assigns or releases a desktop of a dedicated pool, and describes all of them."""
    actor = operator_actor(request.operator)
    try:
        await running_changes.change_assignment(
            services, request.pool, request.username, request.change, actor
        )
    except KeyError:
        return _no_pool(request.pool, "dedicated pool")
    except LightboxError as error:
        return Refused(error.cause, error.next_step)
    return await list_places(services, request.pool)


def _no_pool(name: str, kind: str) -> Refused:
    return Refused(f"No desktop named {name!r} is a {kind}.", "To see the pools, run `lightbox pools`.")
