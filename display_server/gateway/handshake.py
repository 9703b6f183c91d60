"""The parts of the WebSocket handshake (RFC 6455) that the gateway needs. Pure: there is no I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

from display_server.desktop.session_policy import SessionPolicy
from display_server.protocol.subprotocol import (
    DEVICE_HEADER,
    POLICY_HEADER,
    SECRET_HEADER,
    SUBPROTOCOL,
    TICKET_PREFIX,
    USER_HEADER,
    VIEWER_HEADER,
    VIEWER_PATH,
)

#: Largest head of a request from a browser, and of an agent's response, bytes.
HEAD_MAX_BYTES = 32 * 1024

#: The constant from which Sec-WebSocket-Accept is computed (RFC 6455, section 1.3).
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: Longest reason in a close frame, bytes of UTF-8 (RFC 6455, section 5.5).
REASON_MAX_BYTES = 123


@dataclass(frozen=True, slots=True)
class Handshake:
    """A well-formed request to open a WebSocket."""

    key: bytes  # value of Sec-WebSocket-Key
    host: str
    origin: str | None
    cookie: str
    subprotocols: tuple[str, ...]  # offered subprotocols, without the one that carries the ticket
    ticket: str | None  # None when the request carries no ticket, or several
    forwarded_host: str | None = None  # X-Forwarded-Host, which anybody can send
    path: str = VIEWER_PATH  # with the prefix that a reverse proxy may have left in it
    forwarded_prefix: str | None = None  # X-Forwarded-Prefix, which anybody can send


class HandshakeError(Exception):
    """The request does not open a WebSocket. It is answered by an HTTP response with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def parse(head: bytes, *, prefix: str = "") -> Handshake:
    """Parses the head of a request as uvicorn passes it on, with lower-case names and CRLF line ends.

    A reverse proxy may leave the path prefix `prefix` in the request. Raises HandshakeError.
    """
    request_line, _, rest = head.partition(b"\r\n")
    method, _, target = request_line.partition(b" ")
    target = target.partition(b" ")[0]
    headers: dict[bytes, bytes] = {}
    for line in rest.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            continue
        name, value = name.strip().lower(), value.strip()
        if name in {b"host", b"origin", b"sec-websocket-key", b"sec-websocket-version"} and name in headers:
            raise HandshakeError(400, f"The request has more than one header {name.decode()}.")
        headers[name] = headers[name] + b", " + value if name in headers else value
    if target.partition(b"?")[0].removeprefix(prefix.encode()) != VIEWER_PATH.encode():
        raise HandshakeError(404, "There is no WebSocket at this address.")
    if method != b"GET":
        raise HandshakeError(405, "A WebSocket must be opened with the method GET.")
    if headers.get(b"sec-websocket-version") != b"13":
        raise HandshakeError(426, "This server supports only version 13 of the WebSocket protocol.")
    key = headers.get(b"sec-websocket-key", b"")
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        valid = False
    if not valid:
        raise HandshakeError(400, "Sec-WebSocket-Key is missing or malformed.")
    return replace(_handshake_from(key, headers), path=target.partition(b"?")[0].decode("latin-1"))


def _handshake_from(key: bytes, headers: Mapping[bytes, bytes]) -> Handshake:
    protocols = [
        part.strip() for part in headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(",")
    ]
    tickets = [part.removeprefix(TICKET_PREFIX) for part in protocols if part.startswith(TICKET_PREFIX)]
    origin, forwarded_host = headers.get(b"origin"), headers.get(b"x-forwarded-host")
    forwarded_prefix = headers.get(b"x-forwarded-prefix")
    return Handshake(
        key=key,
        host=headers.get(b"host", b"").decode("latin-1"),
        origin=origin.decode("latin-1") if origin is not None else None,
        cookie=headers.get(b"cookie", b"").decode("latin-1"),
        subprotocols=tuple(part for part in protocols if part and not part.startswith(TICKET_PREFIX)),
        ticket=tickets[0] if len(tickets) == 1 else None,
        forwarded_host=forwarded_host.decode("latin-1") if forwarded_host is not None else None,
        forwarded_prefix=forwarded_prefix.decode("latin-1") if forwarded_prefix is not None else None,
    )


def request_to_agent(
    key: bytes, *, secret: str, username: str, viewer: str, device: str, policy: SessionPolicy | None = None
) -> bytes:
    """Returns the head of the request to the agent.

    It is built from scratch, so that the agent cannot mistake a header of the browser for one of the gateway.
    `policy` is what the viewer may do; None: what the desktop allows all viewers.
    """
    allowed = f"{POLICY_HEADER}: {msgspec.json.encode(policy).decode()}\r\n" if policy is not None else ""
    return (
        f"GET {VIEWER_PATH} HTTP/1.1\r\nHost: agent\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode('ascii')}\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"
        f"{SECRET_HEADER}: {secret}\r\n{allowed}"
        f"{USER_HEADER}: {username}\r\n{VIEWER_HEADER}: {viewer}\r\n{DEVICE_HEADER}: {device}\r\n\r\n"
    ).encode("ascii")


def accept_and_close(handshake: Handshake, code: int, reason: str) -> bytes:
    """Returns a response that opens the WebSocket and closes it at once with this code.

    A rejection by HTTP status would not help: browsers do not show the status to the page.
    """
    accept = base64.b64encode(hashlib.sha1(handshake.key + _ACCEPT_GUID, usedforsecurity=False).digest())
    # A browser that offered subprotocols drops the connection if the response selects none of them.
    chosen = (
        SUBPROTOCOL if SUBPROTOCOL in handshake.subprotocols else next(iter(handshake.subprotocols), None)
    )
    head = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept
    )
    if chosen is not None:
        head += b"\r\nSec-WebSocket-Protocol: " + chosen.encode("latin-1")
    return head + b"\r\n\r\n" + close_frame(code, reason)


def close_frame(code: int, reason: str) -> bytes:
    """Returns an unmasked close frame, as servers send them. Cuts the reason to its longest valid length."""
    text = reason.encode()[:REASON_MAX_BYTES].decode(errors="ignore").encode()
    return struct.pack("!BBH", 0x88, 2 + len(text), code) + text


def is_close(data: bytes) -> bool:
    """Returns whether the data begins with a close frame."""
    return bool(data) and data[0] & 0x0F == 0x8


def http_response(status: int, body: bytes) -> bytes:
    """Returns a complete HTTP response with a JSON body, after which the connection is closed."""
    return (
        (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        ).encode()
        + (b"Sec-WebSocket-Version: 13\r\n\r\n" if status == 426 else b"\r\n")
        + body
    )
