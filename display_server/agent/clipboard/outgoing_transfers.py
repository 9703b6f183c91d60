"""Transfers clipboard content to programs that paste; large content in chunks, as ICCCM's INCR requires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import xcffib.xproto

#: Content per property, bytes; well below what any X server accepts in one request.
CHUNK_BYTES = 128 * 1024
#: A transfer is abandoned when the program has not read the current chunk after this time, s.
CHUNK_TIMEOUT_S = 10.0
#: Most transfers of large content at the same time; more are refused.
TRANSFERS_MAX = 8


class OutgoingTransfers:
    """The running transfers, by window and property.

    `core` sends core requests to the X server; `incr` is the atom INCR.
    """

    def __init__(self, core: Any, incr: int) -> None:
        self._core = core
        self._incr = incr
        self._transfers: dict[tuple[int, int], _Transfer] = {}

    def start(self, window: int, prop: int, kind: int, content: bytes) -> bool:
        """Writes the content, or the announcement of an INCR transfer, into the program's property.

        `kind` is the atom of the property's type. Returns False if there are too many transfers.
        """
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

    def on_property_deleted(self, window: int, prop: int) -> bool:
        """The program has read a chunk: writes the next one.

        Returns False if no transfer uses the property.
        """
        transfer = self._transfers.get((window, prop))
        if transfer is None:
            return False
        chunk = transfer.next_chunk()
        self._write(window, prop, transfer.kind, chunk)
        if not chunk:  # an empty chunk ends the transfer
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
    def __init__(self, kind: int, content: bytes, on_timeout: Callable[[], object]) -> None:
        self.kind = kind
        self._content = content
        self._offset = 0
        self._on_timeout = on_timeout
        self._timer = self._start_timer()

    def next_chunk(self) -> bytes:
        self._timer.cancel()
        self._timer = self._start_timer()
        chunk = self._content[self._offset : self._offset + CHUNK_BYTES]
        self._offset += len(chunk)
        return chunk

    def close(self) -> None:
        self._timer.cancel()

    def _start_timer(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(CHUNK_TIMEOUT_S, self._on_timeout)
