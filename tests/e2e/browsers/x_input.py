"""Mouse and keyboard of an X server by XTEST, so that a browser receives the events of real devices.

The engines' own automation simplifies input (wheel turns in pixels only, only the characters of a US
keyboard, inconsistent button states), but the product must handle real events.
"""

from __future__ import annotations

import time
from typing import Any

import xcffib
import xcffib.xproto
import xcffib.xtest

KEY_PRESS, KEY_RELEASE, BUTTON_PRESS, BUTTON_RELEASE, MOTION = 2, 3, 4, 5, 6
WHEEL_UP, WHEEL_DOWN = 4, 5
#: Delay after a change of the keyboard map, s, in which programs read it. A key pressed earlier would have
#: its old meaning.
MAP_SETTLES_S = 0.15
#: Number of spare keys. They are used in turn, so that a key that is still being handled keeps its meaning.
SPARE_KEYS = 8

#: Delay after a key event, s. Browsers queue mouse and keys separately and may reorder faster events; no
#: person is faster.
KEY_INTERVAL_S = 0.004
#: Delay after a button event, s, for the same reason.
BUTTON_INTERVAL_S = 0.02

#: Keysyms of keys without a character, from X11/keysymdef.h.
KEYSYMS = {
    "Backspace": 0xFF08,
    "Tab": 0xFF09,
    "Enter": 0xFF0D,
    "Escape": 0xFF1B,
    "HangulMode": 0xFF31,
    "Home": 0xFF50,
    "ArrowLeft": 0xFF51,
    "ArrowUp": 0xFF52,
    "ArrowRight": 0xFF53,
    "ArrowDown": 0xFF54,
    "PageUp": 0xFF55,
    "PageDown": 0xFF56,
    "End": 0xFF57,
    "Insert": 0xFF63,
    "Shift": 0xFFE1,
    "Control": 0xFFE3,
    "Alt": 0xFFE9,
    "Meta": 0xFFEB,
    "Delete": 0xFFFF,
}


def keysym_of(key: str) -> int:
    """Returns the keysym of a `KeyboardEvent.key` name."""
    if key in KEYSYMS:
        return KEYSYMS[key]
    point = ord(key)
    return point if 0x20 <= point <= 0x7E or 0xA0 <= point <= 0xFF else 0x01000000 | point


def connect(display: str) -> Any:
    """Opens an xcffib connection; the package has no useful types."""
    return xcffib.Connection(display=display)  # type: ignore[no-untyped-call]


class XInput:
    """The input devices of an X display that needs no X authority."""

    def __init__(self, display: str) -> None:
        self._x = connect(display)
        self._xtest = self._x(xcffib.xtest.key)
        setup: Any = self._x.get_setup()
        self._root = setup.roots[0].root
        first, last = setup.min_keycode, setup.max_keycode
        mapping = self._x.core.GetKeyboardMapping(first, last - first + 1).reply()
        self._per_key = mapping.keysyms_per_keycode
        rows = [
            list(mapping.keysyms[start : start + self._per_key])
            for start in range(0, len(mapping.keysyms), self._per_key)
        ]
        self._keycodes: dict[int, int] = {}
        for offset, row in enumerate(rows):
            for keysym in row[:2]:
                self._keycodes.setdefault(keysym, first + offset)
        empty = [first + offset for offset, row in enumerate(rows) if not any(row)]
        self._spare: list[int] = empty[-SPARE_KEYS:]
        self._bound: dict[int, int] = {}
        self._elsewhere = 0

    def move(self, x: int, y: int) -> None:
        self._send(MOTION, 0, x, y)

    def button(self, number: int, *, down: bool) -> None:
        """Presses or releases a button: 1 left, 2 middle, 3 right, 4 and 5 the wheel."""
        self._send(BUTTON_PRESS if down else BUTTON_RELEASE, number)
        time.sleep(BUTTON_INTERVAL_S)

    def wheel(self, notches: int) -> None:
        """Turns the wheel; positive is down."""
        for _ in range(abs(notches)):
            number = WHEEL_DOWN if notches > 0 else WHEEL_UP
            self._send(BUTTON_PRESS, number)
            self.button(number, down=False)

    def key(self, key: str, *, down: bool) -> None:
        """Presses or releases the key that types `key`, regardless of Shift.

        Binds a spare key if none does.
        """
        keysym = keysym_of(key)
        keycode = self._keycodes.get(keysym) or self._bound.get(keysym) or self._bind(keysym)
        self._send(KEY_PRESS if down else KEY_RELEASE, keycode)
        time.sleep(KEY_INTERVAL_S)

    def focus(self, window: int) -> None:
        """Gives a window the focus, as a window manager does."""
        self._x.core.SetInputFocus(xcffib.xproto.InputFocus.PointerRoot, window, 0)
        self._x.flush()

    def focus_elsewhere(self) -> None:
        """Gives the focus to an unrelated window, as when the person uses another program."""
        if not self._elsewhere:
            self._elsewhere = self._x.generate_id()
            kind = xcffib.xproto.WindowClass.InputOnly
            mask = xcffib.xproto.CW.OverrideRedirect
            self._x.core.CreateWindow(0, self._elsewhere, self._root, 0, 0, 1, 1, 0, kind, 0, mask, [1])
            self._x.core.MapWindow(self._elsewhere)
        self.focus(self._elsewhere)

    def largest_window(self) -> int | None:
        """Returns the largest window that the window manager manages."""
        best: tuple[int, int] | None = None
        name = b"_NET_CLIENT_LIST"
        atom = self._x.core.InternAtom(False, len(name), name).reply().atom
        kind = xcffib.xproto.Atom.WINDOW
        for window in (
            self._x.core.GetProperty(False, self._root, atom, kind, 0, 1024).reply().value.to_atoms()
        ):
            shape = self._x.core.GetGeometry(window).reply()
            best = max(best or (0, 0), (shape.width * shape.height, window))
        return best[1] if best else None

    def size_of(self, window: int) -> tuple[int, int]:
        shape = self._x.core.GetGeometry(window).reply()
        return shape.width, shape.height

    def resize(self, window: int, width_px: int, height_px: int) -> None:
        """Moves a window to the upper left corner and sets its size."""
        mask = xcffib.xproto.ConfigWindow
        self._x.core.ConfigureWindow(
            window, mask.X | mask.Y | mask.Width | mask.Height, [0, 0, width_px, height_px]
        )
        self._x.flush()

    def close(self) -> None:
        self._x.disconnect()

    def _bind(self, keysym: int) -> int:
        keycode = self._spare.pop(0)
        self._spare.append(keycode)
        self._bound = {known: code for known, code in self._bound.items() if code != keycode}
        self._x.core.ChangeKeyboardMapping(1, keycode, self._per_key, [keysym] * self._per_key)
        self._x.flush()
        time.sleep(MAP_SETTLES_S)
        self._bound[keysym] = keycode
        return keycode

    def _send(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        self._xtest.FakeInput(kind, detail, 0, self._root, x, y, 0)
        self._x.flush()
