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
from display_server.broker.audit.actor import operator_actor
from display_server.broker.session_state import EndedBy
from display_server.broker.storage_failures import StorageError
from display_server.broker_link.unix_sockets import peer_uid
from display_server.errors import ConfigurationError
from display_server.server.operator_requests import (
    LINE_MAX_BYTES,
    SOCKET_NAME,
    AccessChanged,
    AccessReviewed,
    AccountChanged,
    Answer,
    ChangePool,
    DevicesChanged,
    Done,
    EndSession,
    ListPools,
    PoolList,
    PoolStatus,
    Refused,
    Request,
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


async def end_for_operator(services: BrokerServices, request: EndSession) -> Answer:
    """Ends one desktop, and answers when its processes have ended."""
    session = services.sessions.by_id(request.session)
    if session is None:
        return Refused(
            f"No desktop with the id {request.session!r} is running.",
            "To see the running ones, run `lightbox sessions`.",
        )
    log.info("desktop ended by an operator", session=session.id, operator=request.operator)
    end_session(services, session, EndedBy.OPERATOR, actor=operator_actor(request.operator))
    await session.stopped.wait()
    return Done(ended=[session.spec.desktop])


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
    """Describes the floating pools of the configuration."""
    now_s = services.web_sessions.now_s()
    return PoolList(
        pools=[
            PoolStatus(
                name=report.name,
                maximum=report.maximum,
                spare=report.spare,
                waiting=report.waiting,
                starting=report.starting,
                assigned=report.assigned,
                ending=report.ending,
                state="maintenance" if report.maintenance else report.breaker.state.value,
                error=report.breaker.error,
                retry_in_s=None if report.breaker.probe_s is None else max(0, report.breaker.probe_s - now_s),
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
    """Changes a floating pool and describes all of them."""
    try:
        await running_changes.change_pool(
            services, request.pool, request.change, operator_actor(request.operator)
        )
    except KeyError:
        return Refused(
            f"No desktop named {request.pool!r} is a floating pool.",
            "To see the pools, run `lightbox pools`.",
        )
    except StorageError as error:
        return Refused(error.cause, error.next_step)
    return list_pools(services)
