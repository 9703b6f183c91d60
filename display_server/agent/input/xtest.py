"""InputSink for any X display through XTEST: programs cannot tell the events from those of real devices.

Actions are executed in the order in which they were submitted. Actions that need no answer of the X server,
such as pointer motion, are executed at once unless an earlier one still waits. If the X server hangs, its
viewers lose their input, but the event loop is never blocked.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import xcffib.xproto
import xcffib.xtest

from display_server.agent.input import keysyms
from display_server.agent.input.input_sink import InputSink
from display_server.agent.input.keyboard import RELEASE, Keyboard
from display_server.agent.input.pressed_keys import PressedKeys
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import Malfunction

log = structlog.get_logger(__name__)

#: Units of `wheel` per notch, as in DOM and HID.
NOTCH = 120
#: Most notches that one `wheel` call executes; more are an error or an attack.
NOTCHES_MAX = 100
#: Most actions that wait for an X server which does not read. Motions replace each other, so these are keys
#: and clicks.
QUEUE_MAX = 4096
#: Input may be on its way to the X server without an answer for this time, s; further input waits in the
#: agent, where it can still be dropped.
UNCONFIRMED_MAX_S = 0.25
#: The X server is asked for an answer this long after input was sent, s: one answer confirms many motions.
CONFIRM_AFTER_S = 0.05
#: An X server that left one question unanswered for this time, s, hung. Input that waited as long for it is
#: dropped; a queue that is long, or a host that is busy, drops nothing.
HUNG_AFTER_S = 0.5
#: How long `close` waits for an X server that hangs, s.
CLOSE_TIMEOUT_S = 1.0
#: X button number of each bit of the mask in PROTOCOL.md §2.
BUTTONS = (1, 2, 3, 8, 9)
#: X button numbers that scroll by one notch.
WHEEL_UP, WHEEL_DOWN, WHEEL_LEFT, WHEEL_RIGHT = 4, 5, 6, 7

_BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 4, 5, 6  # event types of X11/X.h


class XtestInput:
    """The input devices of one display, with one session per viewer."""

    def __init__(self, display: str, xauthority: Path | None, *, patience: float = 1.0) -> None:
        self._display = display
        self._hung_after_s = HUNG_AFTER_S * patience
        self._xauthority = xauthority
        self._connection: XConnection | None = None
        self._keyboard: Keyboard | None = None
        self._xtest: Any = None
        self._buttons = PressedKeys()
        self._queue: deque[InputAction] = deque()
        self._wake = asyncio.Event()
        self._busy = False
        self._unconfirmed_s: float | None = None  # when the oldest input was sent that is not confirmed
        self._later_s: float | None = None  # the same for input that was sent after the question
        self._confirmed = asyncio.Event()
        self._hung_until_s = float("-inf")  # when the X server answered again after it hung
        self._worker: asyncio.Task[None] | None = None
        self._writable = select.poll()

    async def open(self) -> None:
        """Connects, and releases what an earlier agent may have left pressed. Raises Malfunction."""
        connection = XConnection(self._display, self._xauthority, failure=Malfunction)
        self._connection = connection
        self._xtest = connection.extension(xcffib.xtest, "XTEST")
        self._keyboard = Keyboard(connection)
        self._release_all(connection)
        connection.on_event = self._keyboard.on_event
        connection.on_lost = lambda _error: self._on_connection_lost()
        connection.watch()
        self._writable.register(connection.x.get_file_descriptor(), select.POLLOUT)
        self._worker = asyncio.create_task(self._work(), name="input")

    def open_session(self) -> InputSink:
        """Creates the input of one viewer, so that what the viewer holds is released when it disconnects."""
        return XtestSession(self)

    async def close(self) -> None:
        """Releases everything and disconnects. Safe to call twice."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError, Malfunction):
                await self._worker
            self._worker = None
        connection, keyboard = self._connection, self._keyboard
        if connection is None or keyboard is None:
            return
        if connection.lost is None and self._can_write():
            for keycode in keyboard.pressed_keys.numbers():
                self._xtest.FakeInput(RELEASE, keycode, 0, 0, 0, 0, 0)
            for button in self._buttons.numbers():
                self.send_button(button, down=False)
            keyboard.restore_spare_keys()
            keyboard.auto_repeat.restore()
            # The X server discards unread requests of a client that disconnects, so wait until it has read
            # them.
            with contextlib.suppress(Malfunction, TimeoutError):
                await asyncio.wait_for(connection.round_trip(), CLOSE_TIMEOUT_S)
        connection.close()

    @property
    def keyboard(self) -> Keyboard:
        if self._keyboard is None:
            raise Malfunction("The input is not open.")
        return self._keyboard

    @property
    def buttons(self) -> PressedKeys:
        return self._buttons

    def submit(self, action: InputAction) -> None:
        """Executes an action at once if possible, otherwise after those before it. Raises Malfunction."""
        connection = self._connection
        if connection is None:
            raise Malfunction("The input is not open.")
        connection.ensure_alive()
        waiting = self._busy or self._queue or self._is_held_back() or not self._can_write()
        if action.immediate is not None and not waiting:
            with connection.requests():
                action.immediate()
            connection.flush()
            self._on_sent()
            return
        action.submitted_s = asyncio.get_running_loop().time()
        replaces = action.replaces
        if replaces is not None and self._queue and self._queue[-1].replaces == replaces:
            self._queue.pop()
        elif len(self._queue) >= QUEUE_MAX:
            raise Malfunction(f"The X server of {self._display} does not accept input.")
        self._queue.append(action)
        self._wake.set()

    def send_motion(self, x_px: int, y_px: int) -> None:
        root = self._connection.root if self._connection else 0
        self._xtest.FakeInput(_MOTION, 0, 0, root, x_px, y_px, 0)

    def send_button(self, number: int, *, down: bool) -> None:
        self._xtest.FakeInput(_BUTTON_PRESS if down else _BUTTON_RELEASE, number, 0, 0, 0, 0, 0)

    async def _work(self) -> None:
        connection = self._connection
        assert connection is not None
        while connection.lost is None:
            await self._wake.wait()
            self._wake.clear()
            self._busy = True
            try:
                while self._queue and connection.lost is None:
                    with self._timed_wait():
                        await self._until_writable(connection)
                        await self._until_confirmed(connection)
                    if not self._queue:
                        break
                    action = self._queue.popleft()
                    if (
                        action.on_dropped is not None
                        and action.submitted_s < self._hung_until_s - self._hung_after_s
                    ):
                        with connection.requests():
                            action.on_dropped()
                        continue
                    with connection.requests():
                        if action.immediate is not None:
                            action.immediate()
                        elif action.waiting is not None:
                            with self._timed_wait():
                                await action.waiting()
                    self._on_sent()
                if connection.lost is None:
                    connection.flush()
            except Malfunction:
                break  # the next call of `submit` raises it to the caller
            finally:
                self._busy = False
        self._queue.clear()

    @contextlib.contextmanager
    def _timed_wait(self) -> Iterator[None]:
        """Notices an X server that hangs by the time for which the block waits for it."""
        loop, keyboard = asyncio.get_running_loop(), self.keyboard
        began_s, rested_s = loop.time(), keyboard.rested_s
        yield
        now_s = loop.time()
        if now_s - began_s - (keyboard.rested_s - rested_s) > self._hung_after_s:
            self._hung_until_s = now_s

    def _on_sent(self) -> None:
        """Input was sent. Asks the X server for an answer soon, unless it is asked already."""
        now_s = asyncio.get_running_loop().time()
        if self._unconfirmed_s is None:
            self._unconfirmed_s = now_s
            asyncio.get_running_loop().call_later(CONFIRM_AFTER_S, self._ask_for_confirmation)
        elif self._later_s is None:
            self._later_s = now_s

    def _ask_for_confirmation(self) -> None:
        connection = self._connection
        if connection is None or connection.lost is not None:
            return
        self._later_s = None
        with contextlib.suppress(Malfunction):  # the connection was lost: `on_lost` wakes who waits
            connection.round_trip(self._on_confirmed)

    def _on_confirmed(self) -> None:
        self._unconfirmed_s, self._later_s = self._later_s, None
        if self._unconfirmed_s is not None:
            asyncio.get_running_loop().call_later(CONFIRM_AFTER_S, self._ask_for_confirmation)
        self._confirmed.set()

    def _is_held_back(self) -> bool:
        """Returns whether so much input is unconfirmed that more must wait."""
        now_s = asyncio.get_running_loop().time()
        return self._unconfirmed_s is not None and now_s - self._unconfirmed_s >= UNCONFIRMED_MAX_S

    async def _until_confirmed(self, connection: XConnection) -> None:
        while self._is_held_back() and connection.lost is None:
            self._confirmed.clear()
            await self._confirmed.wait()

    def _on_connection_lost(self) -> None:
        self._wake.set()
        self._confirmed.set()

    def _can_write(self) -> bool:
        """Returns whether the socket takes what libxcb may buffer, 16 KiB.

        Linux says so at 3/4 free space.
        """
        return bool(self._writable.poll(0))

    async def _until_writable(self, connection: XConnection) -> None:
        if self._can_write():
            return
        loop, writable = asyncio.get_running_loop(), asyncio.Event()
        descriptor = connection.x.get_file_descriptor()
        loop.add_writer(descriptor, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(descriptor)

    def _release_all(self, connection: XConnection) -> None:
        self.keyboard.release_all()
        pressed = connection.core.QueryPointer(connection.root).reply().mask
        for number in range(1, 6):
            if pressed & xcffib.xproto.KeyButMask.Button1 << number - 1:
                self.send_button(number, down=False)


class InputAction:
    """One action of a session: `immediate` needs no answer of the X server, `waiting` does.

    Of several queued actions in a row with the same `replaces` only the last is executed. `on_dropped` is
    called instead of an action that waited too long; an action without it is always executed.
    """

    __slots__ = ("immediate", "on_dropped", "replaces", "submitted_s", "waiting")

    def __init__(
        self,
        *,
        immediate: Callable[[], None] | None = None,
        waiting: Callable[[], Awaitable[None]] | None = None,
        replaces: object = None,
        on_dropped: Callable[[], None] | None = None,
    ) -> None:
        self.immediate, self.waiting, self.replaces = immediate, waiting, replaces
        self.on_dropped = on_dropped
        self.submitted_s = 0.0  # when the action began to wait, on the loop's clock


class XtestSession:
    """The input of one viewer, an InputSink."""

    def __init__(self, device: XtestInput) -> None:
        self._device = device
        self.on_lost: Callable[[], None] = lambda: None
        self.on_modifier_missing: Callable[[], None] = lambda: None
        self._requested_buttons = 0  # mask of the latest `pointer` call
        self._pressed_buttons = 0  # mask of the buttons that were pressed on the display
        self._keys: dict[str, tuple[int, int]] = {}  # code → keysym, keycode
        #: Held modifiers that the display lacks: code → keysym. Without them a shortcut would type a letter.
        self._lacking: dict[str, int] = {}
        self._announced: set[int] = set()  # modifiers that were found to be lacking, by their first twin
        self._wheel = [0, 0]

    def pointer(self, x_px: int, y_px: int, buttons: int) -> None:
        replaces = (id(self), buttons) if buttons == self._requested_buttons else None
        self._requested_buttons = buttons
        dropped = self._drop if replaces is None else lambda: None  # a motion that is old is no loss
        self._device.submit(
            InputAction(
                immediate=lambda: self._point(x_px, y_px, buttons), replaces=replaces, on_dropped=dropped
            )
        )

    def wheel(self, dx: int, dy: int) -> None:
        for axis, delta in enumerate((dx, dy)):
            # A change of direction drops the remainder, which would swallow the first part of the scroll.
            remainder = self._wheel[axis] if self._wheel[axis] * delta > 0 else 0
            notches = int((remainder + delta) / NOTCH) if delta else 0
            if delta:
                self._wheel[axis] = remainder + delta - notches * NOTCH
            if notches:
                backward, forward = (WHEEL_LEFT, WHEEL_RIGHT) if axis == 0 else (WHEEL_UP, WHEEL_DOWN)
                button = forward if notches > 0 else backward
                scroll = partial(self._scroll, button, min(abs(notches), NOTCHES_MAX))
                self._device.submit(InputAction(immediate=scroll, on_dropped=self._drop))

    def key(self, keysym: int, code: str, *, down: bool) -> None:
        if keysym in keysyms.LOCKS:
            return
        if down:
            self._device.submit(
                InputAction(waiting=lambda: self._press_key(keysym, code), on_dropped=self._drop)
            )
        else:
            self._device.submit(InputAction(immediate=lambda: self._release_key(code)))

    def text(self, text: str) -> None:
        self._device.submit(
            InputAction(waiting=lambda: self._device.keyboard.type(text), on_dropped=self._drop)
        )

    def release(self) -> None:
        self._requested_buttons = 0
        self._wheel = [0, 0]
        with contextlib.suppress(Malfunction):  # without the X server nothing is pressed any more
            self._device.submit(InputAction(immediate=self._release_all))

    def _drop(self) -> None:
        """Releases everything instead of an action that waited too long, and tells the viewer."""
        self._release_all()
        self.on_lost()

    def _point(self, x_px: int, y_px: int, buttons: int) -> None:
        self._device.send_motion(x_px, y_px)
        self._set_buttons(buttons)

    def _set_buttons(self, buttons: int) -> None:
        changed = buttons ^ self._pressed_buttons
        self._pressed_buttons = buttons
        for bit, number in enumerate(BUTTONS):
            if changed >> bit & 1:
                down = bool(buttons >> bit & 1)
                pressed = self._device.buttons
                if pressed.press(number) if down else pressed.release(number):
                    self._device.send_button(number, down=down)

    def _scroll(self, button: int, count: int) -> None:
        for _ in range(count):
            self._device.send_button(button, down=True)
            self._device.send_button(button, down=False)

    async def _press_key(self, keysym: int, code: str) -> None:
        keyboard = self._device.keyboard
        if code in self._keys:
            earlier_keysym, keycode = self._keys[code]
            if earlier_keysym == keysym:
                await keyboard.repeat(keysym, keycode)
                return
            self._release_key(code)
        if self._would_mislead(keysym):
            return
        pressed = await keyboard.press(keysym)
        if pressed is not None:
            self._keys[code] = keysym, pressed
        elif keysym in keysyms.SHORTCUT_MODIFIERS | keysyms.SHIFTS:
            self._lacking[code] = keysym
            self._announce_missing(keysym)

    def _would_mislead(self, keysym: int) -> bool:
        """Returns whether a key would do something else than meant, as the display lacks a held modifier.

        Without a Shift key characters are still typed as meant, because each has a key of its own.
        """
        if not self._lacking or keysym in keysyms.MODIFIERS:
            return False
        command = any(held in keysyms.SHORTCUT_MODIFIERS for held, _ in self._keys.values())
        only_shift = keysyms.SHIFTS.issuperset(self._lacking.values())
        return command or not only_shift or not keysyms.is_printable(keysym)

    def _announce_missing(self, keysym: int) -> None:
        modifier = min(keysyms.modifier_family(keysym))
        if modifier in self._announced:
            return
        self._announced.add(modifier)
        log.warning("the display has no key for a modifier, so its shortcuts are dropped", keysym=keysym)
        self.on_modifier_missing()

    def _release_key(self, code: str) -> None:
        self._lacking.pop(code, None)
        if code in self._keys:
            self._device.keyboard.release(self._keys.pop(code)[1])

    def _release_all(self) -> None:
        for code in list(self._keys):
            self._release_key(code)
        self._lacking.clear()
        self._set_buttons(0)
