"""Turns off the X server's own key repeat while the agent runs.

The viewer sends each repeat itself. An X server that repeats held keys by itself goes on while the release of
the key is stuck on a stalled link: one Backspace then deletes a paragraph.
"""

from __future__ import annotations

from typing import Any

import xcffib.xproto

from display_server.desktop.x11.x_connection import XConnection

#: The property of the root window that exists while an agent has turned the repeat off. An agent that was
#: killed cannot turn it on again, so the next one does when it ends.
PROPERTY = "_LIGHTBOX_AUTO_REPEAT"
_AUTO_REPEAT_MODE = xcffib.xproto.KB.AutoRepeatMode


class AutoRepeat:
    """The key repeat of one display. The constructor blocks, so create it only at the start."""

    def __init__(self, connection: XConnection) -> None:
        self._core: Any = connection.core
        self._root = connection.root
        self._atom = self._core.InternAtom(False, len(PROPERTY), PROPERTY).reply().atom
        control = self._core.GetKeyboardControl().reply()
        mark = self._core.GetProperty(False, self._root, self._atom, 0, 0, 1).reply()
        #: Whether the display repeated keys before the first agent came.
        self.was_on = bool(control.global_auto_repeat) or mark.value_len > 0
        if self.was_on:
            mode, cardinal = xcffib.xproto.PropMode.Replace, xcffib.xproto.Atom.CARDINAL
            self._core.ChangeProperty(mode, self._root, self._atom, cardinal, 32, 1, [1])
            self.suppress()

    def suppress(self) -> None:
        """Turns the repeat off. Each change notifies all programs, so call it only where the repeat is on."""
        self._set(xcffib.xproto.AutoRepeatMode.Off)

    def restore(self) -> None:
        """Makes the display repeat keys again, if it did."""
        if self.was_on:
            self._set(xcffib.xproto.AutoRepeatMode.On)
            self._core.DeleteProperty(self._root, self._atom)

    def _set(self, mode: int) -> None:
        self._core.ChangeKeyboardControl(_AUTO_REPEAT_MODE, [mode])
