"""Which of a viewer's pointer events still count, whichever of its two ways they came (PROTOCOL.md §11).

A *turn* begins with a change of buttons or a turn of the wheel, which the WebSocket alone carries; the
*steps* of a turn are the motions until the next one. What is not of the present turn, or no newer than the
newest step, came too late or too early: it would move the pointer back, or away from a click that is still on
its way.
"""

from __future__ import annotations


class PointerOrder:
    """Of one viewer. Turn 0 is that of viewers that do not count: theirs always counts."""

    def __init__(self) -> None:
        self._turn = 0
        self._step = 0

    def in_line(self, turn: int, step: int) -> bool:
        """Whether an event counts that came over the WebSocket, which keeps the order of turns."""
        if turn == 0 or turn != self._turn:
            self._turn, self._step = turn, step
            return True
        return self._newer(step)

    def beside(self, turn: int, step: int) -> bool:
        """Whether a motion counts that came as a datagram, at any time or never."""
        return turn != 0 and turn == self._turn and self._newer(step)

    def _newer(self, step: int) -> bool:
        newer = step > self._step
        self._step = max(step, self._step)
        return newer
