"""Decides which pointer events are still valid when they arrive over two transports (PROTOCOL.md §11).

A *turn* begins with a change of buttons or a scroll, which only the WebSocket carries. The motions until the
next turn are its *steps*. A motion of another turn, or one that is not newer than the newest step, arrived
too late or too early: it would move the pointer back, or away from a click that has not arrived yet.
"""

from __future__ import annotations


class PointerOrder:
    """The order of one viewer's pointer events. Viewers without a data channel send turn 0, always valid."""

    def __init__(self) -> None:
        self._turn = 0
        self._step = 0

    def accept_message(self, turn: int, step: int) -> bool:
        """Returns whether an event from the WebSocket is valid. The WebSocket keeps turns in order."""
        if turn == 0 or turn != self._turn:
            self._turn, self._step = turn, step
            return True
        return self._is_newer(step)

    def accept_datagram(self, turn: int, step: int) -> bool:
        """Returns whether a motion from a datagram is valid. Datagrams arrive in any order, or not at all."""
        return turn != 0 and turn == self._turn and self._is_newer(step)

    def _is_newer(self, step: int) -> bool:
        newer = step > self._step
        self._step = max(step, self._step)
        return newer
