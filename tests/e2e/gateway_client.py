"""A client of the gateway without a browser: HTTPS requests and viewer WebSockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX

#: How long a request or a received frame may take, s.
TIMEOUT_S = 120.0


def unverified_tls_context() -> ssl.SSLContext:
    """Returns a context that accepts any certificate. Tests of the certificate do not use it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class ViewerConnection:
    """The WebSocket of a viewer.

    Its event loop runs only while a call waits. The library's blocking client is no alternative: it reads in
    one thread while another one writes, which OpenSSL does not allow on one connection, so that a request was
    sometimes never sent.
    """

    def __init__(self, runner: asyncio.Runner, connection: ClientConnection) -> None:
        self._runner = runner
        self._connection = connection
        self.subprotocol = connection.subprotocol

    def send(self, frame: str | bytes) -> None:
        self._runner.run(self._connection.send(frame))

    def recv(self) -> str | bytes:
        """Returns the next frame. Raises TimeoutError, or ConnectionClosed with the peer's close frame."""
        return self._runner.run(asyncio.wait_for(self._connection.recv(), TIMEOUT_S))


class GatewayClient:
    """A client with its own cookie jar. Its requests name the gateway's page or `origin` as origin.

    `state` is the server's state folder, whose token the metrics need.
    """

    def __init__(self, url: str, *, origin: str | None = None, state: Path | None = None) -> None:
        self.url = url
        self._state = state
        self.http = httpx2.Client(
            base_url=url,
            verify=unverified_tls_context(),
            timeout=TIMEOUT_S,
            headers={"Origin": origin or url},
            trust_env=False,
        )

    def sign_in(self, username: str, password: str) -> httpx2.Response:
        return self.http.post("/api/v1/sign-in", json={"username": username, "password": password})

    def take_cookies(self, cookies: Iterable[Mapping[str, Any]]) -> None:
        """Takes over a browser's cookies, and so becomes the same device."""
        self.http.cookies.clear()
        for cookie in cookies:
            self.http.cookies.set(cookie["name"], cookie["value"], domain=cookie["domain"], path="/")

    def viewer(self, desktop: str) -> dict[str, Any]:
        """Requests a viewer ticket and starts the desktop if necessary.

        Returns `ticket`, `websocket` and `session`.
        """
        answer = self.http.post(f"/api/v1/desktops/{desktop}/viewers")
        assert answer.status_code < 300, f"{answer.status_code}: {answer.text}"
        viewer: dict[str, Any] = answer.json()
        return viewer

    @contextmanager
    def connect(
        self, ticket: str, *, origin: str | None = None, cookie: bool = True
    ) -> Iterator[ViewerConnection]:
        """Opens a viewer's WebSocket. Raises the exceptions of `websockets` when it is refused."""
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
        """Returns the close code with which a viewer is refused, or the HTTP status if none is accepted."""
        try:
            with self.connect(ticket, origin=origin, cookie=cookie) as connection:
                connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else CloseCode.ABNORMAL
        except InvalidStatus as refused:
            return refused.response.status_code
        raise AssertionError("the gateway accepted the viewer")

    def metrics(self) -> str:
        assert self._state is not None, "the metrics need a token"
        token = (self._state / "metrics-token").read_text().strip()
        answer = self.http.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        return answer.text

    def close(self) -> None:
        self.http.close()


def read_close(connection: ViewerConnection) -> tuple[int, str]:
    """Reads until the peer closes the connection. Returns its close code and reason."""
    try:
        while True:
            connection.recv()
    except ConnectionClosed as closed:
        frame = closed.rcvd
    assert frame is not None, "the connection ended without a close frame"
    return frame.code, frame.reason


def metric_sum(text: str, part_of_name: str) -> float:
    """Returns the sum of all Prometheus samples whose name contains this, without buckets and timestamps."""
    total = 0.0
    for line in text.splitlines():
        name = line.split("{")[0].split(" ")[0]
        if not line.startswith("#") and part_of_name in name and not name.endswith(("_bucket", "_created")):
            total += float(line.rsplit(" ", 1)[1])
    return total
