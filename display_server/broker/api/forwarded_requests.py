"""The middleware that takes from the gateway who sent a request, and answers unexpected exceptions."""

from __future__ import annotations

import msgspec
import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from display_server.broker_link.api_error import ApiError
from display_server.broker_link.forwarded import COOKIE_SCOPE, FORWARDED_HEADER, ORIGIN, Forwarded

log = structlog.get_logger(__name__)

#: The answer after an unexpected exception.
_FAILED = ApiError(
    500,
    "internal",
    "An unexpected error occurred in the server.",
    next_step="Try again. If it happens again, tell your administrator: the log has the details.",
)


class ForwardedRequests:
    """ASGI middleware. It puts the address of the client, and the CookieScope of its browser, into the scope.

    Requests without the gateway's header are refused: nobody but a gateway has a reason to send one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        values = [value for name, value in scope["headers"] if name == FORWARDED_HEADER]
        try:
            forwarded = Forwarded.decode(values[0] if len(values) == 1 else b"")
        except msgspec.MsgspecError as error:
            log.warning("request without the header of a gateway refused", error=str(error))
            await send({"type": "http.response.start", "status": 400, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        admitted = {
            **scope,
            "client": (forwarded.address, 0),
            COOKIE_SCOPE: forwarded.cookies,
            ORIGIN: forwarded.origin,
        }
        try:
            await self._app(admitted, receive, send_noting)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await Response(_FAILED.body(), _FAILED.status, media_type="application/json")(
                admitted, receive, send
            )
