"""What viewers send to an agent, and what agent and gateway send to each other (PROTOCOL.md)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from display_codecs import ENCODING_NAMES

from display_server.desktop.host_channel import ToAgent, ToGateway
from display_server.protocol.agent_pages import DeviceReport
from display_server.protocol.clipboard import PNG_SIGNATURE, Format, Piece, PieceAssembler, encode_pieces
from display_server.protocol.connection import ViewerConnection
from display_server.protocol.errors import ProtocolError
from display_server.protocol.subprotocol import PROTOCOL_VERSION
from display_server.protocol.wire import parse_pointer_motion
from tests.fuzz.campaign import FuzzTarget

#: Tiles of the monitors 0 and 1.
TILES = {0: 12, 1: 4}
CLIPBOARD_MAX_BYTES = 1 << 20
VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/protocol.json").read_text("utf-8"))
HELLO = json.dumps(
    {
        "type": "hello",
        "protocol": PROTOCOL_VERSION,
        "client": "fuzzer",
        "monitor": 0,
        "cache_bytes": 1 << 20,
        "encodings": list(ENCODING_NAMES),
    }
)


async def feed_viewer(data: bytes) -> bool:
    """Connects a viewer that says hello and then sends this frame: text if it begins with `{`."""
    connection = ViewerConnection(TILES.get, ENCODING_NAMES, 0.0)
    connection.receive(HELLO)
    connection.update_sent()
    frame = data.decode("utf-8", "replace") if data[:1] == b"{" else data
    try:
        message = connection.receive(frame)
        if isinstance(message, Piece):
            PieceAssembler().add(message, CLIPBOARD_MAX_BYTES)
    except ProtocolError:
        return False
    return True


async def feed_first_frame(data: bytes) -> bool:
    """Sends this as the first frame of a connection."""
    connection = ViewerConnection(TILES.get, ENCODING_NAMES, 0.0)
    try:
        connection.receive(data.decode("utf-8", "replace") if data[:1] == b"{" else data)
    except ProtocolError:
        return False
    return True


async def feed_pointer_motion(data: bytes) -> bool:
    try:
        parse_pointer_motion(data)
    except ProtocolError:
        return False
    return True


async def feed_host_channel(data: bytes) -> bool:
    """Reads a packet as the agent does, and as the gateway does."""
    accepted = False
    for kind in (ToAgent, ToGateway):
        try:
            msgspec.json.decode(data, type=kind)
            accepted = True
        except msgspec.MsgspecError:
            pass  # the channel is closed
    return accepted


async def feed_agent_page(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=list[DeviceReport])
    except msgspec.MsgspecError:
        return False
    return True


def _json(*values: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


@asynccontextmanager
async def wire_targets() -> AsyncIterator[list[FuzzTarget]]:
    texts = (
        *(json.dumps(vector["message"]).encode() for vector in VECTORS["from_viewer"]),
        *(vector["text"].encode() for vector in VECTORS["refused_by_agent"]),
    )
    frames = (
        *(bytes.fromhex(vector["hex"]) for vector in VECTORS["reports"]),
        *encode_pieces(Format.TEXT, 1, "한글".encode()),
        *encode_pieces(Format.PNG, 2, PNG_SIGNATURE + bytes(64)),
    )
    motions = tuple(bytes.fromhex(vector["hex"]) for vector in VECTORS["motions"])
    host_channel = _json(
        {"type": "introduction", "secret": "s", "viewer": "v"},
        {"type": "relays-wanted", "request": 1},
        {"type": "sockets-wanted", "request": 2},
        {
            "type": "relays",
            "request": 1,
            "servers": [{"urls": ["turn:a"], "username": "u", "credential": "c"}],
        },
        {"type": "sockets", "request": 2},
        {"type": "refused", "request": 3, "reason": "r"},
    )
    yield [
        FuzzTarget("viewer", (*texts, *frames), feed_viewer),
        FuzzTarget("first-frame", (HELLO.encode(), *texts, *frames), feed_first_frame),
        FuzzTarget("pointer-motion", motions, feed_pointer_motion),
        FuzzTarget("host-channel", host_channel, feed_host_channel),
        FuzzTarget(
            "agent-page",
            _json([{"device": "d", "input_age_s": 1.5, "lost_age_s": None}], []),
            feed_agent_page,
        ),
    ]
