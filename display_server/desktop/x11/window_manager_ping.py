"""Finds out whether the window manager of a display answers, without a visible effect.

EWMH's `_NET_REQUEST_FRAME_EXTENTS` asks the window manager for the size of the frame that a window would get.
It answers by setting a property of that window, which may be one that is never mapped. `_NET_WM_PING` is no
alternative: with it the window manager asks a program.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import Any

import xcffib.xproto

from display_server.desktop.x11.x_connection import XConnection

#: Interval between two questions, s.
INTERVAL_S = 1.0
#: A window manager that did not answer a question for this time, s, is silent.
SILENT_AFTER_S = 2.5
#: A ClientMessage of format 32: code, format, sequence, window, type, five u32.
_CLIENT_MESSAGE = struct.Struct("=BBHII5I")
#: Atoms that a window manager may list as supported, at most.
_SUPPORTED_MAX = 4096


class WindowManagerPing:
    """Asks the window manager of one display, over a connection of its own.

    A window manager that lacks the request is never asked.
    """

    def __init__(self, display: str, xauthority: Path | None, *, patience: float = 1.0) -> None:
        self._display = display
        self._xauthority = xauthority
        self._silent_after_s = SILENT_AFTER_S * patience
        self._connection: XConnection | None = None
        self._asked_s: float | None = None
        self._window = 0
        #: Answers so far.
        self.answers = 0
        self._atoms: dict[str, int] = {}

    async def open(self) -> None:
        """Connects. Raises Malfunction."""
        connection = XConnection(self._display, self._xauthority)
        self._connection = connection
        for name in ("_NET_REQUEST_FRAME_EXTENTS", "_NET_FRAME_EXTENTS", "_NET_SUPPORTED"):
            self._atoms[name] = int(connection.core.InternAtom(False, len(name), name).reply().atom)
        self._window = connection.x.generate_id()
        connection.core.CreateWindow(
            0,
            self._window,
            connection.root,
            0,
            0,
            1,
            1,
            0,
            xcffib.xproto.WindowClass.InputOutput,
            0,
            xcffib.xproto.CW.EventMask,
            [xcffib.xproto.EventMask.PropertyChange],
        )
        connection.on_event = self._on_event
        connection.watch()

    async def run(self) -> None:
        """Asks at an interval until it is cancelled. Raises Malfunction when the connection is lost."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(INTERVAL_S)
            if not await self._is_supported():
                self._asked_s = None
                continue
            # A question that was not answered is repeated: the window manager may be another one by now.
            self._ask()
            if self._asked_s is None:
                self._asked_s = loop.time()

    def is_silent(self) -> bool:
        """Returns whether the window manager has not answered for some seconds."""
        return (
            self._asked_s is not None
            and asyncio.get_running_loop().time() - self._asked_s > self._silent_after_s
        )

    async def close(self) -> None:
        """Disconnects. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()

    async def _is_supported(self) -> bool:
        connection = self._require_open()
        with connection.requests():
            cookie = connection.core.GetProperty(
                False,
                connection.root,
                self._atoms["_NET_SUPPORTED"],
                xcffib.xproto.Atom.ATOM,
                0,
                _SUPPORTED_MAX,
            )
        await connection.round_trip()
        reply = cookie.reply()
        return self._atoms["_NET_REQUEST_FRAME_EXTENTS"] in list(reply.value.to_atoms())

    def _ask(self) -> None:
        connection = self._require_open()
        kind = self._atoms["_NET_REQUEST_FRAME_EXTENTS"]
        message = _CLIENT_MESSAGE.pack(33, 32, 0, self._window, kind, 0, 0, 0, 0, 0)
        mask = xcffib.xproto.EventMask.SubstructureNotify | xcffib.xproto.EventMask.SubstructureRedirect
        with connection.requests():
            connection.core.SendEvent(False, connection.root, mask, message)
        connection.flush()

    def _on_event(self, event: Any) -> None:
        if (
            isinstance(event, xcffib.xproto.PropertyNotifyEvent)
            and event.window == self._window
            and event.atom == self._atoms["_NET_FRAME_EXTENTS"]
        ):
            self._asked_s = None
            self.answers += 1

    def _require_open(self) -> XConnection:
        assert self._connection is not None, "open() comes first"
        return self._connection
