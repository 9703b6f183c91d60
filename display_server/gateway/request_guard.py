"""The middleware in front of every HTTP request.

It rejects unknown hosts, cross-site requests and bodies that are too large or too slow, adds the security
headers to every response, and turns unexpected exceptions into JSON errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from display_server.gateway.api_error import ApiError
from display_server.gateway.hosts import origin_allowed, split_host

log = structlog.get_logger(__name__)

#: Largest body of a request, bytes. The largest real ones are results of display checks, a few KB.
BODY_MAX_BYTES = 64 * 1024
#: A request whose body has not arrived completely after this time is rejected, s.
BODY_TIMEOUT_S = 10.0
#: Methods that change nothing and are therefore allowed from other sites.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
        b"magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), clipboard-read=(self), "
        b"clipboard-write=(self), fullscreen=(self), keyboard-map=(self), window-management=(self)",
    ),
)
#: Sent only with a certificate of the operator. With a certificate of the local authority the header would
#: also apply to every other server on `localhost`, and would lock people out when the root certificate is
#: replaced.
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
NO_STORE = (b"cache-control", b"no-store")


class RequestGuard:
    """ASGI middleware. `names` are the host names and addresses by which the gateway may be reached."""

    def __init__(self, app: ASGIApp, *, names: Iterable[str], strict_transport: bool) -> None:
        self._app = app
        self._names = frozenset(names)
        self._headers = [*SECURITY_HEADERS, *([STRICT_TRANSPORT_SECURITY] if strict_transport else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _ in message["headers"]}
                extra = [header for header in self._headers if header[0] not in present]
                if b"cache-control" not in present:
                    extra.append(NO_STORE)
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            self._check(scope)
            body = await _read_body(scope, receive)
            await self._app(scope, _replay(body, receive), send_guarded)
        except ApiError as error:
            if started:
                raise
            await _respond(send_guarded, error)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await _respond(
                send_guarded,
                ApiError(
                    500,
                    "internal",
                    "An unexpected error occurred in the server. Try again. If it happens again, inform your "
                    "administrator.",
                ),
            )

    def _check(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if split_host(host)[0] not in self._names:
            raise ApiError(
                421,
                "unknown-host",
                "This server does not accept that host name. Its administrator can add it to `names` in the "
                "configuration.",
            )
        if scope["method"] in SAFE_METHODS:
            return
        # Browsers send at least one of these headers with every such request. A request with
        # neither does not come from a page of this server.
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if (
            (origin is None and site is None)
            or (origin is not None and not origin_allowed(origin, host, self._names))
            or (site is not None and site != "same-origin")
        ):
            raise ApiError(
                403,
                "cross-site",
                "The request was rejected because it does not come from a page of this server.",
            )


async def _respond(send: Send, error: ApiError) -> None:
    body = error.body()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    if error.status in {408, 413}:
        headers.append((b"connection", b"close"))  # the rest of the body may still arrive
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """Returns the whole body. Raises ApiError when it is too large, too slow or incomplete."""
    if scope["method"] in SAFE_METHODS and not any(
        name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"]
    ):
        return b""
    too_large = ApiError(413, "too-large", f"The request is larger than {BODY_MAX_BYTES // 1024} KiB.")
    for name, value in scope["headers"]:
        if name == b"content-length" and (
            not value.isdigit() or len(value) > 12 or int(value) > BODY_MAX_BYTES
        ):
            raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ApiError(
                        400, "bad-request", "The connection ended before the request was complete."
                    )
                body += message.get("body", b"")
                if len(body) > BODY_MAX_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise ApiError(408, "too-slow", f"The request did not arrive within {BODY_TIMEOUT_S:g} s.") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that first delivers the body, which has been read already."""
    delivered = False

    async def replay() -> Message:
        nonlocal delivered
        if delivered:
            return await receive()
        delivered = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
