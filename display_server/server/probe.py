"""Does what a person does at the start of a working day, as a client: signs in and opens a desktop.

Monitoring runs it regularly (`lightbox probe`), so that a failure is known before people call.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from display_codecs import ENCODING_NAMES
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin, Subprotocol

from display_server import __version__
from display_server.errors import ConfigurationError, LightboxError, Malfunction
from display_server.protocol.frame_kinds import FrameKind
from display_server.protocol.messages import Hello
from display_server.protocol.subprotocol import PROTOCOL_VERSION, SUBPROTOCOL, TICKET_PREFIX

#: How long one step may take, s. A desktop that is not started ahead needs a few seconds.
STEP_TIMEOUT_S = 60.0
#: Longest answer and frame that is read, bytes. A whole screen of noise is a little larger than its pixels.
ANSWER_MAX_BYTES = 1 << 20
FRAME_MAX_BYTES = 128 << 20


class ProbeError(Malfunction):
    """A step did not succeed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how long it took, and why it failed if it did."""

    name: str
    duration_s: float
    failure: str = ""

    def as_line(self) -> str:
        return f"{self.name}: {self.duration_s:.3f} s" + (f", FAILED: {self.failure}" if self.failure else "")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to sign in and with what. `desktop` is opened unless it is None."""

    url: str
    username: str
    password: str = field(repr=False)
    desktop: str | None = None
    ca: Path | None = None  # the root certificate; None: those of the host


def probe(target: Target, monotonic_s: Callable[[], float] = time.monotonic) -> list[Step]:
    """Runs the steps until one fails. Signs out whenever it has signed in. Raises ConfigurationError."""
    steps: list[Step] = []

    def run(name: str, work: Callable[[], Any]) -> Any:
        started_s = monotonic_s()
        try:
            result = work()
        except (LightboxError, OSError, http.client.HTTPException, WebSocketException) as error:
            cause = error.cause if isinstance(error, LightboxError) else f"{type(error).__name__}: {error}"
            steps.append(Step(name, monotonic_s() - started_s, cause))
            return None
        steps.append(Step(name, monotonic_s() - started_s))
        return result

    client = _Client(target)
    if run("sign-in", client.sign_in) is None:
        return steps
    desktops = run("list", client.desktops)
    if desktops is not None and target.desktop is not None:
        viewer = run("open", lambda: client.open(target.desktop))
        if viewer is not None:
            run("picture", lambda: asyncio.run(client.first_picture(viewer["ticket"])))
    run("sign-out", client.sign_out)
    return steps


def as_metrics(steps: list[Step], now_s: float) -> str:
    """Returns the outcome in Prometheus's text format, for the node exporter's folder of text files."""
    lines = ["# TYPE lightbox_probe_success gauge"]
    lines.append(f"lightbox_probe_success {int(not any(step.failure for step in steps))}")
    lines.append("# TYPE lightbox_probe_step_seconds gauge")
    lines += [f'lightbox_probe_step_seconds{{step="{step.name}"}} {step.duration_s:.3f}' for step in steps]
    lines.append("# TYPE lightbox_probe_timestamp_seconds gauge")
    lines.append(f"lightbox_probe_timestamp_seconds {now_s:.0f}")
    return "\n".join(lines) + "\n"


class _Client:
    """Requests of one browser, with its cookies."""

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.url)
        if parts.scheme != "https" or not parts.hostname:
            raise ConfigurationError(
                f"`{target.url}` is not the address of a server.", hint="Give it as https://SERVER:8443."
            )
        self._target = target
        self._host, self._port = parts.hostname, parts.port or 443
        self._prefix = parts.path.rstrip("/")
        self._origin = f"https://{parts.netloc}"
        try:
            self._tls = ssl.create_default_context(cafile=str(target.ca) if target.ca else None)
        except OSError as error:
            raise ConfigurationError(
                f"{target.ca} is not a certificate: {error}.",
                hint="Save the server's root certificate from https://SERVER:8443/ca.crt.",
            ) from error
        self._cookies: dict[str, str] = {}

    def sign_in(self) -> dict[str, Any]:
        body = {"username": self._target.username, "password": self._target.password}
        answer: dict[str, Any] = self._request("POST", "/api/v1/sign-in", body)
        return answer

    def desktops(self) -> list[dict[str, Any]]:
        """Raises ProbeError when the desktop that is to be opened is not among them."""
        found: list[dict[str, Any]] = self._request("GET", "/api/v1/desktops")
        wanted = self._target.desktop
        if wanted is not None and wanted not in {desktop["name"] for desktop in found}:
            raise ProbeError(f"{self._target.username} may not open {wanted}, or there is no such desktop.")
        return found

    def open(self, desktop: str | None) -> dict[str, Any]:
        viewer: dict[str, Any] = self._request("POST", f"/api/v1/desktops/{desktop}/viewers")
        return viewer

    async def first_picture(self, ticket: str) -> bool:
        """Connects as a viewer and returns when the first tiles have arrived."""
        hello = Hello(
            protocol=PROTOCOL_VERSION,
            client=f"lightbox-probe {__version__}",
            monitor=0,
            cache_bytes=0,
            encodings=list(ENCODING_NAMES),
            device="probe",
        )
        async with (
            asyncio.timeout(STEP_TIMEOUT_S),
            connect(
                f"{self._origin.replace('https', 'wss', 1)}{self._prefix}/viewer",
                ssl=self._tls,
                origin=Origin(self._origin),
                subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"{TICKET_PREFIX}{ticket}")],
                additional_headers={"Cookie": self._cookie_header()},
                compression=None,
                max_size=FRAME_MAX_BYTES,
                proxy=None,
            ) as connection,
        ):
            try:
                await connection.send(msgspec.json.encode(hello).decode())
                while True:
                    frame = await connection.recv()
                    if isinstance(frame, bytes) and frame[:1] == bytes([FrameKind.UPDATE]):
                        return True
            except ConnectionClosed as closed:
                reason = closed.rcvd.reason if closed.rcvd else "no reason was given"
                raise ProbeError(f"The server closed the connection: {reason}.") from closed

    def sign_out(self) -> object:
        return self._request("POST", "/api/v1/sign-out")

    def _request(self, method: str, path: str, body: object = None) -> Any:
        """Returns the decoded answer, True if it is empty. Raises ProbeError, OSError and HTTPException."""
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=STEP_TIMEOUT_S, context=self._tls
        )
        headers = {"Origin": self._origin, "Accept": "application/json", "Cookie": self._cookie_header()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            content = None if body is None else msgspec.json.encode(body)
            connection.request(method, self._prefix + path, content, headers)
            response = connection.getresponse()
            answer = response.read(ANSWER_MAX_BYTES)
            self._keep_cookies(response.headers.get_all("Set-Cookie") or [])
        finally:
            connection.close()
        try:
            decoded = msgspec.json.decode(answer) if answer else True
        except msgspec.DecodeError as error:
            raise ProbeError(f"The answer ({response.status}) is not JSON.") from error
        if response.status >= 400:
            message = decoded.get("message") if isinstance(decoded, dict) else None
            raise ProbeError(f"The server answered with {response.status}: {message or decoded}")
        return decoded

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def _keep_cookies(self, headers: list[str]) -> None:
        for header in headers:
            for name, morsel in SimpleCookie(header).items():
                if morsel.value and morsel["max-age"] != "0":
                    self._cookies[name] = morsel.value
                else:
                    self._cookies.pop(name, None)
