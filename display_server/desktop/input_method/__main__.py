"""`python -m display_server.desktop.input_method ADDRESS`: shows the list for the ibus at this D-Bus address.

Ends when ibus or the X server does. It speaks D-Bus to ibus and draws by itself: Debian 12's own panel
crashes in the libraries that draw for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Any

import xcffib.xproto
from jeepney import DBusAddress, HeaderFields, Message, MessageFlag, MessageType, new_error, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from display_server.desktop.input_method import fonts
from display_server.desktop.input_method.meanings import Meanings
from display_server.desktop.input_method.picture import Picture, draw
from display_server.desktop.input_method.table import CandidateList, Page, Rectangle
from display_server.desktop.input_method.window import ListWindow, placed
from display_server.desktop.x11 import text_scale
from display_server.desktop.x11.randr import Randr
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import ConfigurationError, DesktopError

_NAME = "org.freedesktop.IBus.Panel"
_PANEL = DBusAddress("/org/freedesktop/IBus/Panel", interface=_NAME)
_PRIMARY_OWNER = 1
_UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
#: Buttons of the pointer, and the rows by which a notch of the wheel moves.
_LEFT = 1
_WHEEL = {4: -1, 5: 1}


class Panel:
    """Joins the connection to ibus, the list and its window."""

    def __init__(self, address: str, display: str) -> None:
        """Raises OSError, RuntimeError, DesktopError or ConfigurationError for what does not answer."""
        self._fonts = fonts.installed()
        self._connection = XConnection(display, None, failure=DesktopError)
        self._monitors = Randr(display, None)
        self._window = ListWindow(self._connection)
        self._list = CandidateList()
        self._meanings = Meanings()
        self._picture: Picture | None = None
        self._shown: tuple[Page, Rectangle | None] | None = None
        self._bus = open_dbus_connection(address)

    async def run(self) -> None:
        """Until ibus or the X server ends."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def lost(error: Exception) -> None:
            if not ended.done():
                ended.set_exception(error)

        def readable() -> None:
            try:
                self._read_bus()
            except Exception as error:  # whatever it was, we are started again
                lost(error)

        self._connection.on_event = self._on_event
        self._connection.on_lost = lost
        self._connection.watch()
        self._bus.send(message_bus.RequestName(_NAME, 0))
        loop.add_reader(self._bus.sock, readable)
        await ended

    def _read_bus(self) -> None:
        """Everything that has arrived, and then one picture of it."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._take(self._bus.receive(timeout=0))
        self._show()

    def _take(self, message: Message) -> None:
        header = message.header
        if header.message_type is MessageType.error:
            raise DesktopError(f"ibus refused: {message.body}")
        if header.message_type is MessageType.method_return and message.body != (_PRIMARY_OWNER,):
            raise DesktopError("ibus has another panel: start ibus-daemon with --panel=disable.")
        if header.message_type is not MessageType.method_call:
            return
        if header.fields.get(HeaderFields.interface) == _NAME:
            self._list.tell(header.fields[HeaderFields.member], message.body)
        if not header.flags & MessageFlag.no_reply_expected:
            self._bus.send(new_error(message, _UNKNOWN_METHOD))

    def _show(self) -> None:
        page = self._list.page()
        shown = None if page is None else (page, self._list.caret)
        if shown == self._shown:
            return
        self._shown = shown
        if page is None:
            self._picture = None
            self._window.hide()
            return
        current = next((row.candidate for row in page.rows if row.current), "")
        meanings = self._meanings.of(current, page.auxiliary)
        percent = text_scale.percent_of(self._connection)
        least_px = self._picture.image.width if self._picture is not None else 0
        self._picture = draw(page, meanings, self._fonts, percent, least_px)
        caret = self._list.caret or self._pointer()
        at = placed(self._picture.image.size, caret, self._monitors.read().monitors)
        self._window.show(self._picture.image, at)

    def _pointer(self) -> Rectangle:
        """Where a person clicked last is the next best place: ibus tells the caret only when it moves."""
        with self._connection.requests():
            pointer = self._connection.core.QueryPointer(self._connection.root).reply()
        return pointer.root_x, pointer.root_y, 0, 0

    def _on_event(self, event: Any) -> None:
        if not isinstance(event, xcffib.xproto.ButtonPressEvent) or self._picture is None:
            return
        if event.detail in _WHEEL:
            self._move(_WHEEL[event.detail])
        elif event.detail == _LEFT:
            row = self._picture.row_at(event.event_y)
            if row is None:
                pages = self._picture.pages_at(event.event_x, event.event_y)
                self._move(pages * self._list.table.page_size)
            else:
                # Counted from the first of all: so ibus-hangul takes it, whichever page is shown.
                clicked = self._list.table.first + row, event.detail, event.state
                self._bus.send(new_signal(_PANEL, "CandidateClicked", "uuu", clicked))

    def _move(self, rows: int) -> None:
        """Row by row: ibus-hangul passes over PageUp and PageDown when the panel asks for them."""
        for _ in range(abs(rows)):
            self._bus.send(new_signal(_PANEL, "CursorDown" if rows > 0 else "CursorUp"))


def main() -> int:
    """Returns the exit code."""
    if len(sys.argv) != 2 or "DISPLAY" not in os.environ:
        print("usage: DISPLAY=… python -m display_server.desktop.input_method ADDRESS", file=sys.stderr)
        return 2
    try:
        asyncio.run(Panel(sys.argv[1], os.environ["DISPLAY"]).run())
    except (OSError, RuntimeError, DesktopError, ConfigurationError) as error:
        print(f"candidates: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
