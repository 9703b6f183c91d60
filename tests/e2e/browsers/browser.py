"""What a test can do with a browser, whichever engine it is.

All calls block, and raise BrowserError on a time-out or when the engine says no. Positions are CSS pixels of
the page; every browser is opened with one device pixel per CSS pixel, so they are also pixels of the surface.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

#: Longer than anything a test waits for inside a page.
CALL_TIMEOUT_S = 60.0
#: Points between start and end of a drag, both included: programs want to see motion, not a jump.
DRAG_STEPS = 8
DRAG_PACE_S = 0.01


class BrowserError(Exception):
    """The browser did not do what it was told."""


class Button(Enum):
    """Mouse buttons, by their number in `MouseEvent.button`."""

    LEFT = 0
    MIDDLE = 1
    RIGHT = 2


class Browser(ABC):
    """One window of one engine, with a profile of its own that starts empty and vanishes with it."""

    engine: ClassVar[str]

    @abstractmethod
    def open(self, url: str) -> None:
        """Navigates and returns when the page has loaded."""

    @abstractmethod
    def evaluate(self, body: str) -> Any:
        """Runs `body` as that of an async function in the page, and returns its result, carried as JSON."""

    @abstractmethod
    def move(self, x: float, y: float) -> None:
        """Moves the mouse."""

    @abstractmethod
    def press(self, button: Button = Button.LEFT) -> None:
        """Presses a mouse button where the mouse is."""

    @abstractmethod
    def release(self, button: Button = Button.LEFT) -> None:
        """Releases a mouse button where the mouse is."""

    @abstractmethod
    def wheel(self, x: float, y: float, notches: int) -> None:
        """Turns the wheel over a place; positive is towards the person, that is: down."""

    @abstractmethod
    def key_down(self, key: str) -> None:
        """`key` as in `KeyboardEvent.key`, for example `Shift`, `Enter`, `a`."""

    @abstractmethod
    def key_up(self, key: str) -> None:
        """Counterpart of `key_down`."""

    @abstractmethod
    def compose(self, word: str) -> None:
        """Types Hangul syllables through an input method with a two-set keyboard."""

    @abstractmethod
    def lose_focus(self) -> None:
        """The person turns to another window: the page's `blur` event."""

    @abstractmethod
    def regain_focus(self) -> None:
        """Counterpart of `lose_focus`."""

    @abstractmethod
    def screenshot(self, path: Path | None = None) -> bytes:
        """The window as PNG, also stored under `path` if given."""

    @abstractmethod
    def resize(self, width_px: int, height_px: int) -> None:
        """Gives the page's viewport a size."""

    @abstractmethod
    def console(self) -> list[str]:
        """What the page's console, uncaught errors and the engine's own complaints said, oldest first."""

    @abstractmethod
    def close(self) -> None:
        """Ends the browser and everything it started. Safe to call twice."""

    def click(self, x: float, y: float, button: Button = Button.LEFT, count: int = 1) -> None:
        """Clicks `count` times, quick enough to make a double click of two."""
        self.move(x, y)
        for _ in range(count):
            self.press(button)
            self.release(button)

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], button: Button = Button.LEFT
    ) -> None:
        """Presses at `start`, moves in a straight line, releases at `end`."""
        self.move(*start)
        self.press(button)
        for step in range(1, DRAG_STEPS):
            share = step / (DRAG_STEPS - 1)
            time.sleep(DRAG_PACE_S)
            self.move(start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        self.release(button)

    def tap(self, key: str) -> None:
        """Presses and releases a key."""
        self.key_down(key)
        self.key_up(key)

    def type(self, text: str) -> None:
        """Taps the keys of `text`, one after the other, with Shift where a US keyboard needs it."""
        for character in text:
            shifted = character in SHIFTED
            if shifted:
                self.key_down("Shift")
            self.tap(character)
            if shifted:
                self.key_up("Shift")


#: Characters that a US keyboard gives with Shift.
SHIFTED = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZ~!@#$%^&*()_+{}|:"<>?')
