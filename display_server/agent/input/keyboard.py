"""The desktop's keyboard: keysyms become key presses in the layout of the moment, or on spare keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import xcffib.xproto
import xcffib.xtest

from display_server.agent.input import keysyms
from display_server.agent.input.holds import Holds
from display_server.agent.input.keymap import SHIFT, Keymap
from display_server.desktop.x11.x_connection import XConnection

log = structlog.get_logger(__name__)

PRESS, RELEASE = 2, 3
#: A program looks a key up when it gets to the event, not when it was pressed; by then the key must not mean
#: something else. So a spare key rests this long before it gets another character.
SPARE_REST_S = 0.3


class Keyboard:
    """Sends at once; everything that needs an answer of the server is a coroutine that runs one at a time."""

    def __init__(self, connection: XConnection) -> None:
        self._connection = connection
        self._core = connection.core
        self._xtest = connection.extension(xcffib.xtest, "XTEST")
        setup = connection.x.get_setup()
        self._first, self._last = setup.min_keycode, setup.max_keycode
        self._stale = False
        self._own_changes: list[tuple[int, int]] = []
        self._state = 0
        self.holds = Holds()
        self.keymap = self._parse(*self._ask())
        control = self._core.GetKeyboardControl().reply()
        #: Where the server repeats held keys by itself, a viewer's repeated presses say nothing new.
        self.server_repeats = bool(control.global_auto_repeat)

    def on_event(self, event: Any) -> None:
        if not isinstance(event, xcffib.xproto.MappingNotifyEvent):
            return
        change = (event.first_keycode, event.count)
        if event.request == xcffib.xproto.Mapping.Keyboard and change in self._own_changes:
            self._own_changes.remove(change)
        elif event.request != xcffib.xproto.Mapping.Pointer:
            self._stale = True

    def lift_everything(self) -> None:
        """Releases what a process before us may have left down. Blocks; for the start."""
        down = bytes(self._core.QueryKeymap().reply().keys)
        for keycode in range(self._first, self._last + 1):
            if down[keycode >> 3] >> (keycode & 7) & 1:
                self._send(RELEASE, keycode)

    async def press(self, keysym: int) -> int | None:
        """Presses, and returns the key that a release must name. None where nothing could be pressed."""
        await self._look()
        if keysym in keysyms.MODIFIERS and self.keymap.keycode_of(keysym) is None:
            return None  # a spare key would carry the name and modify nothing
        await self._bind([keysym])
        way = self.keymap.way(keysym, self._state)
        if way is None:
            return None
        with self._modifiers(way.shift, way.level3):
            if self.holds.take(way.keycode):
                self._down(way.keycode)
            else:  # held already, by another or on another level: pressed once more
                self._up(way.keycode)
                self._down(way.keycode)
        return way.keycode

    async def repeat(self, keysym: int, keycode: int) -> None:
        """Presses a held key once more, as auto-repeat does."""
        if self.server_repeats or self.keymap.modifier_bit(keycode):
            return
        await self._look()
        way = self.keymap.way(keysym, self._state)
        same = way is not None and way.keycode == keycode
        with self._modifiers(way.shift if same and way else None, way.level3 if same and way else None):
            self._up(keycode)
            self._down(keycode)

    def release(self, keycode: int) -> None:
        if self.holds.let_go(keycode):
            self._up(keycode)

    async def type(self, text: str) -> None:
        """Presses and releases a key for each character. Held Control, Alt … are lifted meanwhile."""
        await self._look()
        wanted = [keysym for character in text if (keysym := keysyms.keysym_of(character))]
        with self._lifted(~(SHIFT | self.keymap.level3_bit)):
            while wanted:
                part = await self._bind(wanted)
                for keysym in wanted[:part]:
                    self._stroke(keysym)
                wanted = wanted[part:]
                self._connection.flush()

    def forget_bindings(self) -> None:
        """Leaves the spare keys as they were found."""
        for keycode in self.keymap.bound.values():
            row = self.keymap.original(keycode)
            self._core.ChangeKeyboardMapping(1, keycode, len(row), row)

    def _stroke(self, keysym: int) -> None:
        way = self.keymap.way(keysym, self._state)
        if way is None:
            return
        with self._modifiers(way.shift, way.level3):
            held = not self.holds.take(way.keycode)
            if held:
                self._up(way.keycode)
            self._down(way.keycode)
            if self.holds.let_go(way.keycode):
                self._up(way.keycode)

    async def _look(self) -> None:
        """Learns the modifiers and group of the moment, and the layout if it changed."""
        cookie = self._core.QueryPointer(self._connection.root)
        await self._connection.round_trip()
        self._state = cookie.reply().mask
        while self._stale:
            self._stale = False
            layout, modifiers = self._ask()
            await self._connection.round_trip()
            before, self.keymap = self.keymap, self._parse(layout, modifiers)
            self.keymap.adopt(before)

    async def _bind(self, wanted: list[int]) -> int:
        """Binds spare keys for what the layout lacks. Returns how many of `wanted` can be typed now."""
        missing = self.keymap.missing(wanted, self._state)
        if not missing:
            return len(wanted)
        room = self.keymap.spare_count
        if not room:
            log.warning("no spare key: characters that the layout lacks cannot be typed")
            return len(wanted)
        # Only as far as all of it stays bound until it is typed: this part takes no spare key twice.
        part, fresh = 0, 0
        used: set[int] = set()
        for keysym in map(keysyms.canonical, wanted):
            if keysym not in used and (keysym in missing or keysym in self.keymap.bound):
                if len(used) == room:
                    break
                used.add(keysym)
                fresh += keysym in missing
            part += 1
        now_s = asyncio.get_running_loop().time()
        for keysym in used:
            if keysym in self.keymap.bound:
                self.keymap.pressed(self.keymap.bound[keysym], now_s)
        chosen = [(keysym, *self.keymap.bind(keysym)) for keysym in missing if keysym in used]
        rest_s = max(
            (pressed_s + SPARE_REST_S - now_s for _, _, pressed_s in chosen if pressed_s), default=0.0
        )
        if rest_s > 0:
            await asyncio.sleep(rest_s)
        self._change({keycode: keysym for keysym, keycode, _ in chosen})
        now_s = asyncio.get_running_loop().time()
        for _, keycode, _ in chosen:
            self.keymap.pressed(keycode, now_s)
        await self._connection.round_trip()
        return part

    def _change(self, keys: dict[int, int]) -> None:
        """One request, and one notice to every program, for each run of neighbouring keys."""
        for run in _runs(sorted(keys)):
            # The same on both levels: so neither Shift nor a lock matters.
            rows = [keysym for keycode in run for keysym in (keys[keycode], keys[keycode])]
            self._core.ChangeKeyboardMapping(len(run), run[0], 2, rows)
            self._own_changes.append((run[0], len(run)))

    @contextmanager
    def _modifiers(self, shift: bool | None, level3: bool | None) -> Iterator[None]:
        """Makes Shift and the third level as a key needs them, for the moment of the press."""
        undo: list[Callable[[], None]] = []
        for want, bit, keysym in (
            (shift, SHIFT, keysyms.SHIFT_L),
            (level3, self.keymap.level3_bit, keysyms.LEVEL3_SHIFT),
        ):
            if want is None or want == bool(self._state & bit):
                continue
            held = [keycode for keycode in self.holds.held() if self.keymap.modifier_bit(keycode) == bit]
            keycode = self.keymap.keycode_of(keysym)
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
            for back in reversed(undo):
                back()

    @contextmanager
    def _lifted(self, mask: int) -> Iterator[None]:
        held = [keycode for keycode in self.holds.held() if self.keymap.modifier_bit(keycode) & mask]
        for keycode in held:
            self._up(keycode)
        try:
            yield
        finally:
            still = set(self.holds.held())
            for keycode in held:
                if keycode in still:
                    self._down(keycode)

    def _down(self, keycode: int) -> None:
        self._send(PRESS, keycode)
        self._state |= self.keymap.modifier_bit(keycode)
        self.keymap.pressed(keycode, asyncio.get_running_loop().time())

    def _up(self, keycode: int) -> None:
        self._send(RELEASE, keycode)
        bit = self.keymap.modifier_bit(keycode)
        if bit and not any(self.keymap.modifier_bit(k) == bit for k in self.holds.held() if k != keycode):
            self._state &= ~bit

    def _send(self, kind: int, keycode: int) -> None:
        self._xtest.FakeInput(kind, keycode, 0, 0, 0, 0, 0)

    def _ask(self) -> tuple[Any, Any]:
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
    """Ascending numbers, cut where they are not neighbours."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
