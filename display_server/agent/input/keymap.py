"""Which key gives a keysym, with which modifiers, in the layout that the X server has now. No I/O.

Works on the core protocol's view of the layout: of each key two groups (columns 0, 1 and 2, 3) of two levels,
behind them the third and fourth level of both groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from display_server.agent.input import keysyms

#: Bits of the core protocol's modifier mask.
SHIFT, LOCK, CONTROL = 1, 2, 4
#: The group stands in bits 13 and 14 of the same mask.
GROUP_SHIFT = 13

#: Keys for what the layout lacks: first those that nothing is on (`us` has 19), then those of multimedia
#: keyboards. Not all of them: programs may want to bind some, too.
SPARES_MAX = 64


@dataclass(frozen=True, slots=True)
class KeyChord:
    """How a keysym comes about: hold or lift Shift and the third-level modifier, then press."""

    keycode: int
    shift: bool | None  # None: as it is
    level3: bool | None

    def changes(self, shift: bool, level3: bool) -> int:
        """How many modifiers have to change first."""
        return (self.shift not in (None, shift)) + (self.level3 not in (None, level3))


class Keymap:
    """The layout, and what we bound to its spare keys."""

    def __init__(
        self, first_keycode: int, rows: Sequence[Sequence[int]], modifiers: Sequence[Sequence[int]]
    ) -> None:
        """`rows[i]` are the keysyms of key `first_keycode + i`; `modifiers[bit]` the keys of 8 modifiers."""
        self._rows = {first_keycode + i: tuple(row) for i, row in enumerate(rows)}
        self._bits = {keycode: 1 << bit for bit, keys in enumerate(modifiers) for keycode in keys if keycode}
        self._places: dict[int, list[tuple[int, int]]] = {}  # keysym → (keycode, column)
        self.bound: dict[int, int] = {}  # keysym → spare keycode
        self._spares: dict[int, float] = {}  # keycode → when it was last pressed, oldest first
        borrowed: list[int] = []
        for keycode, row in self._rows.items():
            kinds = set(row) - {keysyms.NO_SYMBOL}
            if not kinds and keycode not in self._bits:
                self._spares[keycode] = 0.0
            elif len(kinds) == 1 and keysyms.is_unicode(only := next(iter(kinds))):
                # No layout has a key with one Unicode character on all levels: an earlier process left it.
                self._spares[keycode] = 0.0
                self.bound[only] = keycode
            else:
                for column, keysym in enumerate(row):
                    if keysym:
                        self._places.setdefault(keysyms.canonical(keysym), []).append((keycode, column))
                if all(map(keysyms.is_multimedia, kinds)) and keycode not in self._bits:
                    borrowed.append(keycode)
        for keycode in reversed(borrowed):
            if len(self._spares) < SPARES_MAX:
                self._spares[keycode] = 0.0
        self.level3_bit = self._bit_of(keysyms.LEVEL3_SHIFT)
        self.num_lock_bit = self._bit_of(keysyms.NUM_LOCK)

    def modifier_bit(self, keycode: int) -> int:
        """The bit that the key sets while it is held, or 0."""
        return self._bits.get(keycode, 0)

    def keycode_of(self, keysym: int) -> int | None:
        """A key with this keysym on any level, the lowest preferred."""
        places = self._places.get(keysym)
        return min(places, key=lambda place: (place[1], place[0]))[0] if places else None

    def way(self, keysym: int, state: int) -> KeyChord | None:
        """How to give `keysym` under the core modifier mask `state`, with the fewest changes, else None."""
        keysym = keysyms.canonical(keysym)
        if keysym in self.bound:
            return KeyChord(self.bound[keysym], None, None)
        if not keysyms.is_printable(keysym):
            keycode = self.keycode_of(keysym)
            return None if keycode is None else KeyChord(keycode, None, None)
        shift, level3 = bool(state & SHIFT), bool(state & self.level3_bit)
        ways = list(self._ways(keysym, state))
        return min(ways, key=lambda way: (way.changes(shift, level3), way.keycode), default=None)

    def missing(self, wanted: Sequence[int], state: int) -> list[int]:
        """Those of `wanted` that need a spare key, each once, in order."""
        return [
            keysym
            for keysym in dict.fromkeys(map(keysyms.canonical, wanted))
            if self.way(keysym, state) is None
        ]

    def bind(self, keysym: int) -> tuple[int, float]:
        """Gives `keysym` the spare key that rested longest. Returns it and when it was pressed last.

        Raises LookupError when the layout leaves no spare key.
        """
        if not self._spares:
            raise LookupError("the keyboard layout leaves no spare key")
        keycode, pressed_s = next(iter(self._spares.items()))
        self._empty(keycode)
        self.bound[keysyms.canonical(keysym)] = keycode
        self._spares[keycode] = self._spares.pop(keycode)
        return keycode, pressed_s

    def original(self, keycode: int) -> tuple[int, ...]:
        """What was on a bound key before."""
        row = self._rows[keycode]
        return (keysyms.NO_SYMBOL,) if any(map(keysyms.is_unicode, row)) else row

    def _empty(self, keycode: int) -> None:
        for keysym in [keysym for keysym, other in self.bound.items() if other == keycode]:
            del self.bound[keysym]
        for keysym in set(self._rows[keycode]) & self._places.keys():
            self._places[keysym] = [place for place in self._places[keysym] if place[0] != keycode]

    def pressed(self, keycode: int, now_s: float) -> None:
        """A spare key was pressed: it is the last to be bound anew."""
        if self._spares.pop(keycode, None) is not None:
            self._spares[keycode] = now_s

    @property
    def spare_count(self) -> int:
        return len(self._spares)

    def adopt(self, earlier: Keymap) -> None:
        """Takes over when spare keys were pressed from the keymap that this one replaces."""
        for keycode, pressed_s in earlier._spares.items():
            if pressed_s and keycode in self._spares:
                self.pressed(keycode, pressed_s)

    def _ways(self, keysym: int, state: int) -> Iterator[KeyChord]:
        group = state >> GROUP_SHIFT & 1
        for keycode, column in self._places.get(keysym, []):
            at = _level(column, len(self._rows[keycode]))
            if at is None or at[0] != group:
                continue
            level = at[1]
            row = self._rows[keycode]
            first, second = row[2 * group], row[2 * group + 1] if 2 * group + 1 < len(row) else 0
            locked = self._lock_acts(first, second, state)
            alone = level == 0 and second in (0, first)  # one level: Shift changes nothing
            if keysyms.is_keypad_character(keysym) and not alone and (level == 1) != locked:
                continue  # Shift on the keypad means moving and selecting to many programs
            if level >= 2 and not self.level3_bit:
                continue
            third = level >= 2 if self._has_third(row, group) else None
            yield KeyChord(keycode, None if alone else (level % 2 == 1) != locked, third)

    def _lock_acts(self, first: int, second: int, state: int) -> bool:
        """Whether a lock that is on swaps the first two levels of such a key."""
        if keysyms.is_keypad_character(second) and not keysyms.is_keypad_character(first):
            return bool(state & self.num_lock_bit)
        return bool(state & LOCK) and keysyms.is_letter_pair(first, second)

    @staticmethod
    def _has_third(row: Sequence[int], group: int) -> bool:
        return any(row[4 + 2 * group : 6 + 2 * group])

    def _bit_of(self, keysym: int) -> int:
        return next((bit for code, _ in self._places.get(keysym, []) if (bit := self._bits.get(code, 0))), 0)


def _level(column: int, width: int) -> tuple[int, int] | None:
    """(group, level), both from 0, of a column in the core protocol's order."""
    if column < 4:
        return column // 2, column % 2
    if column < min(width, 8):
        return (column - 4) // 2, 2 + column % 2
    return None
