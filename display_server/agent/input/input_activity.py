"""Tells what a person did from what a browser repeats by itself. Pure.

Only new key presses, text, wheel motion, and pointer events at another place or with other buttons are the
person's input. A key that something lies on repeats for ever, and browsers repeat where the pointer rests.
"""

from __future__ import annotations

from display_server.protocol import messages as m
from display_server.protocol.wire import PointerMotion


class InputActivity:
    """The input of one viewer."""

    def __init__(self) -> None:
        self._pointer: tuple[int, int] | None = None
        self._buttons = 0

    def is_activity(self, message: m.InputMessage | PointerMotion) -> bool:
        """Returns whether a message shows that a person is there."""
        match message:
            case m.Pointer():
                return self._moved(message.x, message.y, message.buttons)
            case PointerMotion():
                return self._moved(message.x, message.y, self._buttons)
            case m.Wheel():
                return message.dx != 0 or message.dy != 0
            case m.Key():
                return message.down and not message.repeat
            case m.Text():
                return True
            case m.Release():
                self._buttons = 0
                return False

    def _moved(self, x: int, y: int, buttons: int) -> bool:
        """The first position after connecting is none that somebody moved to."""
        before, pressed = self._pointer, buttons & ~self._buttons
        self._pointer, self._buttons = (x, y), buttons
        return bool(pressed) or (before is not None and before != (x, y))
