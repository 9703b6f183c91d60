"""What stands before every request: known host, same origin, bounded body and time, security headers, errors
as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from display_server.gateway.hosts import origin_allowed, split_host
from display_server.gateway.api_error import Refusal

log = structlog.get_logger(__name__)

#: The largest body any request has use for is a sign-in.
BODY_MAX_BYTES = 64 * 1024
#: A body that has not arrived by then is given up.
BODY_TIMEOUT_S = 10.0
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
#: Only with a certificate of the operator's own: for a host that a local authority vouches for it would also
#: bind every other server on `localhost`, and lock people out when the root is made anew.
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
NO_STORE = (b"cache-control", b"no-store")


class Guard:
    """ASGI middleware. `names` are the hosts by which the door may be reached."""

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
            body = await _body(scope, receive)
            await self._app(scope, _replay(body, receive), send_guarded)
        except Refusal as refusal:
            if started:
                raise
            await answer(send_guarded, refusal)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await answer(
                send_guarded,
                Refusal(
                    500,
                    "internal",
                    "Something went wrong here. Try again; if it stays, tell your administrator.",
                ),
            )

    def _check(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if split_host(host)[0] not in self._names:
            raise Refusal(
                421,
                "unknown-host",
                "This server is not known by that name. Its administrator can add it to `names`.",
            )
        if scope["method"] in SAFE_METHODS:
            return
        # Browsers send both with every such request; whoever sends neither is no browser and holds no cookie
        # of one.
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if (
            (origin is None and site is None)
            or (origin is not None and not origin_allowed(origin, host, self._names))
            or (site is not None and site != "same-origin")
        ):
            raise Refusal(403, "cross-site", "The request did not come from a page of this server.")


async def answer(send: Send, refusal: Refusal) -> None:
    body = refusal.body()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in refusal.headers.items()),
    ]
    if refusal.status in {408, 413}:
        headers.append((b"connection", b"close"))  # the rest of the body may still come
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises Refusal when it is too large or too slow."""
    if scope["method"] in SAFE_METHODS and not any(
        name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"]
    ):
        return b""
    too_large = Refusal(413, "too-large", f"The request is larger than {BODY_MAX_BYTES // 1024} KiB.")
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
                    raise Refusal(400, "bad-request", "The request ended early.")
                body += message.get("body", b"")
                if len(body) > BODY_MAX_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refusal(408, "too-slow", "The request did not arrive in time.") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
