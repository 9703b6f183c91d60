"""A keyboard with any layout on an X server, pressed by keycode, as a device does."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from typing import Any

import xcffib
import xcffib.xproto
import xcffib.xtest

from tests.e2e.x_desktop.display import XDisplay

KEY_PRESS, KEY_RELEASE = 2, 3
#: Delay after a key event, s: faster than any person, and slower than a barcode scanner.
KEY_INTERVAL_S = 0.02
#: Delay after a change of the layout, s, in which programs read it.
LAYOUT_SETTLES_S = 0.5

#: Keycode of each key by `KeyboardEvent.code`: the evdev number plus 8, as on every Linux desktop.
KEYCODES = {
    "Escape": 9,
    **{f"Digit{(n + 1) % 10}": 10 + n for n in range(10)},
    "Minus": 20,
    "Equal": 21,
    "Backspace": 22,
    "Tab": 23,
    **{f"Key{letter}": 24 + n for n, letter in enumerate("QWERTYUIOP")},
    "BracketLeft": 34,
    "BracketRight": 35,
    "Enter": 36,
    "ControlLeft": 37,
    **{f"Key{letter}": 38 + n for n, letter in enumerate("ASDFGHJKL")},
    "Semicolon": 47,
    "Quote": 48,
    "Backquote": 49,
    "ShiftLeft": 50,
    "Backslash": 51,
    **{f"Key{letter}": 52 + n for n, letter in enumerate("ZXCVBNM")},
    "Comma": 59,
    "Period": 60,
    "Slash": 61,
    "ShiftRight": 62,
    "AltLeft": 64,
    "Space": 65,
    "CapsLock": 66,
    "NumLock": 77,
    "Numpad7": 79,
    "IntlBackslash": 94,
    "ControlRight": 105,
    "AltRight": 108,
    "Home": 110,
    "ArrowLeft": 113,
    "ArrowRight": 114,
    "End": 115,
    "Insert": 118,
    "Delete": 119,
    "MetaLeft": 133,
    "MetaRight": 134,
    "ContextMenu": 135,
}


class XKeyboard:
    """Presses keys by their place on the keyboard; the layout decides what they mean."""

    def __init__(self, display: str, desktop: XDisplay | None = None) -> None:
        """Uses the X server of a browser, or of a `desktop`, which asks for authority."""
        self._display = display
        self._x: Any = desktop.connect() if desktop else xcffib.Connection(display=display)  # type: ignore[no-untyped-call]
        self._xtest = self._x(xcffib.xtest.key)

    def set_layout(self, *layout: str) -> None:
        """Sets a layout by the arguments of setxkbmap."""
        environment = {**os.environ, "DISPLAY": self._display}
        subprocess.run(["setxkbmap", "-option", ""], env=environment, check=True)
        subprocess.run(["setxkbmap", *layout], env=environment, check=True)
        time.sleep(LAYOUT_SETTLES_S)

    def press(self, code: str, *, down: bool, interval_s: float = KEY_INTERVAL_S) -> None:
        self._xtest.FakeInput(KEY_PRESS if down else KEY_RELEASE, KEYCODES[code], 0, 0, 0, 0, 0)
        self._x.flush()
        time.sleep(interval_s)

    def chord(self, chord: str, *, interval_s: float = KEY_INTERVAL_S) -> None:
        """Presses keys joined by "+" in order and releases them in reverse."""
        codes = chord.split("+")
        for code in codes:
            self.press(code, down=True, interval_s=interval_s)
        for code in reversed(codes):
            self.press(code, down=False, interval_s=interval_s)

    def sequence(self, chords: Sequence[str], *, interval_s: float = KEY_INTERVAL_S) -> None:
        for chord in chords:
            self.chord(chord, interval_s=interval_s)

    def locked(self) -> int:
        """Returns the mask of modifiers that are on."""
        root = self._x.get_setup().roots[0].root
        return int(self._x.core.QueryPointer(root).reply().mask) & 0xFF

    def close(self) -> None:
        self._x.disconnect()
