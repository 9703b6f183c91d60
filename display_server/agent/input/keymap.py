"""Finds the key and modifiers that produce a keysym in the X server's current layout. No I/O.

Works on the core protocol's view of the layout: each key has two groups of two levels (columns 0, 1 and 2,
3), followed by the third and fourth level of both groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from display_server.agent.input import keysyms

#: Bits of the core protocol's modifier mask.
SHIFT, LOCK, CONTROL = 1, 2, 4
#: Position of the active group in the same mask, bits 13 and 14.
GROUP_SHIFT = 13

#: Keys that may be bound to keysyms which the layout lacks: first unassigned keys (`us` has 19), then
#: multimedia keys. The rest is left for programs, which may bind keys as well.
SPARES_MAX = 64


@dataclass(frozen=True, slots=True)
class KeyChord:
    """A key to press, and the modifiers for it: down (True), up (False) or either (None)."""

    keycode: int
    shift: bool | None
    level3: bool | None

    def changes(self, shift: bool, level3: bool) -> int:
        """Returns how many modifiers must change, given whether each of them is down now."""
        return (self.shift not in (None, shift)) + (self.level3 not in (None, level3))


class Keymap:
    """A keyboard layout, and the keysyms that are bound to its spare keys."""

    def __init__(
        self, first_keycode: int, rows: Sequence[Sequence[int]], modifiers: Sequence[Sequence[int]]
    ) -> None:
        """`rows[i]` are the keysyms of key `first_keycode + i`; `modifiers[bit]` the keys of a modifier."""
        self._rows = {first_keycode + i: tuple(row) for i, row in enumerate(rows)}
        self._bits = {keycode: 1 << bit for bit, keys in enumerate(modifiers) for keycode in keys if keycode}
        self._positions: dict[int, list[tuple[int, int]]] = {}  # keysym → (keycode, column)
        self.bound: dict[int, int] = {}  # keysym → spare keycode
        self._spares: dict[int, float] = {}  # keycode → time of the last press, s; oldest first
        multimedia: list[int] = []
        for keycode, row in self._rows.items():
            kinds = set(row) - {keysyms.NO_SYMBOL}
            if not kinds and keycode not in self._bits:
                self._spares[keycode] = 0.0
            elif len(kinds) == 1 and keysyms.is_unicode(only := next(iter(kinds))):
                # No layout has one Unicode character on all levels of a key: an earlier agent bound it.
                self._spares[keycode] = 0.0
                self.bound[only] = keycode
            else:
                for column, keysym in enumerate(row):
                    if keysym:
                        self._positions.setdefault(keysyms.canonical(keysym), []).append((keycode, column))
                if all(map(keysyms.is_multimedia, kinds)) and keycode not in self._bits:
                    multimedia.append(keycode)
        for keycode in reversed(multimedia):
            if len(self._spares) < SPARES_MAX:
                self._spares[keycode] = 0.0
        self.level3_bit = self._bit_of(keysyms.LEVEL3_SHIFT)
        self.num_lock_bit = self._bit_of(keysyms.NUM_LOCK)
        self._has_shift = self.modifier_key(keysyms.SHIFT_L) is not None

    def modifier_bit(self, keycode: int) -> int:
        """Returns the modifier bit that the key sets while it is down, or 0."""
        return self._bits.get(keycode, 0)

    def keycode_of(self, keysym: int) -> int | None:
        """Returns a key with this keysym on any level, preferably the lowest, or None."""
        positions = self._positions.get(keysym)
        return min(positions, key=lambda position: (position[1], position[0]))[0] if positions else None

    def modifier_key(self, keysym: int) -> int | None:
        """Returns a key that acts as the modifier `keysym`, or None.

        If the layout lacks the keysym, the key of its left or right twin is used. Shift and Control may also
        be on a key with another keysym that the layout declares as that modifier.
        """
        for name in keysyms.modifier_family(keysym):
            keys = [position for position in self._positions.get(name, []) if position[0] in self._bits]
            if keys:
                return min(keys, key=lambda position: (position[1], position[0]))[0]
        bit = {keysyms.SHIFT_L: SHIFT, keysyms.CONTROL_L: CONTROL}.get(
            min(keysyms.modifier_family(keysym)), 0
        )
        return next((keycode for keycode, own in self._bits.items() if bit and own == bit), None)

    def chord_for(self, keysym: int, state: int) -> KeyChord | None:
        """Returns the chord with the fewest modifier changes from the core modifier mask `state`, or None."""
        keysym = keysyms.canonical(keysym)
        if keysym in self.bound:
            return KeyChord(self.bound[keysym], None, None)
        if not keysyms.is_printable(keysym):
            keycode = self.keycode_of(keysym)
            return None if keycode is None else KeyChord(keycode, None, None)
        shift, level3 = bool(state & SHIFT), bool(state & self.level3_bit)
        return min(
            self._chords(keysym, state),
            key=lambda chord: (chord.changes(shift, level3), chord.keycode),
            default=None,
        )

    def missing(self, wanted: Sequence[int], state: int) -> list[int]:
        """Returns the keysyms of `wanted` that need a spare key, each once, in order."""
        return [
            keysym
            for keysym in dict.fromkeys(map(keysyms.canonical, wanted))
            if self.chord_for(keysym, state) is None
        ]

    def bind(self, keysym: int) -> tuple[int, float]:
        """Assigns `keysym` to the spare key that was unused for the longest time.

        Returns the keycode and the time of its last press in s. Raises LookupError if the layout has no spare
        key.
        """
        if not self._spares:
            raise LookupError("the keyboard layout has no spare key")
        keycode, pressed_s = next(iter(self._spares.items()))
        self._unbind(keycode)
        self.bound[keysyms.canonical(keysym)] = keycode
        self._spares[keycode] = self._spares.pop(keycode)
        return keycode, pressed_s

    def original(self, keycode: int) -> tuple[int, ...]:
        """Returns the keysyms that a spare key had before it was bound."""
        row = self._rows[keycode]
        return (keysyms.NO_SYMBOL,) if any(map(keysyms.is_unicode, row)) else row

    def _unbind(self, keycode: int) -> None:
        for keysym in [keysym for keysym, other in self.bound.items() if other == keycode]:
            del self.bound[keysym]
        for keysym in set(self._rows[keycode]) & self._positions.keys():
            self._positions[keysym] = [
                position for position in self._positions[keysym] if position[0] != keycode
            ]

    def record_press(self, keycode: int, now_s: float) -> None:
        """Records that a spare key was pressed, so that it is the last to be bound to another keysym."""
        if self._spares.pop(keycode, None) is not None:
            self._spares[keycode] = now_s

    @property
    def spare_count(self) -> int:
        return len(self._spares)

    def inherit_presses(self, earlier: Keymap) -> None:
        """Copies the times of the last presses from the keymap that this one replaces."""
        for keycode, pressed_s in earlier._spares.items():
            if pressed_s and keycode in self._spares:
                self.record_press(keycode, pressed_s)

    def _chords(self, keysym: int, state: int) -> Iterator[KeyChord]:
        group = state >> GROUP_SHIFT & 1
        for keycode, column in self._positions.get(keysym, []):
            group_and_level = _group_and_level(column, len(self._rows[keycode]))
            if group_and_level is None or group_and_level[0] != group:
                continue
            level = group_and_level[1]
            row = self._rows[keycode]
            first, second = row[2 * group], row[2 * group + 1] if 2 * group + 1 < len(row) else 0
            locked = self._lock_swaps(first, second, state)
            shift_has_no_effect = level == 0 and second in (0, first)
            if keysyms.is_keypad_character(keysym) and not shift_has_no_effect and (level == 1) != locked:
                continue  # to many programs, Shift with a keypad key moves the cursor or selects
            if level >= 2 and not self.level3_bit:
                continue
            shift = None if shift_has_no_effect else (level % 2 == 1) != locked
            if shift and not self._has_shift:
                continue
            yield KeyChord(keycode, shift, level >= 2 if self._has_level3(row, group) else None)

    def _lock_swaps(self, first: int, second: int, state: int) -> bool:
        """Returns whether an active lock swaps the first two levels of a key."""
        if keysyms.is_keypad_character(second) and not keysyms.is_keypad_character(first):
            return bool(state & self.num_lock_bit)
        return bool(state & LOCK) and keysyms.is_letter_pair(first, second)

    @staticmethod
    def _has_level3(row: Sequence[int], group: int) -> bool:
        return any(row[4 + 2 * group : 6 + 2 * group])

    def _bit_of(self, keysym: int) -> int:
        return next(
            (bit for code, _ in self._positions.get(keysym, []) if (bit := self._bits.get(code, 0))), 0
        )


def _group_and_level(column: int, width: int) -> tuple[int, int] | None:
    """Returns group and level, both from 0, of a column in the core protocol's order."""
    if column < 4:
        return column // 2, column % 2
    if column < min(width, 8):
        return (column - 4) // 2, 2 + column % 2
    return None
