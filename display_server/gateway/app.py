"""The HTTP interface of the gateway."""

from __future__ import annotations

import math
import secrets
import time
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from display_server import __version__
from display_server.broker.catalogue import listings
from display_server.broker.passwords import TooManySignIns
from display_server.broker.storage_failures import StorageError
from display_server.broker.web_sessions import SignedInUser
from display_server.desktop.profiles.profile import Kind
from display_server.errors import DesktopError, PolicyError
from display_server.gateway import desktop_endings, display_checks_api, health_api
from display_server.gateway.api_error import ApiError, screen_locked
from display_server.gateway.error_handlers import add_error_handlers
from display_server.gateway.metrics import collect_agent_metrics
from display_server.gateway.relay import COOKIE
from display_server.gateway.request_guard import RequestGuard, accepts_html
from display_server.gateway.services import GatewayServices
from display_server.protocol.subprotocol import VIEWER_PATH

log = structlog.get_logger(__name__)


class SignInRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: Annotated[str, Field(min_length=1, max_length=4096)]


class UserInfo(BaseModel):
    username: str
    attached: bool
    ends_in_s: float | None  # until it ends because nobody displays it; None if it does not
    display_name: str


class DesktopEntry(BaseModel):
    """A desktop in the list.

    `titles` has the name that people see, by language. `state` is that of the person's session, or `off` if
    they have none. The page shows no entry whose kind is `unlisted`. `attached` desktops show an X display
    that goes on running when they end.
    """

    name: str
    titles: dict[str, str]
    profile: str
    kind: Kind
    state: str


class ViewerTicket(BaseModel):
    """What a browser needs to open one viewer connection."""

    ticket: str
    websocket: str  # path of the WebSocket
    session: str


async def current_user(request: Request) -> SignedInUser:
    """Returns the person whom the request comes from. Raises ApiError when nobody is signed in."""
    services: GatewayServices = request.app.state.services
    user = await services.web_sessions.find(request.cookies.get(COOKIE, ""))
    if user is None:
        raise not_signed_in()
    return user


CurrentUser = Annotated[SignedInUser, Depends(current_user)]


def build_app(services: GatewayServices) -> FastAPI:
    """Builds the application. Its routes use `services` and nothing else."""
    app = FastAPI(
            session = services.sessions.running(user.username, desktop.name)
        title="Lightbox",
        version=__version__,
        docs_url=None,  # this page loads scripts from another host, which the content security policy forbids
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.add_middleware(
                    attached=desktop.attach is not None,
                    ends_in_s=services.ends_in_s(session.id) if session else None,
        RequestGuard,
        access=lambda: services.access,
        strict_transport=lambda: services.root_pem is None,
    )
    app.state.services = services
    add_error_handlers(app)
    _add_sign_in_routes(app, services)
    _add_desktop_routes(app, services)
    _add_operator_routes(app, services)
    _add_client_routes(app, services)  # the last: it has a route for every path
    return app


def _add_sign_in_routes(app: FastAPI, services: GatewayServices) -> None:
    @app.post("/api/v1/sign-in")
    async def sign_in(body: SignInRequest, request: Request, response: Response) -> UserInfo:
        address = request.client.host if request.client else ""
        username = body.username.strip().lower()
        services.unattended.opened(session.id, services.monotonic_s())
        if not await services.lock_watch.may_display(user, session.id):
            raise screen_locked()
        wait = services.sign_in_limiter.begin_attempt(username, address, services.monotonic_s())
        if wait > 0:
            services.metrics.sign_ins.labels("limited").inc()
            seconds = math.ceil(wait)
            raise ApiError(
                429,
                "slow-down",
                "Too many attempts to sign in have failed.",
                next_step=f"Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        try:
            account = await services.accounts.verify(username, body.password)
        except TooManySignIns as error:
            services.sign_in_limiter.cancel_attempt(username, address)
            services.metrics.sign_ins.labels("busy").inc()
            raise ApiError(
                503, "busy", error.cause, next_step=error.next_step, headers={"Retry-After": "3"}
            ) from error
    @app.post("/api/v1/desktops/{name}/end", status_code=204)
    async def end_desktop(name: str, user: CurrentUser) -> None:
        desktop_endings.end_own_desktop(services, user, name)

        except StorageError:
            services.sign_in_limiter.cancel_attempt(username, address)
            raise
        if account is None:
            services.metrics.sign_ins.labels("wrong").inc()
            log.warning("sign-in refused", username=username, address=address)
            raise ApiError(
                401,
                "wrong-credentials",
                "The username or the password is wrong.",
                next_step="Check both and try again. Your administrator can set a new password.",
            )
        services.sign_in_limiter.record_success(username, address)
        services.metrics.sign_ins.labels("right").inc()
        previous = await services.web_sessions.find(request.cookies.get(COOKIE, ""))
        if previous is not None:
            await services.web_sessions.delete(previous.id_hash)
            services.relays.disconnect(previous.id_hash)
        secret = await services.web_sessions.create(account)
        # The cookie has no Max-Age, so that closing the browser signs out on a shared workstation.
        response.set_cookie(COOKIE, secret, path="/", secure=True, httponly=True, samesite="strict")
        log.info("signed in", username=account.username, address=address)
        return UserInfo(username=account.username, display_name=account.display_name)

    @app.post("/api/v1/sign-out", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        user = await services.web_sessions.find(request.cookies.get(COOKIE, ""))
        if user is not None:
            await services.web_sessions.delete(user.id_hash)
            services.relays.disconnect(user.id_hash)
            log.info("signed out", username=user.username)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")

    @app.get("/api/v1/me")
    async def me(user: CurrentUser) -> UserInfo:
        return UserInfo(username=user.username, display_name=user.display_name)


def _add_desktop_routes(app: FastAPI, services: GatewayServices) -> None:
    @app.get("/api/v1/desktops")
    async def list_desktops(user: CurrentUser) -> list[DesktopEntry]:
        desktops = await services.catalogue.list_allowed(user.username)
        entries = []
        for desktop, listing in zip(desktops, listings(desktops), strict=True):
            state = services.sessions.state_of(user.username, desktop.name)
            entries.append(
                DesktopEntry(
                    name=desktop.name,
                    titles=dict(listing.titles),
                    profile=desktop.profile,
                    kind=listing.kind,
                    state=state.value if state else "off",
                )
            )
        return entries

    @app.post("/api/v1/desktops/{name}/viewers", status_code=201)
    async def create_viewer(name: str, user: CurrentUser, resume: str | None = None) -> ViewerTicket:
        """`resume` is the session that a reconnecting viewer showed: no new one replaces it unnoticed."""
        try:
            desktop = await services.catalogue.find(user.username, name)
        except PolicyError as error:
            raise ApiError(404, "no-desktop", error.cause, next_step=error.next_step) from error
        if resume is not None:
            desktop_endings.refuse_ended(services, resume)
        with services.metrics.desktop_open_s.time():
            try:
                session = await services.sessions.open(user.username, desktop)
            except DesktopError as error:
                raise ApiError(503, "desktop-failed", error.cause, next_step=error.next_step) from error
        ticket = services.tickets.issue(
            username=user.username,
            web_session=user.id_hash,
            session=session.id,
            desktop=desktop.name,
            now_s=time.time(),
        )
        return ViewerTicket(ticket=ticket, websocket=VIEWER_PATH, session=session.id)

    @app.post("/api/v1/desktops/{name}/display/restart", status_code=204)
    async def restart_display(name: str, user: CurrentUser) -> None:
        if not services.sessions.restart_display(user.username, name):
            raise ApiError(
                404,
                "no-display",
                "This desktop does not run, so there is no display to restart.",
                next_step="Open the desktop again from the list.",
            )

    @app.post("/api/v1/checks", status_code=201)
    async def store_display_check(request: Request, user: CurrentUser) -> Response:
        return await display_checks_api.store_check(services, request, user)

    @app.get("/api/v1/checks")
    async def list_display_checks(user: CurrentUser) -> Response:
        return await display_checks_api.list_own_checks(services, user)


def _add_operator_routes(app: FastAPI, services: GatewayServices) -> None:
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

    @app.get("/ca.crt", include_in_schema=False)
    async def root_certificate() -> Response:
        if services.root_pem is None:
            raise ApiError(
                404,
                "no-authority",
                "This server uses a certificate of its operator, so there is no root certificate to install.",
                next_step="If your browser warns, tell your administrator.",
            )
        return Response(
            services.root_pem,
            media_type="application/x-x509-ca-cert",
            headers={"content-disposition": 'attachment; filename="lightbox-ca.crt"'},
        )


def _add_client_routes(app: FastAPI, services: GatewayServices) -> None:
    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return services.client.page(request)

    @app.get("/desktop/{name}", include_in_schema=False)
    async def desktop_page(name: str, request: Request) -> Response:  # noqa: ARG001 - the page reads its URL
        return services.client.page(request)

    @app.get("/check/{name}", include_in_schema=False)
    async def check_page(name: str, request: Request) -> Response:  # noqa: ARG001 - the page reads its URL
        return services.client.page(request)

    @app.get("/{path:path}", include_in_schema=False)
    async def asset(path: str, request: Request) -> Response:
        if path in services.client:
            return services.client.file(path, request)
        if accepts_html(request.scope) and not path.startswith(("api/", "assets/")):
            return services.client.not_found_page(request)
        raise ApiError(
            404,
            "not-found",
            "There is nothing at this address.",
            next_step="Check the address, or begin at the start page of this server.",
        )


def _has_metrics_token(request: Request, token: str) -> bool:
    """Returns whether the request carries the token. Its address says nothing: desktops run on this host."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), token.encode())
