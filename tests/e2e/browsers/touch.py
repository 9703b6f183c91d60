"""Touch input: numbered fingers whose positions are set as a whole, as a touch screen reports them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

#: Interval of the steps of a swipe, s: the rate of a 60 Hz touch screen.
STEP_S = 0.016
#: How long a tap touches the screen, s.
TAP_S = 0.05
#: A finger that neither moves nor is lifted within this time, s, may be taken for a long press. Page and
#: browser wait for at least 0.5 s.
LONG_PRESS_LIMIT_S = 0.48
#: First steps of a swipe, which must be made before it can be taken for a long press.
FIRST_STEPS = 3

#: Positions by finger number, CSS px on the page.
Touches = Mapping[int, tuple[float, float]]


class GestureTooSlowError(Exception):
    """The host was too busy to make a gesture within its time, so that it meant another gesture.

    The test says nothing then and has to be repeated; see `retry_slow_gestures`.
    """


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Raises GestureTooSlowError if the events of the block were not made within this time."""
    started = time.monotonic()
    yield
    took_s = time.monotonic() - started
    if took_s > limit_s:
        raise GestureTooSlowError(f"the gesture took {took_s:.2f} s and must take at most {limit_s:g} s")


class TouchInput(ABC):
    """A browser with a touch screen."""

    @abstractmethod
    def touch(self, fingers: Touches) -> None:
        """Sets the fingers on the screen and their positions on the page; all others are lifted."""

    def glide(self, start: Touches, end: Touches, *, steps: int = 10, first: int = 1) -> None:
        """Moves fingers that are down in straight lines, at a finger's pace, beginning with step `first`."""
        for step in range(first, steps + 1):
            fraction = step / steps
            time.sleep(STEP_S)
            self.touch(
                {
                    n: (x + (end[n][0] - x) * fraction, y + (end[n][1] - y) * fraction)
                    for n, (x, y) in start.items()
                }
            )

    def swipe(
        self, start: Touches, end: Touches, *, steps: int = 10, midway: Callable[[], object] | None = None
    ) -> None:
        """Touches, moves in straight lines and lifts. Raises GestureTooSlowError.

        `midway` is called after the first movements, for example to wait for their effect.
        """
        first_end = {
            n: (x + (end[n][0] - x) * FIRST_STEPS / steps, y + (end[n][1] - y) * FIRST_STEPS / steps)
            for n, (x, y) in start.items()
        }
        with within(LONG_PRESS_LIMIT_S):
            self.touch(start)
            time.sleep(TAP_S)
            self.glide(start, first_end, steps=FIRST_STEPS)
        if midway is not None:
            midway()
        self.glide(start, end, steps=steps, first=FIRST_STEPS + 1)
        self.touch({})

    def tap_at(self, position: tuple[float, float]) -> None:
        """Taps with one finger. Raises GestureTooSlowError."""
        with within(LONG_PRESS_LIMIT_S):
            self.touch({1: position})
            time.sleep(TAP_S)
            self.touch({})


def actions(before: Touches, after: Touches) -> list[dict[str, Any]]:
    """Returns the WebDriver actions from one state to the next, with a pointer for each finger."""

    def pointer(number: int) -> list[dict[str, Any]]:
        pause: dict[str, Any] = {"type": "pause", "duration": 0}
        if number not in after:
            return [pause, {"type": "pointerUp", "button": 0}]
        x, y = after[number]
        move = {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0}
        return [move, pause if number in before else {"type": "pointerDown", "button": 0}]

    return [
        {
            "type": "pointer",
            "id": f"finger {number}",
            "parameters": {"pointerType": "touch"},
            "actions": pointer(number),
        }
        for number in sorted(before.keys() | after.keys())
    ]
