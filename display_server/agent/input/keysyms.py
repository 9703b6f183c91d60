"""Keysyms (X11/keysymdef.h) and their kinds, as far as input needs them."""

from __future__ import annotations

NO_SYMBOL = 0
BACKSPACE, TAB, RETURN, ESCAPE = 0xFF08, 0xFF09, 0xFF0D, 0xFF1B
SHIFT_L, SHIFT_R, CONTROL_L, CONTROL_R = 0xFFE1, 0xFFE2, 0xFFE3, 0xFFE4
META_L, META_R, ALT_L, ALT_R = 0xFFE7, 0xFFE8, 0xFFE9, 0xFFEA
SUPER_L, SUPER_R, HYPER_L, HYPER_R = 0xFFEB, 0xFFEC, 0xFFED, 0xFFEE
NUM_LOCK, CAPS_LOCK, SHIFT_LOCK = 0xFF7F, 0xFFE5, 0xFFE6
LEVEL3_SHIFT = 0xFE03

#: Lock keys are not passed on: the browser applies its own locks to the keysyms it sends, and a second lock
#: on the desktop could only contradict them.
LOCKS = frozenset({NUM_LOCK, CAPS_LOCK, SHIFT_LOCK})

#: Shift_L … Hyper_R, ISO_Level3_Shift and similar, Mode_switch. They work only on keys that the layout
#: declares as modifiers, never on a spare key.
MODIFIERS = frozenset([*range(0xFFE1, 0xFFEF), *range(0xFE01, 0xFE14), 0xFF7E])

#: Modifiers that programs treat alike, the usual one first. Layouts lack some: `kr104` has Hangul keys
#: in place of the right Control and Alt, `de` has AltGr in place of the right Alt.
_FAMILIES = (
    (SHIFT_L, SHIFT_R),
    (CONTROL_L, CONTROL_R),
    (ALT_L, ALT_R, META_L, META_R),
    (SUPER_L, SUPER_R),
    (HYPER_L, HYPER_R),
)

#: Control characters that correspond to a key.
_CONTROL_KEYS = {"\n": RETURN, "\r": RETURN, "\t": TAB, "\b": BACKSPACE, "\x1b": ESCAPE, "\x7f": 0xFFFF}

_UNICODE = 0x01000000
_LATIN1_PRINTABLE = (range(0x20, 0x7F), range(0xA0, 0x100))


#: Both Shift keys.
SHIFTS = frozenset({SHIFT_L, SHIFT_R})
#: Modifiers that turn a key into a command instead of another character.
SHORTCUT_MODIFIERS = frozenset(range(CONTROL_L, HYPER_R + 1)) - LOCKS


def modifier_family(keysym: int) -> tuple[int, ...]:
    """Returns the keysyms that may stand in for a modifier, itself first."""
    others = next((family for family in _FAMILIES if keysym in family), ())
    return (keysym, *(other for other in others if other != keysym))


def keysym_of(character: str) -> int | None:
    """Returns the keysym that types one code point, or None for control characters without a key."""
    if character in _CONTROL_KEYS:
        return _CONTROL_KEYS[character]
    point = ord(character)
    if any(point in part for part in _LATIN1_PRINTABLE):
        return point
    if point < 0x100 or 0xD800 <= point < 0xE000:
        return None
    return _UNICODE + point


def canonical(keysym: int) -> int:
    """Returns one keysym per character: Unicode keysyms of Latin-1 characters become Latin-1 keysyms."""
    if keysym & ~0xFF == _UNICODE:
        return keysym & 0xFF
    return keysym


def is_unicode(keysym: int) -> bool:
    return _UNICODE + 0x100 <= keysym <= _UNICODE + 0x10FFFF


def is_multimedia(keysym: int) -> bool:
    """Returns whether this is XF86AudioPlay or a similar vendor keysym."""
    return 0x10080000 <= keysym <= 0x1008FFFF


def is_printable(keysym: int) -> bool:
    """Returns whether the keysym types a character, so that the key's level matters.

    Tab, for example, is the same key with and without Shift.
    """
    return keysym < 0xFE00 or is_unicode(keysym) or is_keypad_character(keysym)


def is_keypad_character(keysym: int) -> bool:
    """Returns whether this is one of KP_Multiply … KP_9 or KP_Equal."""
    return 0xFFAA <= keysym <= 0xFFB9 or keysym == 0xFFBD


def is_keypad_navigation(keysym: int) -> bool:
    """Returns whether this is one of KP_Home … KP_Delete, which Num Lock turns into digits."""
    return 0xFF95 <= keysym <= 0xFF9F


def is_letter_pair(lower: int, upper: int) -> bool:
    """Returns whether Caps Lock acts on a key with these two levels."""
    small, capital = _character(lower), _character(upper)
    return bool(small and capital and small != capital and small.upper() == capital)


def _character(keysym: int) -> str:
    if keysym < 0x100:
        return chr(keysym)
    return chr(keysym - _UNICODE) if is_unicode(keysym) else ""
