"""Lightbox's door without a browser: a plain HTTPS client, and viewers' websockets as anyone may try them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX

TIMEOUT_S = 30.0


def unverified_tls_context() -> ssl.SSLContext:
    """Believes any certificate; the tests that care about it do not use this."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class ViewerConnection:
    """The websocket of a viewer.

    Its event loop turns only while a call waits. The library's own blocking client reads in a thread while
    another writes, which OpenSSL does not allow on one connection: now and then a request was never sent.
    """

    def __init__(self, runner: asyncio.Runner, connection: ClientConnection) -> None:
        self._runner = runner
        self._connection = connection
        self.subprotocol = connection.subprotocol

    def send(self, frame: str | bytes) -> None:
        self._runner.run(self._connection.send(frame))

    def recv(self) -> str | bytes:
        """Raises TimeoutError, and ConnectionClosed with the other side's close frame."""
        return self._runner.run(asyncio.wait_for(self._connection.recv(), TIMEOUT_S))


class GatewayClient:
    """A client with a cookie jar of its own. State-changing requests say that they come from the page."""

    def __init__(self, url: str, *, origin: str | None = None) -> None:
        self.url = url
        self.http = httpx.Client(
            base_url=url,
            verify=unverified_tls_context(),
            timeout=TIMEOUT_S,
            headers={"Origin": origin or url},
            trust_env=False,
        )

    def sign_in(self, username: str, password: str) -> httpx.Response:
        return self.http.post("/api/v1/sign-in", json={"username": username, "password": password})

    def take_cookies(self, cookies: Iterable[Mapping[str, Any]]) -> None:
        """Becomes the same device as the browser that has these."""
        self.http.cookies.clear()
        for cookie in cookies:
            self.http.cookies.set(cookie["name"], cookie["value"], domain=cookie["domain"], path="/")

    def viewer(self, desktop: str) -> dict[str, Any]:
        """Asks for a viewer of a desktop, which starts it if need be; `ticket`, `websocket` and `session`."""
        answer = self.http.post(f"/api/v1/desktops/{desktop}/viewers")
        assert answer.status_code < 300, f"{answer.status_code}: {answer.text}"
        viewer: dict[str, Any] = answer.json()
        return viewer

    @contextmanager
    def connect(self, ticket: str, *, origin: str | None = None, cookie: bool = True) -> Iterator[ViewerConnection]:
        """Opens the websocket of a viewer. Raises what websockets raises when it is refused."""
        headers = {}
        if cookie:
            headers["Cookie"] = "; ".join(f"{c.name}={c.value}" for c in self.http.cookies.jar)

        async def opened() -> ClientConnection:
            return await connect(
                self.url.replace("https:", "wss:") + "/viewer",
                ssl=unverified_tls_context(),
                origin=Origin(origin or self.url),
                subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"{TICKET_PREFIX}{ticket}")],
                additional_headers=headers,
                compression=None,
                proxy=None,
                max_size=32 * 2**20,
                open_timeout=TIMEOUT_S,
                ping_interval=None,
            )

        with asyncio.Runner() as runner:
            connection = runner.run(opened())
            try:
                yield ViewerConnection(runner, connection)
            finally:
                runner.run(connection.close())

    def refusal(self, ticket: str, *, origin: str | None = None, cookie: bool = True) -> int:
        """How the door turns a viewer away: the close code, or the HTTP status where it does not open."""
        try:
            with self.connect(ticket, origin=origin, cookie=cookie) as line:
                line.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else CloseCode.ABNORMAL
        except InvalidStatus as refused:
            return refused.response.status_code
        raise AssertionError("the door let the viewer in")

    def metrics(self) -> str:
        return self.http.get("/metrics").text

    def close(self) -> None:
        self.http.close()


def read_close(line: ViewerConnection) -> tuple[int, str]:
    """Reads until the other side closes; its close code and reason."""
    try:
        while True:
            line.recv()
    except ConnectionClosed as closed:
        frame = closed.rcvd
    assert frame is not None, "the line broke without a close frame"
    return frame.code, frame.reason


def metric_sum(text: str, part_of_name: str) -> float:
    """The sum of all samples of the Prometheus text whose name contains this, buckets and times aside."""
    total = 0.0
    for line in text.splitlines():
        name = line.split("{")[0].split(" ")[0]
        if not line.startswith("#") and part_of_name in name and not name.endswith(("_bucket", "_created")):
            total += float(line.rsplit(" ", 1)[1])
    return total
