"""Ends emergency access on time: the screens that show the desktop are locked, and say why."""

from __future__ import annotations

import asyncio

import structlog

from display_server.broker.api.services import BrokerServices
from display_server.broker.break_glass.break_glass import EmergencyAccess
from display_server.broker.screen_lock import LockEvent
from display_server.broker.storage_failures import StorageError

log = structlog.get_logger(__name__)

#: Interval between two looks, s. A screen is locked at most so much later.
INTERVAL_S = 2.0


async def watch_break_glass(services: BrokerServices) -> None:
    """Runs until it is cancelled."""
    while True:
        await asyncio.sleep(INTERVAL_S)
        try:
            await end_due_access(services)
        except Exception:
            log.exception("emergency access not ended; nobody opens a desktop with one that is over")


async def end_due_access(services: BrokerServices) -> None:
    """Ends what is over. Without the database, screens are locked all the same."""
    try:
        ended = await services.break_glass.end_due()
    except StorageError:
        now_s = services.web_sessions.now_s()
        ended = [one for one in services.break_glass.known if one.until_s <= now_s]
    for one in ended:
        await lock_screens(services, one)
    if ended:
        services.access_watch.request()  # the desktop ends as after any removal


async def lock_screens(services: BrokerServices, access: EmergencyAccess) -> None:
    """Locks the screens of a person that display the desktop."""
    displaying = set()
    for viewer in services.viewers.open:
        session = services.sessions.by_id(viewer.session)
        desktop = session.spec.desktop if session is not None else None
        if (viewer.username, desktop) == (access.username, access.desktop):
            displaying.add(bytes.fromhex(viewer.web_session))
    for id_hash in displaying:
        await services.lock_watch.lock(id_hash, LockEvent.EMERGENCY_OVER)
