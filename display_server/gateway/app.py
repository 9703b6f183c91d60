"""The door's HTTP interface."""

from __future__ import annotations

import math
import time
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from display_server import __version__
from display_server.broker.passwords import Busy
from display_server.broker.web_sessions import SignedIn
from display_server.errors import DesktopError, PolicyError
from display_server.gateway import display_checks_api
from display_server.gateway.request_guard import Guard
from display_server.gateway.hosts import is_loopback
from display_server.gateway.metrics import agents_text
from display_server.gateway.api_error import Refusal, signed_out
from display_server.gateway.relay import COOKIE
from display_server.gateway.services import GatewayServices

log = structlog.get_logger(__name__)


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: Annotated[str, Field(min_length=1, max_length=4096)]


class Person(BaseModel):
    username: str
    display_name: str


class DesktopEntry(BaseModel):
    """`state`: `off` when the person has no session on it, else the session's."""

    name: str
    title: str
    profile: str
    state: str


class ViewerPass(BaseModel):
    ticket: str
    websocket: str
    session: str


async def signed_in(request: Request) -> SignedIn:
    """Who asks. Raises Refusal when nobody is signed in."""
    door: GatewayServices = request.app.state.door
    person = await door.web_sessions.find(request.cookies.get(COOKIE, ""))
    if person is None:
        raise signed_out()
    return person


Signed = Annotated[SignedIn, Depends(signed_in)]


def build(door: GatewayServices, *, strict_transport: bool) -> FastAPI:
    """The application; its routes use `door` and nothing else."""
    app = FastAPI(
        title="Lightbox",
        version=__version__,
        docs_url=None,  # its page needs scripts from elsewhere, which the content security policy forbids
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.add_middleware(Guard, names=door.names, strict_transport=strict_transport)
    app.state.door = door
    _answer_errors(app)

    @app.post("/api/v1/sign-in")
    async def sign_in(body: SignIn, request: Request, response: Response) -> Person:
        address = request.client.host if request.client else ""
        username = body.username.strip().lower()
        wait = door.limit.begin(username, address, door.monotonic_s())
        if wait > 0:
            door.metrics.sign_ins.labels("limited").inc()
            seconds = math.ceil(wait)
            raise Refusal(
                429,
                "slow-down",
                f"Too many attempts. Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        try:
            account = await door.accounts.verify(username, body.password)
        except Busy as error:
            door.limit.withdrawn(username, address)
            door.metrics.sign_ins.labels("busy").inc()
            raise Refusal(503, "busy", str(error), headers={"Retry-After": "3"}) from error
        if account is None:
            door.metrics.sign_ins.labels("wrong").inc()
            log.warning("sign-in refused", username=username, address=address)
            raise Refusal(401, "wrong-credentials", "User name or password is wrong.")
        door.limit.succeeded(username, address)
        door.metrics.sign_ins.labels("right").inc()
        earlier = await door.web_sessions.find(request.cookies.get(COOKIE, ""))
        if earlier is not None:
            await door.web_sessions.end(earlier.id_hash)
            door.relays.drop(earlier.id_hash)
        secret = await door.web_sessions.begin(account)
        # No Max-Age: on a shared workstation closing the browser signs out.
        response.set_cookie(COOKIE, secret, path="/", secure=True, httponly=True, samesite="strict")
        log.info("signed in", username=account.username, address=address)
        return Person(username=account.username, display_name=account.display_name)

    @app.post("/api/v1/sign-out", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        person = await door.web_sessions.find(request.cookies.get(COOKIE, ""))
        if person is not None:
            await door.web_sessions.end(person.id_hash)
            door.relays.drop(person.id_hash)
            log.info("signed out", username=person.username)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")

    @app.get("/api/v1/me")
    async def me(person: Signed) -> Person:
        return Person(username=person.username, display_name=person.display_name)

    @app.get("/api/v1/desktops")
    async def desktops(person: Signed) -> list[DesktopEntry]:
        entries = []
        for desktop in await door.catalogue.allowed(person.username):
            state = door.sessions.state_of(person.username, desktop.name)
            entries.append(
                DesktopEntry(
                    name=desktop.name,
                    title=desktop.title,
                    profile=desktop.profile,
                    state=state.value if state else "off",
                )
            )
        return entries

    @app.post("/api/v1/desktops/{name}/viewers", status_code=201)
    async def viewers(name: str, person: Signed) -> ViewerPass:
        try:
            desktop = await door.catalogue.find(person.username, name)
        except PolicyError as error:
            raise Refusal(404, "no-desktop", str(error)) from error
        with door.metrics.desktop_open_s.time():
            try:
                session = await door.sessions.open(person.username, desktop)
            except DesktopError as error:
                raise Refusal(503, "desktop-failed", str(error)) from error
        ticket = door.tickets.issue(
            username=person.username,
            web_session=person.id_hash,
            session=session.id,
            desktop=desktop.name,
            now_s=time.time(),
        )
        return ViewerPass(ticket=ticket, websocket="/viewer", session=session.id)

    @app.post("/api/v1/checks", status_code=201)
    async def store_check(request: Request, person: Signed) -> Response:
        return await display_checks_api.store(door, request, person)

    @app.get("/api/v1/checks")
    async def own_checks(person: Signed) -> Response:
        return await display_checks_api.own(door, person)

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if not _from_this_host(request):
            raise Refusal(403, "loopback-only", "Metrics are given to this host only.")
        text = door.metrics.text() + await agents_text(door.agents())
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ca.crt", include_in_schema=False)
    async def root_certificate() -> Response:
        if door.root_pem is None:
            raise Refusal(
                404, "no-authority", "This server has a certificate of its own; nothing is to be installed."
            )
        return Response(
            door.root_pem,
            media_type="application/x-x509-ca-cert",
            headers={"content-disposition": 'attachment; filename="lightbox-ca.crt"'},
        )

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return door.client.page(request)

    @app.get("/desktop/{name}", include_in_schema=False)
    async def desktop_page(name: str, request: Request) -> Response:  # noqa: ARG001 - in the path
        return door.client.page(request)

    @app.get("/check/{name}", include_in_schema=False)
    async def check_page(name: str, request: Request) -> Response:  # noqa: ARG001 - in the path
        return door.client.page(request)

    @app.get("/{path:path}", include_in_schema=False)
    async def asset(path: str, request: Request) -> Response:
        if path not in door.client:
            raise Refusal(404, "not-found", "There is nothing at this address.")
        return door.client.file(path, request)

    return app


def _answer_errors(app: FastAPI) -> None:
    """Every error has the form of `Refusal`."""

    def as_json(refusal: Refusal) -> Response:
        return Response(
            refusal.body(), status_code=refusal.status, headers=refusal.headers, media_type="application/json"
        )

    @app.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> Response:
        return as_json(refusal)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> Response:
        code = {404: "not-found", 405: "wrong-method"}.get(error.status_code, "bad-request")
        return as_json(Refusal(error.status_code, code, str(error.detail), headers=error.headers))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> Response:
        # Only where and what: the value itself may be a password.
        found = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'][1:]) or 'body'}: {problem['msg']}"
            for problem in error.errors()[:5]
        )
        return as_json(Refusal(422, "malformed", f"The request is malformed. {found}"))

    @app.exception_handler(SQLAlchemyError)
    async def store_failed(_request: Request, error: SQLAlchemyError) -> Response:
        log.error("store failed", error=str(getattr(error, "orig", None) or type(error).__name__))
        return as_json(
            Refusal(
                503,
                "store-failed",
                "Lightbox cannot reach its database at this moment. Nothing is lost; try again shortly.",
                headers={"Retry-After": "5"},
            )
        )


def _from_this_host(request: Request) -> bool:
    """By loopback, or from the very address that it was sent to, where a door listens on one alone."""
    client, server = request.client, request.scope.get("server")
    if client is None:
        return False
    return is_loopback(client.host) or (server is not None and client.host == server[0])
