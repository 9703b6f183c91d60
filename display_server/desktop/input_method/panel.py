"""The ibus panel: receives ibus's calls over D-Bus, shows the candidate window and sends clicks back.

It draws with Pillow and without a toolkit, because Debian 12's own panel, ibus-ui-gtk3, crashes in the
libraries that draw for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xcffib.xproto
from jeepney import DBusAddress, HeaderFields, Message, MessageFlag, MessageType, new_error, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from display_server.desktop.input_method import fonts
from display_server.desktop.input_method.candidate_window import CandidateWindow, window_position
from display_server.desktop.input_method.hanja_dictionary import HanjaDictionary
from display_server.desktop.input_method.lookup_table import MODE_KEY, Page, PanelState, Rectangle
from display_server.desktop.input_method.mode_indicator import ModeIndicator
from display_server.desktop.input_method.mode_switch import ModeSwitch
from display_server.desktop.input_method.rendering import RenderedPage, render_page
from display_server.desktop.x11 import text_scale
from display_server.desktop.x11.caret import CaretProperty
from display_server.desktop.x11.randr import Randr
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import DesktopError

_INTERFACE = "org.freedesktop.IBus.Panel"
_PANEL = DBusAddress("/org/freedesktop/IBus/Panel", interface=_INTERFACE)
#: The reply to RequestName when this process owns the name.
_PRIMARY_OWNER = 1
_UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
_LEFT_BUTTON = 1
#: How many rows a wheel notch moves the cursor, by X button.
_WHEEL_ROWS = {4: -1, 5: 1}


class Panel:
    """Connects ibus, the panel's state and the candidate window."""

    def __init__(self, address: str, display: str, runtime_folder: Path) -> None:
        """Connects. Raises OSError, RuntimeError, DesktopError or ConfigurationError if that fails."""
        self._fonts = fonts.installed()
        self._connection = XConnection(display, None, failure=DesktopError)
        self._randr = Randr(display, None)
        self._window = CandidateWindow(self._connection)
        self._caret = CaretProperty(self._connection)
        self._mode = ModeIndicator(runtime_folder)
        self._switch = ModeSwitch(runtime_folder)
        self._state = PanelState()
        self._dictionary = HanjaDictionary()
        #: What the window shows; None while it is hidden.
        self._rendered: RenderedPage | None = None
        self._shown: tuple[Page, Rectangle | None] | None = None
        self._bus = open_dbus_connection(address)

    async def run(self) -> None:
        """Runs until ibus or the X server ends; then raises the error of that connection."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def on_lost(error: Exception) -> None:
            if not ended.done():
                ended.set_exception(error)

        def on_readable(read: Callable[[], None]) -> None:
            try:
                read()
            except Exception as error:  # the process ends and is started again, whatever the error was
                on_lost(error)

        self._connection.on_event = self._on_event
        self._connection.on_lost = on_lost
        self._connection.watch()
        self._bus.send(message_bus.RequestName(_INTERFACE, 0))
        loop.add_reader(self._bus.sock, on_readable, self._read_bus)
        loop.add_reader(self._switch.fileno(), on_readable, self._read_clicks)
        await ended

    def _read_bus(self) -> None:
        """Handles all messages that have arrived, then updates the window once."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._handle_message(self._bus.receive(timeout=0))
        self._caret.write(self._state.focused_caret)
        self._mode.show(self._state.hangul)
        self._update_window()

    def _read_clicks(self) -> None:
        """Switches between Hangul and Latin letters, as 한/영 does, when the panel's indicator was clicked.

        Without a program that takes text ibus ignores the signal, and the indicator keeps its mode.
        """
        hangul = self._state.hangul
        if self._switch.clicks() % 2 and hangul is not None:
            self._bus.send(new_signal(_PANEL, "PropertyActivate", "su", (MODE_KEY, int(not hangul))))

    def _handle_message(self, message: Message) -> None:
        header = message.header
        if header.message_type is MessageType.error:
            raise DesktopError(f"ibus refused a request: {message.body}")
        if header.message_type is MessageType.method_return and message.body != (_PRIMARY_OWNER,):
            raise DesktopError("ibus has another panel: start ibus-daemon with --panel=disable.")
        if header.message_type is not MessageType.method_call:
            return
        if header.fields.get(HeaderFields.interface) == _INTERFACE:
            self._state.handle_call(header.fields[HeaderFields.member], message.body)
        if not header.flags & MessageFlag.no_reply_expected:
            self._bus.send(new_error(message, _UNKNOWN_METHOD))

    def _update_window(self) -> None:
        page = self._state.page()
        shown = None if page is None else (page, self._state.caret)
        if shown == self._shown:
            return
        self._shown = shown
        if page is None:
            self._rendered = None
            self._window.hide()
            return
        current = next((row.candidate for row in page.rows if row.current), "")
        meanings = self._dictionary.meanings(current, page.auxiliary)
        scale_percent = text_scale.percent_of(self._connection)
        width_min_px = self._rendered.image.width if self._rendered is not None else 0
        self._rendered = render_page(page, meanings, self._fonts, scale_percent, width_min_px)
        caret = self._state.caret or self._pointer_position()
        monitors = self._randr.read().monitors
        self._window.show(self._rendered.image, window_position(self._rendered.image.size, caret, monitors))

    def _pointer_position(self) -> Rectangle:
        """Returns the pointer's position, which is near the caret if the person has just clicked there.

        It is used until ibus sends the position of the caret, which it does only when the caret moves.
        """
        with self._connection.requests():
            pointer = self._connection.core.QueryPointer(self._connection.root).reply()
        return pointer.root_x, pointer.root_y, 0, 0

    def _on_event(self, event: Any) -> None:
        if not isinstance(event, xcffib.xproto.ButtonPressEvent) or self._rendered is None:
            return
        if event.detail in _WHEEL_ROWS:
            self._move_cursor(_WHEEL_ROWS[event.detail])
        elif event.detail == _LEFT_BUTTON:
            row = self._rendered.row_at(event.event_y)
            if row is None:
                pages = self._rendered.pages_at(event.event_x, event.event_y)
                self._move_cursor(pages * self._state.table.page_size)
            else:
                # ibus-hangul expects an index among all candidates, not among those of the page.
                clicked = self._state.table.first + row, event.detail, event.state
                self._bus.send(new_signal(_PANEL, "CandidateClicked", "uuu", clicked))

    def _move_cursor(self, rows: int) -> None:
        """Moves the cursor row by row, because ibus-hangul ignores PageUp and PageDown of the panel."""
        for _ in range(abs(rows)):
            self._bus.send(new_signal(_PANEL, "CursorDown" if rows > 0 else "CursorUp"))
