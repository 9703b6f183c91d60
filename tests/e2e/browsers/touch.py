"""Touches on a glass, numbered; where each is, is told as a whole, as a screen reports it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

#: Between the steps of a swipe: the pace of a 60 Hz touch screen.
STEP_S = 0.016
TAP_S = 0.05

#: CSS px on the page.
Touches = Mapping[int, tuple[float, float]]


class TouchInput(ABC):
    """A browser that can be touched."""

    @abstractmethod
    def touch(self, fingers: Touches) -> None:
        """These fingers, and no others, are on the glass, at these places on the page."""

    def glide(self, start: Touches, end: Touches, *, steps: int = 10) -> None:
        """Moves fingers that are down in straight lines, at a finger's pace."""
        for step in range(1, steps + 1):
            share = step / steps
            time.sleep(STEP_S)
            self.touch(
                {n: (x + (end[n][0] - x) * share, y + (end[n][1] - y) * share) for n, (x, y) in start.items()}
            )

    def swipe(self, start: Touches, end: Touches, *, steps: int = 10) -> None:
        """Down, along, up."""
        self.touch(start)
        time.sleep(TAP_S)
        self.glide(start, end, steps=steps)
        self.touch({})

    def tap_at(self, place: tuple[float, float]) -> None:
        self.touch({1: place})
        time.sleep(TAP_S)
        self.touch({})


def actions(before: Touches, after: Touches) -> list[dict[str, Any]]:
    """From one state to the next, by WebDriver: a pointer for each finger."""

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
