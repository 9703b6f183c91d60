"""The desktop's keyboard: turns keysyms into key presses, in the current layout or on spare keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import xcffib.xtest

from display_server.agent.input import keysyms
from display_server.agent.input.auto_repeat import AutoRepeat
from display_server.agent.input.keymap import LOCK, SHIFT, Keymap
from display_server.agent.input.pressed_keys import PressedKeys
from display_server.agent.input.xkb import KeyRange, Xkb
from display_server.desktop.x11.x_connection import XConnection

log = structlog.get_logger(__name__)

#: X event types of XTEST key events.
PRESS, RELEASE = 2, 3
#: A spare key keeps its keysym at least this long after a press, s: programs translate a key when they
#: process the event, and by then the key must not have another keysym.
SPARE_REST_S = 0.3


class Keyboard:
    """Presses and releases keys through XTEST.

    Plain methods send without waiting. Coroutines wait for answers of the X server; only one may run at a
    time.
    """

    def __init__(self, connection: XConnection) -> None:
        self._connection = connection
        self._core = connection.core
        self._xtest = connection.extension(xcffib.xtest, "XTEST")
        setup = connection.x.get_setup()
        self._first, self._last = setup.min_keycode, setup.max_keycode
        self._stale = False
        self._own_changes: list[KeyRange] = []
        self._state = 0
        self._locked = 0  # the Lock bit while Caps Lock is on; `_state` never has it
        self._xkb = Xkb(connection)
        #: Total time for which spare keys rested, s: no sign of an X server that hangs.
        self.rested_s = 0.0
        self.pressed_keys = PressedKeys()
        self.keymap = self._parse(*self._request_mappings())
        self.auto_repeat = AutoRepeat(connection)

    def on_event(self, event: Any) -> None:
        change = self._xkb.changed_keys(event)
        if change in self._own_changes:
            self._own_changes.remove(change)
        elif change is not None:
            self._stale = True

    def release_all(self) -> None:
        """Releases keys that an earlier agent may have left down. Blocks, so call it only at the start."""
        down = bytes(self._core.QueryKeymap().reply().keys)
        for keycode in range(self._first, self._last + 1):
            if down[keycode >> 3] >> (keycode & 7) & 1:
                self._send(RELEASE, keycode)

    async def press(self, keysym: int) -> int | None:
        """Presses the key for a keysym.

        Returns the keycode to release later, or None if no key was pressed.
        """
        await self._refresh_state()
        if keysym in keysyms.MODIFIERS:
            return self._press_modifier(keysym)
        await self._bind([keysym])
        chord = self.keymap.chord_for(keysym, self._state)
        if chord is None:
            return None
        with self._xkb.locks_off(self._interfering_locks(keysym)), self._modifiers(chord.shift, chord.level3):
            if self.pressed_keys.press(chord.keycode):
                self._down(chord.keycode)
            else:  # already down, for another viewer or on another level: press it again
                self._up(chord.keycode)
                self._down(chord.keycode)
        return chord.keycode

    async def repeat(self, keysym: int, keycode: int) -> None:
        """Repeats a key that is down, as auto-repeat does."""
        if self.keymap.modifier_bit(keycode):
            return
        await self._refresh_state()
        chord = self.keymap.chord_for(keysym, self._state)
        same = chord is not None and chord.keycode == keycode
        with (
            self._xkb.locks_off(self._interfering_locks(keysym)),
            self._modifiers(
                chord.shift if same and chord else None, chord.level3 if same and chord else None
            ),
        ):
            self._up(keycode)
            self._down(keycode)

    def release(self, keycode: int) -> None:
        if self.pressed_keys.release(keycode):
            self._up(keycode)

    async def type(self, text: str) -> None:
        """Presses and releases a key for each character. Control, Alt and the like are released meanwhile."""
        await self._refresh_state()
        wanted = [keysym for character in text if (keysym := keysyms.keysym_of(character))]
        with self._released(~(SHIFT | self.keymap.level3_bit)):
            while wanted:
                part = await self._bind(wanted)
                with self._xkb.locks_off(self._locked):
                    for keysym in wanted[:part]:
                        self._press_and_release(keysym)
                wanted = wanted[part:]
                self._connection.flush()

    def restore_spare_keys(self) -> None:
        """Gives the spare keys the keysyms that they had before."""
        for keycode in self.keymap.bound.values():
            row = self.keymap.original(keycode)
            self._core.ChangeKeyboardMapping(1, keycode, len(row), row)

    def _press_modifier(self, keysym: int) -> int | None:
        keycode = self.keymap.modifier_key(keysym)
        # Another viewer may hold it, or the other hand the twin: pressing it again would release it between.
        if keycode is not None and self.pressed_keys.press(keycode):
            self._down(keycode)
        return keycode

    def _interfering_locks(self, keysym: int) -> int:
        """Returns the modifier bits of locks that are on and would change what a key types."""
        num_lock = self.keymap.num_lock_bit if keysyms.is_keypad_navigation(keysym) else 0
        return self._locked | (self._state & num_lock)

    def _press_and_release(self, keysym: int) -> None:
        chord = self.keymap.chord_for(keysym, self._state)
        if chord is None:
            return
        with self._modifiers(chord.shift, chord.level3):
            was_down = not self.pressed_keys.press(chord.keycode)
            if was_down:
                self._up(chord.keycode)
            self._down(chord.keycode)
            if self.pressed_keys.release(chord.keycode):
                self._up(chord.keycode)

    async def _refresh_state(self) -> None:
        """Reads the active modifiers and group, and the layout if it changed. Keeps auto-repeat off."""
        cookie, control = self._core.QueryPointer(self._connection.root), self._core.GetKeyboardControl()
        await self._connection.round_trip()
        mask = cookie.reply().mask
        if control.reply().global_auto_repeat:  # a program that sets a layout turns it on again
            self.auto_repeat.suppress()
        # Without the extension the keymap has to choose levels under Caps Lock.
        self._locked = mask & LOCK if self._xkb.available else 0
        self._state = mask & ~self._locked
        while self._stale:
            self._stale = False
            layout, modifiers = self._request_mappings()
            await self._connection.round_trip()
            before, self.keymap = self.keymap, self._parse(layout, modifiers)
            self.keymap.inherit_presses(before)

    async def _bind(self, wanted: list[int]) -> int:
        """Binds spare keys to keysyms that the layout lacks.

        Returns how many of `wanted` can be typed now.
        """
        missing = self.keymap.missing(wanted, self._state)
        if not missing:
            return len(wanted)
        spare_count = self.keymap.spare_count
        if not spare_count:
            log.warning("keyboard layout has no spare key for characters that it lacks")
            return len(wanted)
        # Take as many keysyms as can be bound at the same time, so that none loses its key before it is
        # typed.
        part = 0
        used: set[int] = set()
        for keysym in map(keysyms.canonical, wanted):
            if keysym not in used and (keysym in missing or keysym in self.keymap.bound):
                if len(used) == spare_count:
                    break
                used.add(keysym)
            part += 1
        now_s = asyncio.get_running_loop().time()
        for keysym in used:
            if keysym in self.keymap.bound:
                self.keymap.record_press(self.keymap.bound[keysym], now_s)
        chosen = [(keysym, *self.keymap.bind(keysym)) for keysym in missing if keysym in used]
        rest_s = max(
            (pressed_s + SPARE_REST_S - now_s for _, _, pressed_s in chosen if pressed_s), default=0.0
        )
        if rest_s > 0:
            await asyncio.sleep(rest_s)
            self.rested_s += rest_s
        self._change({keycode: keysym for keysym, keycode, _ in chosen})
        now_s = asyncio.get_running_loop().time()
        for _, keycode, _ in chosen:
            self.keymap.record_press(keycode, now_s)
        await self._connection.round_trip()
        return part

    def _change(self, keys: dict[int, int]) -> None:
        """Sends one request for each run of consecutive keycodes, since each notifies every program."""
        for run in _runs(sorted(keys)):
            # Both levels get the same keysym, so that neither Shift nor a lock changes it.
            rows = [keysym for keycode in run for keysym in (keys[keycode], keys[keycode])]
            self._core.ChangeKeyboardMapping(len(run), run[0], 2, rows)
            self._own_changes.append((run[0], len(run)))

    @contextmanager
    def _modifiers(self, shift: bool | None, level3: bool | None) -> Iterator[None]:
        """Puts Shift and the third-level modifier into the wanted state and restores them afterwards."""
        undo: list[Callable[[], None]] = []
        for want, bit, keysym in (
            (shift, SHIFT, keysyms.SHIFT_L),
            (level3, self.keymap.level3_bit, keysyms.LEVEL3_SHIFT),
        ):
            if want is None or want == bool(self._state & bit):
                continue
            held = [
                keycode for keycode in self.pressed_keys.numbers() if self.keymap.modifier_bit(keycode) == bit
            ]
            keycode = self.keymap.modifier_key(keysym)
            if want and keycode is not None:
                self._down(keycode)
                undo.append(lambda keycode=keycode: self._up(keycode))  # type: ignore[misc]
            elif not want:
                for keycode in held:
                    self._up(keycode)
                    undo.append(lambda keycode=keycode: self._down(keycode))  # type: ignore[misc]
        try:
            yield
        finally:
            for restore in reversed(undo):
                restore()

    @contextmanager
    def _released(self, mask: int) -> Iterator[None]:
        """Releases the modifiers in `mask` and presses them again afterwards."""
        held = [
            keycode for keycode in self.pressed_keys.numbers() if self.keymap.modifier_bit(keycode) & mask
        ]
        for keycode in held:
            self._up(keycode)
        try:
            yield
        finally:
            still = set(self.pressed_keys.numbers())
            for keycode in held:
                if keycode in still:
                    self._down(keycode)

    def _down(self, keycode: int) -> None:
        self._send(PRESS, keycode)
        self._state |= self.keymap.modifier_bit(keycode)
        self.keymap.record_press(keycode, asyncio.get_running_loop().time())

    def _up(self, keycode: int) -> None:
        self._send(RELEASE, keycode)
        bit = self.keymap.modifier_bit(keycode)
        if bit and not any(
            self.keymap.modifier_bit(k) == bit for k in self.pressed_keys.numbers() if k != keycode
        ):
            self._state &= ~bit

    def _send(self, kind: int, keycode: int) -> None:
        self._xtest.FakeInput(kind, keycode, 0, 0, 0, 0, 0)

    def _request_mappings(self) -> tuple[Any, Any]:
        return (
            self._core.GetKeyboardMapping(self._first, self._last - self._first + 1),
            self._core.GetModifierMapping(),
        )

    def _parse(self, layout: Any, modifiers: Any) -> Keymap:
        answer, keys = layout.reply(), modifiers.reply()
        width, symbols = answer.keysyms_per_keycode, list(answer.keysyms)
        per_modifier, codes = keys.keycodes_per_modifier, list(keys.keycodes)
        return Keymap(
            self._first,
            [symbols[i : i + width] for i in range(0, len(symbols), width)],
            [codes[i : i + per_modifier] for i in range(0, len(codes), per_modifier)],
        )


def _runs(numbers: list[int]) -> list[list[int]]:
    """Splits ascending numbers into runs of consecutive ones."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
