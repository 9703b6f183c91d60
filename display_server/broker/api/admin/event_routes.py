"""Server-sent events: overview, sessions and pools, whenever they have changed.

The broker's own events say that something changed. What is sent then is what the routes of the same names
answer, computed once for all listeners with the same rights.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse

from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import ActingNow, authorised
from display_server.broker.api.admin.event_hub import EventHub, Listener, Topic
from display_server.broker.api.admin.overview_routes import overview
from display_server.broker.api.admin.paging import LIMIT_DEFAULT, Listed, PageOf
from display_server.broker.api.admin.pool_routes import PoolEntry, visible_pools
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.admin.session_routes import session_page
from display_server.broker.api.services import BrokerServices
from display_server.broker.storage_failures import StorageError
from display_server.broker_link.api_error import ApiError

log = structlog.get_logger(__name__)

#: Shortest interval between two events of a topic, s.
INTERVAL_S = 1.0
#: Without a change, the overview is looked at again after this time, s, because the load of the host changes
#: without an event. Whether the listener may still listen is looked at as often.
HEARTBEAT_S = 10.0
#: A browser reconnects after this time, ms.
RETRY_MS = 3000


def add_event_routes(admin: AdminRoutes) -> None:
    services, hub = admin.services, EventHub()
    feed = _Feed(services, hub)
    services.sessions.changed.connect(lambda: hub.changed(Topic.OVERVIEW, Topic.SESSIONS, Topic.POOLS))
    services.viewers.changed.connect(lambda: hub.changed(Topic.OVERVIEW, Topic.SESSIONS))
    services.pools.changed.connect(lambda: hub.changed(Topic.OVERVIEW, Topic.POOLS))

    @admin.route("GET", "events")
    async def events(request: Request, acting: ActingNow) -> StreamingResponse:
        """Sends `overview`, `sessions` (their first page) and `pools` at first, and whenever they changed.

        The stream ends when the person signs out, their screen is locked, or their role is taken away.
        """
        listener = hub.join(acting.token.audit_name if acting.token is not None else acting.username)
        if listener is None:
            raise ApiError(
                429,
                "too-many-connections",
                "Too many pages or programs listen to changes.",
                next_step="Close some of them, then try again.",
            )
        return StreamingResponse(
            _stream(request, acting, feed, listener),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},  # reverse proxies would collect the events
        )


class _Feed:
    """Renders topics, each once per change for all listeners with the same rights."""

    def __init__(self, services: BrokerServices, hub: EventHub) -> None:
        self._services = services
        self.hub = hub
        self._rendered: dict[tuple[object, ...], str] = {}
        self._period: tuple[int, int] = (0, 0)

    async def render(self, topic: Topic, acting: Acting) -> str:
        """Returns the JSON of a topic. Raises StorageError."""
        period = self.hub.generation, int(time.monotonic())
        if period != self._period:
            self._period, self._rendered = period, {}
        limits = acting.limits
        own = "" if limits is not None and limits.everything else acting.username
        key = topic, limits, own, acting.roles
        if key not in self._rendered:
            self._rendered[key] = await self._render(topic, acting)
        return self._rendered[key]

    async def _render(self, topic: Topic, acting: Acting) -> str:
        services = self._services
        if topic is Topic.OVERVIEW:
            return (await overview(services, acting)).model_dump_json()
        if topic is Topic.SESSIONS:
            page = PageOf(q="", limit=LIMIT_DEFAULT, after=None)
            return (await session_page(services, acting, page)).model_dump_json()
        pools = await visible_pools(services, acting)
        return Listed[PoolEntry](items=pools, next=None, total=len(pools)).model_dump_json()


async def _stream(request: Request, acting: Acting, feed: _Feed, listener: Listener) -> AsyncIterator[str]:
    """Yields events until the listener may no longer listen, or has gone."""
    sent: dict[Topic, str] = {}
    checked_s = time.monotonic()
    try:
        yield f"retry: {RETRY_MS}\n\n"
        while True:
            topics = await listener.changes(HEARTBEAT_S)
            if time.monotonic() - checked_s >= HEARTBEAT_S:
                acting = await authorised(acting.route)(request)
                checked_s = time.monotonic()
                topics = [Topic.OVERVIEW, *(topic for topic in topics if topic is not Topic.OVERVIEW)]
            quiet = True
            for topic in topics:
                content = await feed.render(topic, acting)
                if content != sent.get(topic):
                    sent[topic] = content
                    quiet = False
                    yield f"event: {topic.value}\ndata: {content}\n\n"
            if quiet:
                yield ": alive\n\n"
            await asyncio.sleep(INTERVAL_S)
    except ApiError as error:
        log.info("listener ended", name=listener.name, code=error.code)
    except StorageError:
        log.info("listener ended", name=listener.name, code="store-failed")  # it reconnects
    finally:
        feed.hub.leave(listener)
