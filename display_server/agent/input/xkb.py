"""The X keyboard extension: switches locks off for the moment of a key press, and tells of new layouts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import xcffib.xkb
import xcffib.xproto

from display_server.desktop.x11.x_connection import XConnection

#: XkbUseCoreKbd of X11/extensions/XKB.h: the keyboard that programs see.
_CORE_KEYBOARD = 0x100
_NEW_KEYBOARD, _MAP = xcffib.xkb.EventType.NewKeyboardNotify, xcffib.xkb.EventType.MapNotify
#: `xkbType` of a MapNotify event.
_MAP_NOTIFY = 1
#: Parts of a layout that the keymap is made of.
_SYMBOLS_AND_MODIFIERS = xcffib.xkb.MapPart.KeySyms | xcffib.xkb.MapPart.ModifierMap
_NAME = b"XKEYBOARD"

#: First keycode and number of keys that changed.
KeyRange = tuple[int, int]
ALL_KEYS: KeyRange = (0, 256)


class Xkb:
    """Clears locked modifiers without a key, so that no program sees a press of Caps Lock or Num Lock.

    Pressing the lock's key instead would do whatever a layout or a program made of that key, and a level that
    undoes the lock does not always exist: with Caps Lock, a Swiss keyboard has none for "ü".
    """

    def __init__(self, connection: XConnection) -> None:
        core = connection.core
        self._xkb: Any = None
        if core.QueryExtension(len(_NAME), _NAME).reply().present:
            self._xkb = connection.x(xcffib.xkb.key)
            self._xkb.UseExtension(1, 0).reply()
            # The server sends MappingNotify only to clients that do not use the extension.
            self._xkb.SelectEvents(
                _CORE_KEYBOARD,
                _NEW_KEYBOARD | _MAP,
                0,
                _NEW_KEYBOARD,
                _SYMBOLS_AND_MODIFIERS,
                _SYMBOLS_AND_MODIFIERS,
                [],
            )

    @property
    def available(self) -> bool:
        """Whether the X server has the extension. Xvfb, Xorg, Xvnc and Xwayland do."""
        return self._xkb is not None

    def changed_keys(self, event: Any) -> KeyRange | None:
        """Returns the keys whose meaning changed; None if the event is about something else."""
        # Every event of the extension has the same code, that of the class below.
        if isinstance(event, xcffib.xkb.NewKeyboardNotifyEvent):
            if event.xkbType == _MAP_NOTIFY:
                # firstKeySym and nKeySyms of a MapNotify are where a NewKeyboardNotify has `changed`.
                first, count = event.changed.to_bytes(2, sys.byteorder)
                return (first, count) if count else ALL_KEYS
            return ALL_KEYS
        if isinstance(event, xcffib.xproto.MappingNotifyEvent):
            if event.request == xcffib.xproto.Mapping.Pointer:
                return None
            keyboard = event.request == xcffib.xproto.Mapping.Keyboard
            return (event.first_keycode, event.count) if keyboard else ALL_KEYS
        return None

    @contextmanager
    def locks_off(self, bits: int) -> Iterator[None]:
        """Unlocks the modifiers in `bits`, which are locked now, and locks them again afterwards."""
        if not bits or not self.available:
            yield
            return
        self._lock(bits, 0)
        try:
            yield
        finally:
            self._lock(bits, bits)

    def _lock(self, affected: int, locked: int) -> None:
        self._xkb.LatchLockState(_CORE_KEYBOARD, affected, locked, False, 0, 0, False, 0)
