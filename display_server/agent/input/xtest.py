"""InputSink for any X display by XTEST: it arrives as if from real devices, in toolkits old and new.

Orders are done in the order in which they came. Pointer motion goes out at once unless something before it
still waits for the server; a server that hangs costs its viewers their input, never the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import xcffib.xproto
import xcffib.xtest

from display_server.agent.input import keysyms
from display_server.agent.input.holds import Holds
from display_server.agent.input.input_sink import InputSink
from display_server.agent.input.keyboard import RELEASE, Keyboard
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import Malfunction

#: 1/120 of a notch is the unit of `wheel`, as in DOM and HID.
NOTCH = 120
#: More notches than this at once are a mistake or malice.
NOTCHES_MAX = 100
#: Orders that wait for a server that does not read. Motion replaces motion, so these are keys and clicks.
ORDERS_MAX = 4096
#: How long a server that hangs may hold up our end.
GOODBYE_S = 1.0
#: PROTOCOL.md's mask, bit by bit, in X's numbers.
BUTTONS = (1, 2, 3, 8, 9)
WHEEL_UP, WHEEL_DOWN, WHEEL_LEFT, WHEEL_RIGHT = 4, 5, 6, 7

_BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 4, 5, 6  # X11/X.h's event types


class XtestInput:
    """Hands for the viewers of one display: `open`, then a `holder()` for each viewer, `close` at the end."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        self._display = display
        self._xauthority = xauthority
        self._connection: XConnection | None = None
        self._keyboard: Keyboard | None = None
        self._xtest: Any = None
        self._buttons = Holds()
        self._orders: deque[Order] = deque()
        self._wake = asyncio.Event()
        self._busy = False
        self._worker: asyncio.Task[None] | None = None
        self._writable = select.poll()

    async def open(self) -> None:
        """Connects, and lets go of what an earlier process may have left pressed. Raises Malfunction."""
        connection = XConnection(self._display, self._xauthority, failure=Malfunction)
        self._connection = connection
        self._xtest = connection.extension(xcffib.xtest, "XTEST")
        self._keyboard = Keyboard(connection)
        self._lift_everything(connection)
        connection.on_event = self._keyboard.on_event
        connection.on_lost = lambda _error: self._wake.set()
        connection.watch()
        self._writable.register(connection.x.get_file_descriptor(), select.POLLOUT)
        self._worker = asyncio.create_task(self._work(), name="input")

    def holder(self) -> InputSink:
        return XtestSession(self)

    async def close(self) -> None:
        """Lets go of everything. Safe to call twice."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError, Malfunction):
                await self._worker
            self._worker = None
        connection, keyboard = self._connection, self._keyboard
        if connection is None or keyboard is None:
            return
        if connection.lost is None and self._can_write():
            for keycode in keyboard.holds.held():
                self._xtest.FakeInput(RELEASE, keycode, 0, 0, 0, 0, 0)
            for button in self._buttons.held():
                self.button(button, down=False)
            keyboard.forget_bindings()
            # The server drops unread what a client sent that hung up meanwhile, so it has to answer first.
            with contextlib.suppress(Malfunction, TimeoutError):
                await asyncio.wait_for(connection.round_trip(), GOODBYE_S)
        connection.close()

    @property
    def keyboard(self) -> Keyboard:
        if self._keyboard is None:
            raise Malfunction("The input is not open.")
        return self._keyboard

    @property
    def buttons(self) -> Holds:
        return self._buttons

    def order(self, order: Order) -> None:
        """Does it now if nothing stands before it and it needs no answer. Raises Malfunction."""
        connection = self._connection
        if connection is None:
            raise Malfunction("The input is not open.")
        connection.alive()
        if order.at_once is not None and not self._busy and not self._orders and self._can_write():
            with connection.requests():
                order.at_once()
            connection.flush()
            return
        if order.replaces is not None and self._orders and self._orders[-1].replaces == order.replaces:
            self._orders.pop()
        elif len(self._orders) >= ORDERS_MAX:
            raise Malfunction(f"The X server of {self._display} does not take input.")
        self._orders.append(order)
        self._wake.set()

    def move(self, x_px: int, y_px: int) -> None:
        root = self._connection.root if self._connection else 0
        self._xtest.FakeInput(_MOTION, 0, 0, root, x_px, y_px, 0)

    def button(self, number: int, *, down: bool) -> None:
        self._xtest.FakeInput(_BUTTON_PRESS if down else _BUTTON_RELEASE, number, 0, 0, 0, 0, 0)

    async def _work(self) -> None:
        connection = self._connection
        assert connection is not None
        while connection.lost is None:
            await self._wake.wait()
            self._wake.clear()
            self._busy = True
            try:
                while self._orders and connection.lost is None:
                    await self._until_writable(connection)
                    order = self._orders.popleft()
                    with connection.requests():
                        if order.at_once is not None:
                            order.at_once()
                        elif order.task is not None:
                            await order.task()
                if connection.lost is None:
                    connection.flush()
            except Malfunction:
                break  # the next call tells whoever calls
            finally:
                self._busy = False
        self._orders.clear()

    def _can_write(self) -> bool:
        """Whether the socket takes what libxcb may hold (16 KiB); Linux says so while 3/4 are free."""
        return bool(self._writable.poll(0))

    async def _until_writable(self, connection: XConnection) -> None:
        if self._can_write():
            return
        loop, free = asyncio.get_running_loop(), asyncio.Event()
        descriptor = connection.x.get_file_descriptor()
        loop.add_writer(descriptor, free.set)
        try:
            await free.wait()
        finally:
            loop.remove_writer(descriptor)

    def _lift_everything(self, connection: XConnection) -> None:
        self.keyboard.lift_everything()
        held = connection.core.QueryPointer(connection.root).reply().mask
        for number in range(1, 6):
            if held & xcffib.xproto.KeyButMask.Button1 << number - 1:
                self.button(number, down=False)


class Order:
    """To do: `at_once` needs no answer, `task` does. Of equal `replaces` in a row the last counts."""

    __slots__ = ("at_once", "replaces", "task")

    def __init__(
        self,
        *,
        at_once: Callable[[], None] | None = None,
        task: Callable[[], Awaitable[None]] | None = None,
        replaces: object = None,
    ) -> None:
        self.at_once, self.task, self.replaces = at_once, task, replaces


class XtestSession:
    """One viewer's hands."""

    def __init__(self, device: XtestInput) -> None:
        self._device = device
        self._mask = 0  # as the viewer last said
        self._held_mask = 0  # as done
        self._keys: dict[str, tuple[int, int]] = {}  # code → keysym, keycode
        self._wheel = [0, 0]

    def pointer(self, x_px: int, y_px: int, buttons: int) -> None:
        replaces = (id(self), buttons) if buttons == self._mask else None
        self._mask = buttons
        self._device.order(Order(at_once=lambda: self._point(x_px, y_px, buttons), replaces=replaces))

    def wheel(self, dx: int, dy: int) -> None:
        for axis, delta in enumerate((dx, dy)):
            # turning back starts anew: a rest of the other direction would swallow the first part
            rest = self._wheel[axis] if self._wheel[axis] * delta > 0 else 0
            notches = int((rest + delta) / NOTCH) if delta else 0
            if delta:
                self._wheel[axis] = rest + delta - notches * NOTCH
            if notches:
                backward, forward = (WHEEL_LEFT, WHEEL_RIGHT) if axis == 0 else (WHEEL_UP, WHEEL_DOWN)
                button = forward if notches > 0 else backward
                turn = partial(self._turn, button, min(abs(notches), NOTCHES_MAX))
                self._device.order(Order(at_once=turn))

    def key(self, keysym: int, code: str, *, down: bool) -> None:
        if keysym in keysyms.LOCKS:
            return
        if down:
            self._device.order(Order(task=lambda: self._press(keysym, code)))
        else:
            self._device.order(Order(at_once=lambda: self._let_go(code)))

    def text(self, text: str) -> None:
        self._device.order(Order(task=lambda: self._device.keyboard.type(text)))

    def release(self) -> None:
        self._mask = 0
        self._wheel = [0, 0]
        with contextlib.suppress(Malfunction):  # the server is gone, and with it what was held
            self._device.order(Order(at_once=self._let_everything_go))

    def _point(self, x_px: int, y_px: int, buttons: int) -> None:
        self._device.move(x_px, y_px)
        self._hold(buttons)

    def _hold(self, buttons: int) -> None:
        changed = buttons ^ self._held_mask
        self._held_mask = buttons
        for bit, number in enumerate(BUTTONS):
            if changed >> bit & 1:
                down = bool(buttons >> bit & 1)
                holds = self._device.buttons
                if holds.take(number) if down else holds.let_go(number):
                    self._device.button(number, down=down)

    def _turn(self, button: int, count: int) -> None:
        for _ in range(count):
            self._device.button(button, down=True)
            self._device.button(button, down=False)

    async def _press(self, keysym: int, code: str) -> None:
        keyboard = self._device.keyboard
        if code in self._keys:
            earlier, keycode = self._keys[code]
            if earlier == keysym:
                await keyboard.repeat(keysym, keycode)
                return
            self._let_go(code)
        pressed = await keyboard.press(keysym)
        if pressed is not None:
            self._keys[code] = keysym, pressed

    def _let_go(self, code: str) -> None:
        if code in self._keys:
            self._device.keyboard.release(self._keys.pop(code)[1])

    def _let_everything_go(self) -> None:
        for code in list(self._keys):
            self._let_go(code)
        self._hold(0)
