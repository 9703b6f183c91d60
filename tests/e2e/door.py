"""Lightbox's door without a browser: a plain HTTPS client, and viewers' websockets as anyone may try them."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

SUBPROTOCOL = "lightbox.1"
TIMEOUT_S = 30.0


def trusting() -> ssl.SSLContext:
    """Believes any certificate; the tests that care about it do not use this."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Door:
    """A client with a cookie jar of its own. State-changing requests say that they come from the page."""

    def __init__(self, url: str, *, origin: str | None = None) -> None:
        self.url = url
        self.http = httpx.Client(
            base_url=url,
            verify=trusting(),
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

    def connect(self, ticket: str, *, origin: str | None = None, cookie: bool = True) -> ClientConnection:
        """Opens the websocket of a viewer. Raises what websockets raises when it is refused."""
        headers = {}
        if cookie:
            headers["Cookie"] = "; ".join(f"{c.name}={c.value}" for c in self.http.cookies.jar)
        return connect(
            self.url.replace("https:", "wss:") + "/viewer",
            ssl=trusting(),
            origin=Origin(origin or self.url),
            subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"ticket.{ticket}")],
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_size=32 * 2**20,
        )

    def refusal(self, ticket: str, *, origin: str | None = None, cookie: bool = True) -> int:
        """How the door turns a viewer away: the close code, or the HTTP status where it does not open."""
        try:
            with self.connect(ticket, origin=origin, cookie=cookie) as socket:
                socket.recv(TIMEOUT_S)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except InvalidStatus as refused:
            return refused.response.status_code
        raise AssertionError("the door let the viewer in")

    def metrics(self) -> str:
        return self.http.get("/metrics").text

    def close(self) -> None:
        self.http.close()


def end_of(socket: ClientConnection) -> tuple[int, str]:
    """Reads until the other side closes; its close code and reason."""
    try:
        while True:
            socket.recv(TIMEOUT_S)
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
