"""Everything that a test can do with a browser, whichever its engine.

All calls block, and raise BrowserError on a timeout or an error of the engine. Positions are CSS px of the
page. Every browser has one device pixel per CSS pixel, so they are device pixels as well.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

#: How long one call may take, s: longer than anything that a test waits for inside a page.
CALL_TIMEOUT_S = 120.0
#: Time between press and release, and between two clicks, s. A window manager that inspects presses sometimes
#: loses the second of two clicks within 3 ms; no person clicks that fast.
CLICK_S = 0.02
#: Positions of a drag, start and end included: programs expect motion, not a jump.
DRAG_STEPS = 8
#: Time between the positions of a drag, s.
DRAG_INTERVAL_S = 0.01


class BrowserError(Exception):
    """The browser could not carry out a call."""


class Button(Enum):
    """Mouse buttons, by their number in `MouseEvent.button`."""

    LEFT = 0
    MIDDLE = 1
    RIGHT = 2
    BACK = 3
    FORWARD = 4


class Browser(ABC):
    """One window of one engine, with its own profile, which starts empty and is removed with it."""

    engine: ClassVar[str]

    @abstractmethod
    def open(self, url: str) -> None:
        """Navigates, and returns when the page has loaded."""

    @abstractmethod
    def evaluate(self, body: str) -> Any:
        """Runs `body` as the body of an async function in the page and returns its result (by JSON)."""

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
        """Turns the wheel at a position; positive scrolls down."""

    @abstractmethod
    def key_down(self, key: str) -> None:
        """Presses a key, named as in `KeyboardEvent.key`: `Shift`, `Enter`, `a`."""

    @abstractmethod
    def key_up(self, key: str) -> None:
        """Releases a key."""

    @abstractmethod
    def compose(self, word: str) -> None:
        """Types Hangul syllables through an input method with a Dubeolsik keyboard."""

    @abstractmethod
    def lose_focus(self) -> None:
        """Moves the focus to another window, so that the page receives `blur`."""

    @abstractmethod
    def regain_focus(self) -> None:
        """Returns the focus to the page."""

    @abstractmethod
    def screenshot(self, path: Path | None = None) -> bytes:
        """Returns the page as PNG, and stores it as `path` if given."""

    @abstractmethod
    def resize(self, width_px: int, height_px: int) -> None:
        """Sets the size of the page's viewport."""

    @abstractmethod
    def console(self) -> list[str]:
        """Returns console messages, uncaught errors and the engine's own warnings, oldest first."""

    @abstractmethod
    def close(self) -> None:
        """Ends the browser and all programs it started. Safe to call twice."""

    def click(self, x: float, y: float, button: Button = Button.LEFT, count: int = 1) -> None:
        """Clicks `count` times, fast enough for a double click."""
        self.move(x, y)
        for _ in range(count):
            self.press(button)
            time.sleep(CLICK_S)
            self.release(button)
            time.sleep(CLICK_S)

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], button: Button = Button.LEFT
    ) -> None:
        """Presses at `start`, moves in a straight line, releases at `end`."""
        self.move(*start)
        self.press(button)
        for step in range(1, DRAG_STEPS):
            fraction = step / (DRAG_STEPS - 1)
            time.sleep(DRAG_INTERVAL_S)
            self.move(start[0] + (end[0] - start[0]) * fraction, start[1] + (end[1] - start[1]) * fraction)
        self.release(button)

    def tap(self, key: str) -> None:
        """Presses and releases a key."""
        self.key_down(key)
        self.key_up(key)

    def type(self, text: str) -> None:
        """Types `text` key by key, with Shift where a US keyboard needs it."""
        for character in text:
            shifted = character in SHIFTED
            if shifted:
                self.key_down("Shift")
            self.tap(character)
            if shifted:
                self.key_up("Shift")


#: Characters that a US keyboard types with Shift.
SHIFTED = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZ~!@#$%^&*()_+{}|:"<>?')
