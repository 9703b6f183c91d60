"""The contract of input into a desktop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class InputSink(Protocol):
    """The input of one viewer: it can release what it pressed, and nothing else.

    Calls return at once and never wait for the X server. All except `release` raise Malfunction when the X
    server is no longer available or does not accept input.
    """

    #: Called when the X server did not take input in time: the input was dropped, and everything released.
    on_lost: Callable[[], None]
    #: Called when the viewer holds a modifier for which the desktop's layout has no key: keys that are
    #: pressed with it are dropped. Called once per modifier, for left and right together.
    on_modifier_missing: Callable[[], None]

    def pointer(self, x_px: int, y_px: int, buttons: int) -> None:
        """Moves the pointer on the screen, then presses and releases buttons to match `buttons`.

        `buttons` is the bit mask of PROTOCOL.md §2.
        """

    def wheel(self, dx: int, dy: int) -> None:
        """Scrolls by 1/120 of a notch.

        X knows only whole notches, so the remainder is kept for the next call.
        """

    def key(self, keysym: int, code: str, *, down: bool) -> None:
        """Presses the key that produces `keysym`, or releases the key that was pressed for `code`.

        If no key of the layout produces the keysym, a spare key is bound to it. Pressing a `code` that is
        already down repeats the key. A key that would do something else than meant, because the layout has
        no key for a held modifier, is not pressed.
        """

    def text(self, text: str) -> None:
        """Types Unicode text, in order with all other input."""

    def release(self) -> None:
        """Releases all keys and buttons of this viewer. Safe to call at any time."""
