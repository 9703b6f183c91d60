"""The middleware in front of every HTTP request.

It rejects unknown hosts, cross-site requests and bodies that are too large or too slow, adds the security
headers to every response, and turns unexpected exceptions into JSON errors. Behind reverse proxies it gives
requests the address of their client and the path without the proxy's prefix.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from display_server.broker_link.admin_paths import ADMIN_PREFIX
from display_server.broker_link.api_error import ApiError
from display_server.broker_link.cookies import SESSION, CookieScope, hash_of
from display_server.broker_link.forwarded import COOKIE_SCOPE, ORIGIN
from display_server.gateway.connection_budget import ConnectionBudget, CountedConnection
from display_server.gateway.connection_refusals import limit_reached
from display_server.gateway.http_protocol import CONNECTION
from display_server.gateway.proxies import FORWARDING_HEADERS, PublicAccess
from display_server.gateway.proxy_errors import (
    ProxyError,
    ProxyLog,
    changed_host,
    no_upgrade,
    outdated_tls,
    plain_http,
    unknown_host,
)
from display_server.protocol.subprotocol import VIEWER_PATH

log = structlog.get_logger(__name__)

#: Largest body of a request, bytes. The largest real ones are results of display checks, a few KB.
BODY_MAX_BYTES = 64 * 1024
#: A request whose body has not arrived completely after this time is rejected, s.
BODY_TIMEOUT_S = 10.0
#: Methods that change nothing and are therefore allowed from other sites.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: The only path to which others than pages of this server may send something.
PROVIDER_PATH = re.compile(r"/api/v1/sign-in/oidc/[a-z0-9-]{1,40}/back-channel-logout")

#: The headers that every response carries, besides those of the PagePolicy.
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
#: Sent only with a certificate of the operator. With a certificate of the local authority the header would
#: also apply to every other server on `localhost`, and would lock people out when the root certificate is
#: replaced.
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
NO_STORE = (b"cache-control", b"no-store")


class RequestGuard:
    """ASGI middleware.

    `access` returns how browsers may reach the gateway, and `strict_transport` whether responses carry
    Strict-Transport-Security. Both are asked for each request, because a reload changes them. `identify`
    returns the name of the person whose cookie has this hash, or None; `connections` counts that person's
    connections.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Callable[[], PublicAccess],
        strict_transport: Callable[[], bool],
        connections: ConnectionBudget,
        identify: Callable[[bytes], Awaitable[str | None]],
    ) -> None:
        self._app = app
        self._connections = connections
        self._identify = identify
        self._access = access
        self._strict_transport = strict_transport
        self._log = ProxyLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if message["status"] == 404 and accepts_html(scope):
                    self._log.unknown_page(scope["path"])
                present = {name.lower() for name, _ in message["headers"]}
                extra = [header for header in self._security_headers() if header[0] not in present]
                if self._strict_transport():
                    extra.append(STRICT_TRANSPORT_SECURITY)
                if b"cache-control" not in present:
                    extra.append(NO_STORE)
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            scope = self._admit(scope)
            # There is none without a network, as in tests.
            connection: CountedConnection | None = scope.get("state", {}).get(CONNECTION)
            if connection is not None:
                await self._count(connection, scope)
            body = await _read_body(scope, receive)
            if connection is not None:
                connection.busy = True
            await self._app(scope, _replay(body, receive), send_guarded)
        except ApiError as error:
            if started:
                raise
            if isinstance(error, ProxyError):
                self._log.refused(error)
            await _respond(send_guarded, error, page=accepts_html(scope))
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await _respond(
                send_guarded,
                ApiError(
                    500,
                    "internal",
                    "An unexpected error occurred in the server.",
                    next_step="Try again. If it happens again, tell your administrator: the log has "
                    "the details.",
                ),
            )

    async def _count(self, connection: CountedConnection, scope: Scope) -> None:
        """Counts the connection for the person whose cookie the request carries.

        Raises ApiError at a limit.
        """
        if scope["client"]:
            self._connections.at(connection, scope["client"][0])
        cookies: CookieScope = scope[COOKIE_SCOPE]
        secret = cookies.read(_cookie_header(scope), SESSION)
        if secret and (device := hash_of(secret)) != connection.device:
            person = await self._identify(device)
            if person is not None:
                exceeded = self._connections.sign_in(connection, person, device)
                if exceeded is not None:
                    raise limit_reached(exceeded)
        if connection.exceeded is not None:
            self._connections.refused[connection.exceeded] += 1
            raise limit_reached(connection.exceeded)

    def _security_headers(self) -> list[tuple[bytes, bytes]]:
        return [*SECURITY_HEADERS, *self._access().page.headers()]

    def _admit(self, scope: Scope) -> Scope:
        """Returns the scope as the application sees it. Raises ApiError when the request is refused."""
        access = self._access()
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        peer = scope["client"][0] if scope["client"] else ""
        version = scope.get("extensions", {}).get("tls", {}).get("tls_version")
        if not access.tls_allowed(peer, version):
            raise outdated_tls(peer, version)
        trusted = peer in access.proxies
        if not trusted and peer and not FORWARDING_HEADERS.isdisjoint(headers):
            self._log.ignored_headers(peer)
        if trusted and headers.get(b"x-forwarded-proto", "https").partition(",")[0].lower() != "https":
            raise plain_http()
        host = access.host_of(peer, headers.get(b"host", ""), headers.get(b"x-forwarded-host"))
        if not access.accepts_host(host):
            raise unknown_host(host)
        origin = ""
        inner = access.path_of(scope["path"])
        from_page = not _has_token(inner, headers) and not _from_provider(inner)
        if scope["method"] not in SAFE_METHODS and from_page:
            _check_site(access, headers.get(b"origin"), headers.get(b"sec-fetch-site"), host)
            origin = headers.get(b"origin", "")
        cookies = access.cookie_scope(peer, scope["path"], headers.get(b"x-forwarded-prefix"))
        path = access.path_of(scope["path"])
        if path == VIEWER_PATH and scope["method"] == "GET":
            raise no_upgrade()
        admitted = {
            **scope,
            "path": path,
            "raw_path": access.path_of(scope["raw_path"].decode()).encode(),
            COOKIE_SCOPE: cookies,
            ORIGIN: origin,
        }
        if trusted:
            forwarded = [
                value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
            ]
            admitted["client"] = (access.proxies.client_of(peer, forwarded), 0)
        return admitted


def _check_site(access: PublicAccess, origin: str | None, site: str | None, host: str) -> None:
    """Refuses requests that change something unless they come from a page of this server.

    Browsers send at least one of the two headers with every such request. A request with neither does not
    come from a page of this server.
    """
    if origin is not None and access.origin_allowed(origin, host) and site in {None, "same-origin"}:
        return
    if origin is None and site == "same-origin":
        return
    if origin is not None and site in {None, "same-origin"} and origin.startswith("http://"):
        raise plain_http()
    if origin is not None and site == "same-origin":
        # The browser knows that the address of the request has the page's origin, so Host was changed.
        raise changed_host(origin, host)
    raise ApiError(
        403,
        "cross-site",
        "The request was rejected because it does not come from a page of this server.",
        next_step="Open the address of this server in a tab of its own and try again there.",
    )


def _has_token(path: str, headers: Mapping[bytes, str]) -> bool:
    """Returns whether a program uses the administration API with a token, and so comes from no page.

    No page of another site can send this header here, and the broker does not look at cookies beside it.
    """
    scheme = headers.get(b"authorization", "").partition(" ")[0]
    return scheme.lower() == "bearer" and path.startswith(f"{ADMIN_PREFIX}/")


def _from_provider(path: str) -> bool:
    """Returns whether a provider of OpenID Connect sends requests to this path, which are signed."""
    return PROVIDER_PATH.fullmatch(path) is not None


def _cookie_header(scope: Scope) -> str:
    return "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")


def accepts_html(scope: Scope) -> bool:
    """Returns whether a browser asks for a page that a person will read."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


async def _respond(send: Send, error: ApiError, *, page: bool = False) -> None:
    """Sends an error. With `page`, a person reads the response."""
    if page and isinstance(error, ProxyError):
        media_type, body = b"text/html; charset=utf-8", error.page()
    else:
        media_type, body = b"application/json", error.body()
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    if error.status in {408, 413} or error.code == "too-many-connections":
        headers.append((b"connection", b"close"))  # the rest of the body may still arrive
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """Returns the whole body. Raises ApiError when it is too large, too slow or incomplete."""
    if scope["method"] in SAFE_METHODS and not any(
        name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"]
    ):
        return b""
    too_large = ApiError(
        413,
        "too-large",
        f"The body of the request is larger than {BODY_MAX_BYTES // 1024} KiB.",
        next_step="Send less.",
    )
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
                        400,
                        "bad-request",
                        "The connection ended before the request was complete.",
                        next_step="Check the network connection and try again.",
                    )
                body += message.get("body", b"")
                if len(body) > BODY_MAX_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise ApiError(
            408,
            "too-slow",
            f"The request did not arrive within {BODY_TIMEOUT_S:g} s.",
            next_step="Check the network connection and try again.",
        ) from None


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
