"""Times parsing and writing of protocol messages, and of updates and digests against copying the same
bytes."""

from __future__ import annotations

import json

import numpy as np
from display_codecs import TileGrid, digest_tiles, encode_tiles

from benchmarks.content.frames import frame
from benchmarks.micro.figure import Figure, interleaved_ms
from display_server.protocol.messages import Cursor, State, encode_agent_message, parse_viewer_message
from display_server.protocol.wire import UpdateWriter

#: Messages of each kind per turn.
MESSAGES = 1000


def wire(turns: int = 9) -> list[Figure]:
    """Measures messages in µs each, and updates and digests in ms."""
    pointer = json.dumps({"type": "pointer", "x": 700, "y": 300, "buttons": 1})
    ack = json.dumps({"type": "ack", "monitor": 0, "epoch": 9, "received": 1.5, "decoded": 2.5, "shown": 3.5})
    state, cursor = State(0, 9, "exact", 1.5, None), Cursor(16, 16, 1, 1, "iVBORw0KGgo=")
    rgba = frame("stack", 40)
    grid = TileGrid(1024, 1024)
    tiles = np.arange(grid.count)
    encoded = encode_tiles(rgba, grid, tiles)
    payloads = [encoded.payload(index) for index in range(grid.count)]

    def update() -> bytes:
        writer = UpdateWriter(0, 9, 1, reset=False)
        writer.tiles(tiles.tolist(), payloads)
        return writer.finish(partial=False)

    size, whole = len(update()), rgba.tobytes()
    times = interleaved_ms(
        {
            "pointer, read": lambda: [parse_viewer_message(pointer) for _ in range(MESSAGES)],
            "ack, read": lambda: [parse_viewer_message(ack) for _ in range(MESSAGES)],
            "state, written": lambda: [encode_agent_message(state) for _ in range(MESSAGES)],
            "cursor, written": lambda: [encode_agent_message(cursor) for _ in range(MESSAGES)],
            "update of 256 tiles, written": update,
            "its bytes, copied": lambda: bytearray(b"".join(payloads)),
            "digests of 1024²": lambda: digest_tiles(rgba, grid, tiles, 1),
            "its pixels, copied": lambda: bytearray(whole),
        },
        turns,
    )
    found = [
        Figure("wire", name, times[name], "µs each")  # ms per thousand messages
        for name in ("pointer, read", "ack, read", "state, written", "cursor, written")
    ]
    written = times["update of 256 tiles, written"]
    copied = times["its bytes, copied"]
    found.append(
        Figure("wire", f"update of 256 tiles, {size} bytes", written, "ms", written / copied, "copying them")
    )
    digests, pixels = times["digests of 1024²"], times["its pixels, copied"]
    found.append(Figure("digest", "1024² px", digests, "ms", digests / pixels, "copying the pixels"))
    return found
