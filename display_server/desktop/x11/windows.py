"""The windows of programs: reads them, and asks the window manager to move them (EWMH)."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto

from display_server.desktop.x11.monitors import Monitor, reachable_position
from display_server.desktop.x11.rectangle import Area
from display_server.desktop.x11.window_fit import (
    HomePlace,
    ManagedWindow,
    Place,
    SizeHints,
    WindowMove,
)
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: How many 32-bit words of a property are read. A desktop never has as many windows.
_PROPERTY_MAX_WORDS = 4096
#: The property in which the agent keeps a window's place: monitor, then x, y, width and height in units of
#: `_PLACE_UNIT`. An agent that is restarted finds it again.
_PLACE = "_LIGHTBOX_PLACE"
_PLACE_UNIT = 1 / 65_536
_PLACE_DATA = struct.Struct("=5i")
#: A ClientMessage event of format 32: code, format, sequence, window, type, five u32.
_CLIENT_MESSAGE = struct.Struct("=BBHII5I")
#: _NET_MOVERESIZE_WINDOW: the position is that of the frame's upper left corner (NorthWestGravity), x, y,
#: width and height are given, and a pager asks.
_MOVE_RESIZE_FLAGS = 1 | 0b1111 << 8 | 2 << 12
#: _NET_WM_STATE: adds states. The source of a request is a pager.
_STATE_ADD, _SOURCE_PAGER = 1, 2
#: WM_NORMAL_HINTS: 18 words, of which the first are flags.
_HINT_MIN_SIZE, _HINT_MAX_SIZE, _HINT_STEP, _HINT_BASE_SIZE = 1 << 4, 1 << 5, 1 << 6, 1 << 8
_HINTS_WORDS = 18
_ATOMS = (
    "_NET_ACTIVE_WINDOW",
    "_NET_CLIENT_LIST",
    "_NET_FRAME_EXTENTS",
    "_NET_MOVERESIZE_WINDOW",
    "_NET_WM_STATE",
    "_NET_WM_STATE_FULLSCREEN",
    "_NET_WM_STATE_MAXIMIZED_HORZ",
    "_NET_WM_STATE_MAXIMIZED_VERT",
    "_NET_WM_WINDOW_TYPE",
    "_NET_WM_WINDOW_TYPE_DIALOG",
    "_NET_WM_WINDOW_TYPE_DOCK",
    "_NET_WM_WINDOW_TYPE_NORMAL",
    "_NET_WM_WINDOW_TYPE_UTILITY",
    "WM_STATE",
    _PLACE,
)


@dataclass(frozen=True, slots=True)
class ObservedWindows:
    """The windows that the window manager lists, the frames of panels by their ids.

    `managed` is false if there is no window manager.
    """

    managed: bool
    windows: tuple[ManagedWindow, ...] = ()
    panels: Mapping[int, Area] = field(default_factory=dict)


class Windows:
    """The windows of one X screen, over a connection of its own. Every call blocks for a few round trips."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        """Raises CaptureError, as every method does when the connection is lost."""
        self._connection = XConnection(display, xauthority, failure=CaptureError)
        self._core = self._connection.core
        self._root = self._connection.root
        cookies = {name: self._core.InternAtom(False, len(name), name) for name in _ATOMS}
        self._atoms = {name: int(cookie.reply().atom) for name, cookie in cookies.items()}
        ordinary = ("NORMAL", "DIALOG", "UTILITY")
        self._ordinary_types = {self._atoms[f"_NET_WM_WINDOW_TYPE_{kind}"] for kind in ordinary}

    def close(self) -> None:
        self._connection.close()

    def observe(self) -> ObservedWindows:
        """Returns the windows of programs and the panels, as they are now."""
        with self._connection.requests():
            listed = self._words(self._property(self._root, "_NET_CLIENT_LIST", xcffib.xproto.Atom.WINDOW))
            if listed is None:
                return ObservedWindows(managed=False)
            readings = [(window, self._request(window)) for window in listed]
            windows, panels = [], {}
            for window, cookies in readings:
                replies = [_reply(cookie) for cookie in cookies]
                if replies[0] is None or replies[1] is None:
                    continue  # the window was destroyed in the meantime
                found = self._describe(window, replies)
                if isinstance(found, ManagedWindow):
                    windows.append(found)
                elif found is not None:
                    panels[window] = found
        return ObservedWindows(True, tuple(windows), panels)

    def move(self, moves: Iterable[WindowMove], windows: Iterable[ManagedWindow]) -> None:
        """Asks the window manager for these moves of `windows`."""
        borders = {window.id: window.hints.border for window in windows}
        with self._connection.requests():
            for move in moves:
                if move.frame is not None:
                    width, height = (
                        max(1, side - border)
                        for side, border in zip(
                            (move.frame.width, move.frame.height), borders[move.window], strict=True
                        )
                    )
                    place = move.frame.x & 0xFFFFFFFF, move.frame.y & 0xFFFFFFFF, width, height
                    self._ask(move.window, "_NET_MOVERESIZE_WINDOW", _MOVE_RESIZE_FLAGS, *place)
                if move.maximise:
                    sides = (self._atoms[f"_NET_WM_STATE_MAXIMIZED_{side}"] for side in ("VERT", "HORZ"))
                    self._ask(move.window, "_NET_WM_STATE", _STATE_ADD, *sides, _SOURCE_PAGER)
                if move.activate:
                    self._ask(move.window, "_NET_ACTIVE_WINDOW", _SOURCE_PAGER)
            self._core.GetInputFocus().reply()

    def store(self, window: int, home: HomePlace) -> None:
        """Writes down where a window belongs, for the next process of the agent."""
        place = home.place
        values = [round(part / _PLACE_UNIT) for part in (place.x, place.y, place.width, place.height)]
        data = _PLACE_DATA.pack(home.monitor, *values)
        replace, kind = xcffib.xproto.PropMode.Replace, xcffib.xproto.Atom.INTEGER
        with self._connection.requests(), contextlib.suppress(xcffib.Error):  # the window was destroyed
            self._core.ChangePropertyChecked(
                replace, window, self._atoms[_PLACE], kind, 32, _PLACE_DATA.size // 4, data
            ).check()

    def forget(self, windows: Iterable[int]) -> None:
        """Deletes the stored places of those windows that their programs have hidden.

        A window that the window manager has released because it restarts keeps its WM_STATE, and its place.
        """
        anything = xcffib.xproto.GetPropertyType.Any
        with self._connection.requests():
            for window in windows:
                state = _reply(self._property(window, "WM_STATE", anything))
                if state is not None and state.format == 0:
                    with contextlib.suppress(xcffib.Error):  # the window was destroyed
                        self._core.DeletePropertyChecked(window, self._atoms[_PLACE]).check()

    def move_into_reach(self, monitors: Sequence[Monitor]) -> int:
        """Moves the windows of a display without window manager that are out of reach; returns how many."""
        moved = 0
        with self._connection.requests():
            for window in list(self._core.QueryTree(self._root).reply().children):
                try:
                    moved += self._move_into_reach(window, monitors)
                except xcffib.Error:
                    continue  # the window was destroyed in the meantime
            self._core.GetInputFocus().reply()
        return moved

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _request(self, window: int) -> tuple[Any, ...]:
        """Requests all that `_describe` needs. The replies of all windows are awaited together."""
        kinds = xcffib.xproto.Atom
        return (
            self._core.GetGeometry(window),
            self._core.TranslateCoordinates(window, self._root, 0, 0),
            self._property(window, "_NET_FRAME_EXTENTS", kinds.CARDINAL),
            self._property(window, "_NET_WM_STATE", kinds.ATOM),
            self._property(window, "_NET_WM_WINDOW_TYPE", kinds.ATOM),
            self._property(window, kinds.WM_TRANSIENT_FOR, kinds.WINDOW),
            self._property(window, kinds.WM_NORMAL_HINTS, kinds.WM_SIZE_HINTS),
            self._property(window, kinds.WM_CLASS, kinds.STRING),
            self._property(window, _PLACE, kinds.INTEGER),
        )

    def _describe(self, window: int, replies: Sequence[Any]) -> ManagedWindow | Area | None:
        """Returns a window, the area of a panel, or None for a window that keeps its place by itself."""
        shape, corner, extents, states, types, transient, hints, names, stored = replies
        left, right, top, bottom = [*self._list(extents), 0, 0, 0, 0][:4]
        frame = Area(
            corner.dst_x - left,
            corner.dst_y - top,
            shape.width + left + right,
            shape.height + top + bottom,
        )
        kinds = set(self._list(types))
        if self._atoms["_NET_WM_WINDOW_TYPE_DOCK"] in kinds:
            return frame
        if kinds and not kinds & self._ordinary_types:
            return None
        state = set(self._list(states))
        sides = {self._atoms[f"_NET_WM_STATE_MAXIMIZED_{side}"] for side in ("VERT", "HORZ")}
        dialog = self._atoms["_NET_WM_WINDOW_TYPE_DIALOG"] in kinds or bool(self._list(transient))
        return ManagedWindow(
            window,
            frame,
            _window_class(names),
            _size_hints(self._list(hints), (shape.width, shape.height), (left + right, top + bottom)),
            maximised=sides <= state,
            fullscreen=self._atoms["_NET_WM_STATE_FULLSCREEN"] in state,
            dialog=dialog,
            stored=_stored_place(stored),
        )

    def _ask(self, window: int, kind: str, *values: int) -> None:
        data = (*values, 0, 0, 0, 0, 0)[:5]
        message = _CLIENT_MESSAGE.pack(33, 32, 0, window, self._atoms[kind], *data)
        mask = xcffib.xproto.EventMask.SubstructureNotify | xcffib.xproto.EventMask.SubstructureRedirect
        self._core.SendEvent(False, self._root, mask, message)

    def _move_into_reach(self, window: int, monitors: Sequence[Monitor]) -> bool:
        attributes = self._core.GetWindowAttributes(window).reply()
        if attributes.map_state != xcffib.xproto.MapState.Viewable or attributes.override_redirect:
            return False
        shape = self._core.GetGeometry(window).reply()
        place = reachable_position((shape.x, shape.y, shape.width, shape.height), monitors)
        if place is None:
            return False
        mask = xcffib.xproto.ConfigWindow
        values = [coordinate & 0xFFFFFFFF for coordinate in place]
        self._core.ConfigureWindowChecked(window, mask.X | mask.Y, values).check()
        return True

    def _property(self, window: int, name: str | int, kind: int) -> Any:
        atom = self._atoms[name] if isinstance(name, str) else name
        return self._core.GetProperty(False, window, atom, kind, 0, _PROPERTY_MAX_WORDS)

    def _words(self, cookie: Any) -> list[int] | None:
        """Returns the words of a property, or None if the window does not have it."""
        reply = _reply(cookie)
        return None if reply is None or reply.format == 0 else self._list(reply)

    def _list(self, reply: Any) -> list[int]:
        if reply is None or reply.format != 32:
            return []
        return [int(word) for word in reply.value.to_atoms()]


def _reply(cookie: Any) -> Any:
    """Returns a reply, or None if the window was destroyed. A lost connection is still an error."""
    try:
        return cookie.reply()
    except xcffib.ConnectionException:
        raise
    except xcffib.Error:
        return None


def _window_class(reply: Any) -> str:
    """Returns the second part of WM_CLASS, which names the program."""
    if reply is None or reply.format != 8:
        return ""
    parts = bytes(reply.value.buf()).decode("latin-1").split("\0")
    return parts[1] if len(parts) > 1 else ""


def _stored_place(reply: Any) -> HomePlace | None:
    if reply is None or reply.format != 32:
        return None
    data = bytes(reply.value.buf())
    if len(data) != _PLACE_DATA.size:
        return None
    monitor, *parts = _PLACE_DATA.unpack(data)
    return HomePlace(monitor, Place(*(part * _PLACE_UNIT for part in parts)))


def _size_hints(words: Sequence[int], size: tuple[int, int], border: tuple[int, int]) -> SizeHints:
    """Reads WM_NORMAL_HINTS; `size` is that of the window without its frame, px."""
    if len(words) < _HINTS_WORDS:
        return SizeHints(border)
    flags = words[0]

    def pair(flag: int, index: int, default: tuple[int, int]) -> tuple[int, int]:
        return (words[index], words[index + 1]) if flags & flag else default

    least = pair(_HINT_MIN_SIZE, 5, (1, 1))
    most = pair(_HINT_MAX_SIZE, 7, (2**31, 2**31))
    base = pair(_HINT_BASE_SIZE, 15, pair(_HINT_MIN_SIZE, 5, (0, 0)))
    if least == most:
        return SizeHints(border, size, resizable=False)
    return SizeHints(border, (max(1, least[0]), max(1, least[1])), base, pair(_HINT_STEP, 9, (1, 1)))
