"""Content on its way to a program that pastes, as ICCCM's INCR wants it when it is large."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import xcffib.xproto

#: Bytes per property: well below what any X server takes in one request.
CHUNK_BYTES = 128 * 1024
#: A program that does not take the next chunk within this has lost interest, s.
TAKE_WITHIN_S = 10.0
#: Programs that paste large content at the same time; more is malice.
TRANSFERS_MAX = 8


class Outgoing:
    """Transfers by window and property. `core` are the X server's core requests."""

    def __init__(self, core: Any, incr: int) -> None:
        self._core = core
        self._incr = incr
        self._transfers: dict[tuple[int, int], _Transfer] = {}

    def begin(self, window: int, prop: int, kind: int, content: bytes) -> bool:
        """Puts the content, or its announcement, into the program's property. False when it cannot."""
        if len(content) <= CHUNK_BYTES:
            self._write(window, prop, kind, content)
            return True
        if len(self._transfers) >= TRANSFERS_MAX or (window, prop) in self._transfers:
            return False
        key = (window, prop)
        self._transfers[key] = _Transfer(kind, content, lambda: self._transfers.pop(key, None))
        mask = xcffib.xproto.EventMask.PropertyChange
        self._core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [mask])
        size = len(content)
        self._core.ChangeProperty(xcffib.xproto.PropMode.Replace, window, prop, self._incr, 32, 1, [size])
        return True

    def deleted(self, window: int, prop: int) -> bool:
        """The program has taken a chunk. False when it is none of ours."""
        transfer = self._transfers.get((window, prop))
        if transfer is None:
            return False
        chunk = transfer.next()
        self._write(window, prop, transfer.kind, chunk)
        if not chunk:  # an empty one ends it
            self._transfers.pop((window, prop)).close()
            self._core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [0])
        return True

    def close(self) -> None:
        for transfer in self._transfers.values():
            transfer.close()
        self._transfers.clear()

    def _write(self, window: int, prop: int, kind: int, data: bytes) -> None:
        mode = xcffib.xproto.PropMode.Replace
        self._core.ChangeProperty(mode, window, prop, kind, 8, len(data), data)


class _Transfer:
    def __init__(self, kind: int, content: bytes, given_up: Callable[[], object]) -> None:
        self.kind = kind
        self._content = content
        self._offset = 0
        self._given_up = given_up
        self._timer = self._wait()

    def next(self) -> bytes:
        self._timer.cancel()
        self._timer = self._wait()
        chunk = self._content[self._offset : self._offset + CHUNK_BYTES]
        self._offset += len(chunk)
        return chunk

    def close(self) -> None:
        self._timer.cancel()

    def _wait(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(TAKE_WITHIN_S, self._given_up)
