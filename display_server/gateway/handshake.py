"""The WebSocket handshake as far as the door needs it. Pure: bytes in, decisions and bytes out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from display_server.protocol.subprotocol import (
    DEVICE_HEADER,
    SUBPROTOCOL,
    TICKET_PREFIX,
    USER_HEADER,
    VIEWER_HEADER,
    VIEWER_PATH,
)

#: The door's own limit on a request's head, the agent's answer included.
HEAD_MAX_BYTES = 32 * 1024

_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: Reasons of a close frame have at most 123 bytes.
REASON_MAX_BYTES = 123


@dataclass(frozen=True, slots=True)
class Handshake:
    """A well-formed request for a WebSocket. `offered` are the subprotocols without the ticket."""

    key: bytes
    host: str
    origin: str | None
    cookie: str
    offered: tuple[str, ...]
    ticket: str | None


class NotAWebSocket(Exception):  # noqa: N818 - a verdict, not a fault of ours
    """The request gets a plain HTTP answer of this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def parse(head: bytes) -> Handshake:
    """`head` is a request as uvicorn hands it over: names in lower case, CRLF line ends. Raises
    NotAWebSocket.
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
            raise NotAWebSocket(400, f"The head has two of {name.decode()}.")
        headers[name] = headers[name] + b", " + value if name in headers else value
    if target.partition(b"?")[0] != VIEWER_PATH.encode():
        raise NotAWebSocket(404, "There is no WebSocket here.")
    if method != b"GET":
        raise NotAWebSocket(405, "A WebSocket begins with GET.")
    if headers.get(b"sec-websocket-version") != b"13":
        raise NotAWebSocket(426, "Only version 13 of WebSocket is spoken here.")
    key = headers.get(b"sec-websocket-key", b"")
    try:
        fine = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        fine = False
    if not fine:
        raise NotAWebSocket(400, "Sec-WebSocket-Key is missing or malformed.")
    return _understood(key, headers)


def _understood(key: bytes, headers: Mapping[bytes, bytes]) -> Handshake:
    protocols = [
        part.strip() for part in headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(",")
    ]
    tickets = [part.removeprefix(TICKET_PREFIX) for part in protocols if part.startswith(TICKET_PREFIX)]
    origin = headers.get(b"origin")
    return Handshake(
        key=key,
        host=headers.get(b"host", b"").decode("latin-1"),
        origin=origin.decode("latin-1") if origin is not None else None,
        cookie=headers.get(b"cookie", b"").decode("latin-1"),
        offered=tuple(part for part in protocols if part and not part.startswith(TICKET_PREFIX)),
        ticket=tickets[0] if len(tickets) == 1 else None,
    )


def request_to_agent(key: bytes, *, username: str, viewer: str, device: str) -> bytes:
    """The head that the agent gets: made anew, so that nothing the browser sent is taken for the gateway's
    word.
    """
    return (
        f"GET {VIEWER_PATH} HTTP/1.1\r\nHost: agent\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode('ascii')}\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"
        f"{USER_HEADER}: {username}\r\n{VIEWER_HEADER}: {viewer}\r\n{DEVICE_HEADER}: {device}\r\n\r\n"
    ).encode("ascii")


def accept_and_close(handshake: Handshake, code: int, reason: str) -> bytes:
    """Opens the WebSocket and closes it with a code: a browser tells its page nothing about a refusal in
    HTTP.
    """
    accept = base64.b64encode(hashlib.sha1(handshake.key + _ACCEPT_GUID, usedforsecurity=False).digest())
    # A browser that offered subprotocols drops a connection which picks none of them.
    chosen = SUBPROTOCOL if SUBPROTOCOL in handshake.offered else next(iter(handshake.offered), None)
    head = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept
    )
    if chosen is not None:
        head += b"\r\nSec-WebSocket-Protocol: " + chosen.encode("latin-1")
    return head + b"\r\n\r\n" + close_frame(code, reason)


def close_frame(code: int, reason: str) -> bytes:
    """An unmasked close frame, as a server sends it."""
    text = reason.encode()[:REASON_MAX_BYTES].decode(errors="ignore").encode()
    return struct.pack("!BBH", 0x88, 2 + len(text), code) + text


def is_close(data: bytes) -> bool:
    """Whether this begins with a close frame."""
    return bool(data) and data[0] & 0x0F == 0x8


def plain_answer(status: int, body: bytes) -> bytes:
    """A whole HTTP response that ends the connection."""
    return (
        (
            f"HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        ).encode()
        + (b"Sec-WebSocket-Version: 13\r\n\r\n" if status == 426 else b"\r\n")
        + body
    )
