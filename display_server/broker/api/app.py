"""The HTTP interface of the broker, to which gateways pass requests on."""

from __future__ import annotations

import secrets
import time
from typing import Literal

import structlog
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from display_server import __version__
from display_server.broker.api import desktop_endings, display_checks_api, health_api, messages_api
from display_server.broker.api.admin.all_routes import add_admin_routes
from display_server.broker.api.badge_api import add_badge_routes
from display_server.broker.api.break_glass_api import add_break_glass_routes
from display_server.broker.api.device_api import add_device_routes
from display_server.broker.api.downtime_api import add_downtime_route
from display_server.broker.api.error_answer import ERROR_RESPONSES
from display_server.broker.api.error_handlers import add_error_handlers
from display_server.broker.api.forwarded_requests import ForwardedRequests
from display_server.broker.api.messages_api import PersonMessage
from display_server.broker.api.metrics import collect_agent_metrics
from display_server.broker.api.oidc_api import add_oidc_routes
from display_server.broker.api.own_sign_in_api import add_own_sign_in_routes
from display_server.broker.api.pending_sign_in_api import add_pending_sign_in_routes
from display_server.broker.api.policy_checks import effective_for, may_end, refuse_network
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_api import CurrentUser, add_lock_routes, add_sign_in_routes
from display_server.broker.api.sign_in_audit import origin_of
from display_server.broker.catalogue import listings
from display_server.broker.one_desktop import OneDesktopError
from display_server.broker.one_person import OnePersonError
from display_server.broker.pools.definition import pool_of
from display_server.broker.pools.errors import PoolError
from display_server.broker.tables import Desktop
from display_server.broker_link.api_error import ApiError, screen_locked
from display_server.desktop.profiles.profile import Kind
from display_server.errors import DesktopError, PolicyError
from display_server.protocol.subprotocol import VIEWER_PATH

log = structlog.get_logger(__name__)


class DesktopEntry(BaseModel):
    """A desktop in the list.

    `titles` has the name that people see, by language. `state` is that of the person's session, or `off` if
    they have none, and `spare` if one of a floating pool waits. The page shows no entry whose kind is
    `unlisted`. `attached` desktops show an X display that goes on running when they end. Programs of a
    desktop that is not `isolated` reach other desktops and the host. `home` says whether files are kept: for
    good, until the person signs out, or until the desktop ends.
    """

    name: str
    titles: dict[str, str]
    profile: str
    kind: Kind
    state: str
    attached: bool
    isolated: bool
    home: Literal["kept", "until-sign-out", "until-end"]
    ends_in_s: float | None  # until it ends because nobody displays it; None if it does not


class ViewerTicket(BaseModel):
    """What a browser needs to open one viewer connection."""

    ticket: str
    websocket: str  # path of the WebSocket
    session: str


def build_app(services: BrokerServices) -> FastAPI:
    """Builds the application, with the administration. Its routes use `services` and nothing else."""
    app = build_people_app(services)
    add_admin_routes(app, services)
    return app


def build_people_app(services: BrokerServices) -> FastAPI:
    """Builds the application without the administration, whose many routes take most of the time."""
    app = FastAPI(
        title="Lightbox",
        version=__version__,
        docs_url=None,  # this page loads scripts from another host, which the content security policy forbids
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        responses=ERROR_RESPONSES,
    )
    app.add_middleware(ForwardedRequests)
    app.state.services = services
    add_error_handlers(app)
    add_sign_in_routes(app, services)
    add_pending_sign_in_routes(app, services)
    add_oidc_routes(app, services)
    add_lock_routes(app, services)
    add_own_sign_in_routes(app, services)
    add_downtime_route(app, services)
    add_device_routes(app, services)
    add_badge_routes(app, services)
    add_break_glass_routes(app, services)
    _add_desktop_routes(app, services)
    _add_operator_routes(app, services)
    return app


def _add_desktop_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/api/v1/desktops")
    async def list_desktops(user: CurrentUser) -> list[DesktopEntry]:
        desktops = await services.access_watch.listed(user.username)
        entries = []
        for desktop, listing in zip(desktops, listings(desktops), strict=True):
            state = services.sessions.state_of(user.username, desktop.name)
            session = services.sessions.running(user.username, desktop.name)
            spare = services.pools.has_spare(desktop.name)
            entries.append(
                DesktopEntry(
                    name=desktop.name,
                    titles=dict(listing.titles),
                    profile=desktop.profile,
                    kind=listing.kind,
                    state="spare" if session is None and spare else state.value if state else "off",
                    attached=desktop.attach is not None,
                    isolated=services.isolated,
                    home=_home_of(desktop),
                    ends_in_s=services.ends_in_s(session.id) if session else None,
                )
            )
        return entries

    @app.post("/api/v1/desktops/{name}/viewers", status_code=201)
    async def create_viewer(
        name: str, user: CurrentUser, request: Request, resume: str | None = None
    ) -> ViewerTicket:
        """`resume` is the session that a reconnecting viewer showed: no new one replaces it unnoticed."""
        if resume is not None:
            desktop_endings.refuse_ended(services, resume)
        origin = origin_of(request, user)
        await refuse_network(services, request, user.username, user=user, desktop=name)
        effective = await effective_for(services, request, user.username, user=user, desktop=name)
        several = bool(effective["several_desktops"])
        with services.metrics.desktop_open_s.time():
            try:
                async with services.one_desktop.opening(user.username, name, several=several):
                    session = await services.access_watch.session_for(user.username, name, origin=origin)
            except OneDesktopError as error:
                raise ApiError(409, "one-desktop", error.cause, next_step=error.next_step) from error
            except OnePersonError as error:
                raise ApiError(409, "one-person", error.cause, next_step=error.next_step) from error
            except PolicyError as error:
                raise ApiError(404, "no-desktop", error.cause, next_step=error.next_step) from error
            except PoolError as error:
                raise ApiError(503, error.code, error.cause, next_step=error.next_step) from error
            except DesktopError as error:
                raise ApiError(503, "desktop-failed", error.cause, next_step=error.next_step) from error
        own_limit_s = services.pools.unattended_limits_s().get(session.id)
        services.unattended.opened(session.id, services.monotonic_s(), own_limit_s)
        if not await services.lock_watch.may_display(user, session.id, origin=origin):
            raise screen_locked()
        ticket = services.tickets.issue(
            username=user.username,
            web_session=user.id_hash,
            session=session.id,
            desktop=session.spec.desktop,
            now_s=time.time(),
            address=origin.address or "",
        )
        return ViewerTicket(ticket=ticket, websocket=VIEWER_PATH, session=session.id)

    @app.post("/api/v1/desktops/{name}/display/restart", status_code=204)
    async def restart_display(name: str, user: CurrentUser) -> None:
        if not await services.sessions.restart_display(user.username, name):
            raise ApiError(
                404,
                "no-display",
                "This desktop does not run, so there is no display to restart.",
                next_step="Open the desktop again from the list.",
            )

    @app.post("/api/v1/desktops/{name}/end", status_code=204)
    async def end_desktop(name: str, user: CurrentUser, request: Request) -> None:
        if not await may_end(services, request, user, name):
            raise ApiError(
                403,
                "restart-not-allowed",
                "Your administrator does not let you end this desktop.",
                next_step="Close the window to leave it as it is, or ask your administrator to end it.",
            )
        desktop_endings.end_own_desktop(services, user, name)

    @app.get("/api/v1/messages")
    async def list_messages(user: CurrentUser) -> list[PersonMessage]:
        """Says what the person should know at the moment. The page asks regularly."""
        return await messages_api.messages_for(services, user)

    @app.post("/api/v1/checks", status_code=201)
    async def store_display_check(request: Request, user: CurrentUser) -> Response:
        return await display_checks_api.store_check(services, request, user)

    @app.get("/api/v1/checks")
    async def list_display_checks(user: CurrentUser) -> Response:
        return await display_checks_api.list_own_checks(services, user)


def _add_operator_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if not _has_metrics_token(request, services.metrics_token):
            raise ApiError(
                401,
                "no-metrics-token",
                "The metrics are available only with the token of this server.",
                next_step="Send the header `Authorization: Bearer TOKEN`. The token is in the file "
                "`metrics-token` of the state folder, or in the one that the configuration names.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        text = services.metrics.text() + await collect_agent_metrics(services.agents())
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return await health_api.health(services)

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        return await health_api.readiness(services)


def _home_of(desktop: Desktop) -> Literal["kept", "until-sign-out", "until-end"]:
    pool = pool_of(desktop)
    if pool is None or pool.keeps_home:
        return "kept"
    return "until-sign-out" if pool.ends_at_sign_out else "until-end"


def _has_metrics_token(request: Request, token: str) -> bool:
    """Returns whether the request carries the token. Its address says nothing: desktops run on this host."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), token.encode())
