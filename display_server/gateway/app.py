"""The gateway's own routes: the static client and its certificate. All other requests go to the broker."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from display_server import __version__
from display_server.broker_link.admin_paths import EVENTS_PATH
from display_server.broker_link.api_error import ApiError
from display_server.broker_link.forwarded import COOKIE_SCOPE, FORWARDED_HEADER, ORIGIN, Forwarded
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.broker_http import BrokerAnswer, BrokerHttp
from display_server.gateway.broker_presence import BrokerAway
from display_server.gateway.metrics import GatewayMetrics
from display_server.gateway.request_guard import accepts_html
from display_server.gateway.static_client import StaticClient

#: After this time a client may try again when the broker cannot be reached, s.
RETRY_AFTER_S = 3
HEALTH_PATHS, METRICS_PATH = {"/healthz", "/readyz"}, "/metrics"


class GatewayApp:
    """ASGI application behind the RequestGuard, which answers every ApiError."""

    def __init__(
        self, settings: ActiveSettings, client: StaticClient, broker: BrokerHttp, metrics: GatewayMetrics
    ) -> None:
        self._settings = settings
        self._client = client
        self._broker = broker
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == EVENTS_PATH and scope["method"] == "GET":
            response = await self._events_from_broker(scope, receive)
        elif path in {*HEALTH_PATHS, METRICS_PATH} or path.startswith("/api/"):
            response = await self._from_broker(scope, receive)
        elif scope["method"] != "GET":
            raise ApiError(
                405,
                "wrong-method",
                "This address does not accept this method.",
                next_step="Use one of the methods in the header `Allow`.",
                headers={"Allow": "GET"},
            )
        else:
            response = self._own(path, Request(scope))
        await response(scope, receive, send)

    async def _from_broker(self, scope: Scope, receive: Receive) -> Response:
        """Passes a request on. Raises ApiError when the broker cannot be reached."""
        message: Message = await receive()  # the guard has read the whole body
        try:
            answer = await self._broker.request(
                scope["method"], _target(scope), _headers(scope), message.get("body", b"")
            )
        except BrokerAway as error:
            if scope["path"] in HEALTH_PATHS:
                return _unhealthy(error)
            raise _broker_away(error) from error
        if scope["path"] == METRICS_PATH and answer.status == 200:
            answer.body += self._metrics.text()
        return _response(answer)

    async def _events_from_broker(self, scope: Scope, receive: Receive) -> Response:
        """Does the same for a request whose answer does not end by itself."""
        await receive()  # the guard has read the whole body
        try:
            stream = await self._broker.stream(_target(scope), _headers(scope))
        except BrokerAway as error:
            raise _broker_away(error) from error
        response = StreamingResponse(stream.pieces(), status_code=stream.answer.status)
        response.raw_headers = [*stream.answer.headers]
        return response

    def _own(self, path: str, request: Request) -> Response:
        """Answers a request that needs no broker. Raises ApiError."""
        name = path.removeprefix("/")
        folder, _, below = name.partition("/")
        own_page = not name or name in {"my-sign-in", "enrol"} or folder == "admin"
        if own_page or (folder in {"desktop", "check", "oidc"} and below and "/" not in below):
            return self._client.page(request)
        if name == "ca.crt":
            return self._root_certificate()
        if name in self._client:
            return self._client.file(name, request)
        if accepts_html(request.scope) and folder not in {"api", "assets"}:
            return self._client.not_found_page(request)
        raise ApiError(
            404,
            "not-found",
            "There is nothing at this address.",
            next_step="Check the address, or begin at the start page of this server.",
        )

    def _root_certificate(self) -> Response:
        if self._settings.root_pem is None:
            raise ApiError(
                404,
                "no-authority",
                "This server uses a certificate of its operator, so there is no root certificate to install.",
                next_step="If your browser warns, tell your administrator.",
            )
        return Response(
            self._settings.root_pem,
            media_type="application/x-x509-ca-cert",
            headers={"content-disposition": 'attachment; filename="lightbox-ca.crt"'},
        )


def _target(scope: Scope) -> bytes:
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    target: bytes = scope["raw_path"] + query
    return target


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Returns the headers of a request, and the one that only a gateway may send."""
    address = scope["client"][0] if scope["client"] else ""
    forwarded = Forwarded(address, scope[COOKIE_SCOPE], scope[ORIGIN])
    headers = [header for header in scope["headers"] if header[0] != FORWARDED_HEADER]
    return [*headers, (FORWARDED_HEADER, forwarded.encode())]


def _broker_away(error: BrokerAway) -> ApiError:
    return ApiError(
        503,
        "broker-away",
        error.cause,
        next_step=error.next_step,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _response(answer: BrokerAnswer) -> Response:
    response = Response(bytes(answer.body), status_code=answer.status)
    length = [header for header in response.raw_headers if header[0] == b"content-length"]
    response.raw_headers = [*answer.headers, *length]
    return response


def _unhealthy(error: BrokerAway) -> Response:
    reason = {"code": "broker-away", "cause": error.cause, "next_step": error.next_step}
    body = {"status": "failed", "version": __version__, "reasons": [reason]}
    return Response(msgspec.json.encode(body), status_code=503, media_type="application/json")
