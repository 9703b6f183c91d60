"""The contract of everything that can press keys and move the pointer of a desktop."""

from __future__ import annotations

from typing import Protocol


class InputSink(Protocol):
    """One holder's hands on the desktop: what it pressed, it can let go.

    Calls are quick and never block on the X server. Those that press raise Malfunction when it is gone.
    """

    def pointer(self, x_px: int, y_px: int, buttons: int) -> None:
        """Moves to desktop coordinates, then presses and releases until `buttons` (PROTOCOL.md) is held."""

    def wheel(self, dx: int, dy: int) -> None:
        """Turns by 1/120 notches; fractions are kept until they make a notch: X has no less."""

    def key(self, keysym: int, code: str, *, down: bool) -> None:
        """Presses the key that gives `keysym`, or releases the one that was pressed for `code`.

        Binds a spare key if no key gives it. Pressing what is down already repeats it.
        """

    def text(self, text: str) -> None:
        """Types Unicode text in order, after whatever was sent before."""

    def release(self) -> None:
        """Lets go of everything this holder holds. Safe at any time."""
