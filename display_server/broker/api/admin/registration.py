"""Registers the routes of the administration API, each with its entry in the table."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import authorised
from display_server.broker.api.admin.errors import NotAllowedError, refused
from display_server.broker.api.admin.routes import BY_ADDRESS, ROUTES, Route
from display_server.broker.api.error_answer import ErrorAnswer
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.entry import Action, AuditEntry, Outcome
from display_server.broker_link.admin_paths import ADMIN_PREFIX
from display_server.errors import ConfigurationError, Malfunction

log = structlog.get_logger(__name__)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


#: The answers that every route may give, for the OpenAPI document.
_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorAnswer, "description": "Nobody is signed in, or the token is not valid."},
    403: {"model": ErrorAnswer, "description": "Roles or token do not allow this."},
    404: {"model": ErrorAnswer, "description": "There is no such object within the scope of the role."},
    409: {"model": ErrorAnswer, "description": "What was asked for cannot be done."},
    422: {"model": ErrorAnswer, "description": "The request is malformed."},
    423: {"model": ErrorAnswer, "description": "The screen of this browser is locked."},
    429: {"model": ErrorAnswer, "description": "There are too many of these at a time."},
    503: {
        "model": ErrorAnswer,
        "description": "The database, or the part that was asked, cannot answer now.",
    },
}


class _AdminRoute(APIRoute):
    """A route whose endpoint may raise ConfigurationError, and whose refused acts are recorded."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_admin(request: Request) -> Response:
            try:
                return await handle(request)
            except ConfigurationError as error:
                raise refused(error.cause, error.hint) from error
            except NotAllowedError as error:
                await _record_refusal(request, error)
                raise

        return handle_admin


class AdminRoutes:
    """The routes of the administration API, while they are registered."""

    def __init__(self, services: BrokerServices) -> None:
        self.services = services
        self._router = APIRouter(prefix=ADMIN_PREFIX, route_class=_AdminRoute, tags=["administration"])
        self._registered: set[Route] = set()

    def route(self, method: str, path: str, *, status: int = 200) -> Callable[[Endpoint], Endpoint]:
        """Registers the decorated function for a route of the table. Raises Malfunction if it has none."""
        route = BY_ADDRESS.get((method, path))
        if route is None or route in self._registered:
            raise Malfunction(
                f"{method} {path} is not in the table of the administration API, or is registered twice.",
                next_step="Add it to the table once, with its scope and its act.",
            )
        self._registered.add(route)

        def register(endpoint: Endpoint) -> Endpoint:
            self._router.add_api_route(
                f"/{path}",
                endpoint,
                methods=[method],
                status_code=status,
                dependencies=[Depends(authorised(route)), Depends(HTTPBearer(auto_error=False))],
                responses=_ERRORS,
                openapi_extra={
                    "x-lightbox-scope": route.scope.value if route.scope else None,
                    "x-lightbox-roles": sorted(role.value for role in route.roles),
                },
            )
            return endpoint

        return register

    def add_to(self, app: FastAPI) -> None:
        """Opens the routes. Raises Malfunction when one of the table is missing."""
        missing = [str(route) for route in ROUTES if route not in self._registered]
        if missing:
            raise Malfunction(
                f"Routes of the administration API are missing: {', '.join(missing)}.",
                next_step="Register them, or take them out of the table.",
            )
        app.include_router(self._router)


async def _record_refusal(request: Request, error: NotAllowedError) -> None:
    """Records that somebody tried an act that their role does not allow."""
    acting: Acting = request.state.acting
    if not acting.route.changes:
        return
    services: BrokerServices = request.app.state.services
    token = acting.token
    entry = AuditEntry(
        services.audit.now_s(),
        Action.ADMINISTRATION_REFUSED,
        Outcome.REFUSED,
        account=token.audit_name if token is not None else acting.username,
        address=acting.origin.address,
        device=acting.origin.device,
        object=f"api:{request.url.path.removeprefix(ADMIN_PREFIX)}",
        reason=f"{acting.route}: {error.cause}",
    )
    await services.audit.close(entry)
    log.warning(
        "act of administration refused", account=entry.account, path=request.url.path, code=error.code
    )
