"""The keymap and spare keys of a small layout; keysyms; counting of pressed keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.input import keysyms
from display_server.agent.input.keymap import LOCK, SHIFT, SPARES_MAX, KeyChord, Keymap
from display_server.agent.input.pressed_keys import PressedKeys

A, CAPITAL_A, ONE, EXCLAMATION, AT, EURO = ord("a"), ord("A"), ord("1"), ord("!"), ord("@"), 0x010020AC
HANGUL_GA = 0x0100AC00
TAB, LEFT_TAB, F1 = 0xFF09, 0xFE20, 0xFFBE
KP_7, KP_HOME = 0xFFB7, 0xFF95
PLAY = 0x1008FF14
CYRILLIC_EF = 0x06C6
GROUP_2, MOD2, MOD5 = 1 << 13, 16, 128

FIRST = 8
ROWS = [
    [A, CAPITAL_A, CYRILLIC_EF, 0x06E6],  # 8
    [ONE, EXCLAMATION, ONE, EXCLAMATION],  # 9
    [ord("q"), ord("Q"), 0, 0, AT, 0],  # 10: @ on the third level
    [TAB, LEFT_TAB, TAB, LEFT_TAB],  # 11
    [F1, 0, F1, 0],  # 12
    [KP_HOME, KP_7, KP_HOME, KP_7],  # 13
    [0, 0, 0, 0],  # 14: spare
    [PLAY, 0, PLAY, 0],  # 15: a multimedia key
    [keysyms.SHIFT_L, 0, 0, 0],  # 16
    [keysyms.LEVEL3_SHIFT, 0, 0, 0],  # 17
    [keysyms.NUM_LOCK, 0, 0, 0],  # 18
    [HANGUL_GA, HANGUL_GA, 0, 0],  # 19: bound by an earlier agent
    [0, 0, 0, 0],  # 20: no keysym, but a modifier
]
MODIFIERS = [[16, 0], [0, 0], [0, 0], [20, 0], [18, 0], [0, 0], [0, 0], [17, 0]]


@pytest.fixture
def keymap() -> Keymap:
    return Keymap(FIRST, ROWS, MODIFIERS)


@pytest.mark.parametrize(
    ("keysym", "state", "chord"),
    [
        (A, 0, KeyChord(8, False, None)),
        (CAPITAL_A, 0, KeyChord(8, True, None)),
        (CAPITAL_A, SHIFT, KeyChord(8, True, None)),
        (CAPITAL_A, LOCK, KeyChord(8, False, None)),
        (A, LOCK, KeyChord(8, True, None)),
        (ONE, LOCK, KeyChord(9, False, None)),
        (EXCLAMATION, 0, KeyChord(9, True, None)),
        (AT, 0, KeyChord(10, False, True)),
        (ord("q"), MOD5, KeyChord(10, False, False)),
        (TAB, SHIFT, KeyChord(11, None, None)),
        (LEFT_TAB, 0, KeyChord(11, None, None)),
        (F1, SHIFT, KeyChord(12, None, None)),
        (KP_HOME, 0, KeyChord(13, None, None)),
        (KP_7, 0, None),
        (KP_7, MOD2, KeyChord(13, False, None)),
        (CYRILLIC_EF, 0, None),
        (CYRILLIC_EF, GROUP_2, KeyChord(8, False, None)),
        (A, GROUP_2, None),
        (ONE, GROUP_2, KeyChord(9, False, None)),
        (HANGUL_GA, 0, KeyChord(19, None, None)),
        (EURO, 0, None),
        (0x01000041, 0, KeyChord(8, True, None)),  # a Unicode keysym of a Latin-1 character
        (PLAY, 0, KeyChord(15, None, None)),
    ],
)
def test_chord_for_a_keysym(keymap: Keymap, keysym: int, state: int, chord: KeyChord | None) -> None:
    assert keymap.chord_for(keysym, state) == chord


def test_modifiers_are_found(keymap: Keymap) -> None:
    assert (keymap.level3_bit, keymap.num_lock_bit) == (MOD5, MOD2)
    assert [keymap.modifier_bit(code) for code in (8, 16, 17, 20)] == [0, SHIFT, MOD5, 8]


@pytest.mark.parametrize(
    ("keysym", "rows", "modifiers", "keycode"),
    [
        (keysyms.CONTROL_R, [[keysyms.CONTROL_L, 0], [keysyms.CONTROL_R, 0]], {2: [8, 9]}, 9),
        (keysyms.CONTROL_R, [[keysyms.CONTROL_L, 0], [0xFF34, 0]], {2: [8]}, 8),
        (keysyms.CONTROL_L, [[0xFF34, 0], [keysyms.CONTROL_R, 0]], {2: [9]}, 9),
        (keysyms.ALT_R, [[keysyms.ALT_L, keysyms.META_L], [keysyms.LEVEL3_SHIFT, 0]], {3: [8], 7: [9]}, 8),
        (keysyms.ALT_L, [[keysyms.META_L, 0]], {3: [8]}, 8),
        (keysyms.SUPER_R, [[keysyms.SUPER_L, 0]], {6: [8]}, 8),
        (keysyms.SHIFT_R, [[keysyms.CAPS_LOCK, 0]], {0: [8]}, 8),  # another keysym, but it acts as Shift
        (keysyms.SUPER_L, [[keysyms.SUPER_L, 0]], {}, None),  # a key that is no modifier
        (keysyms.ALT_L, [[keysyms.SUPER_L, 0]], {6: [8]}, None),
    ],
)
def test_a_modifier_that_the_layout_lacks_is_on_its_twin(
    keysym: int, rows: list[list[int]], modifiers: dict[int, list[int]], keycode: int | None
) -> None:
    keymap = Keymap(8, rows, [modifiers.get(bit, []) for bit in range(8)])
    assert keymap.modifier_key(keysym) == keycode


def test_without_a_shift_key_no_chord_needs_one() -> None:
    keymap = Keymap(8, [[A, CAPITAL_A], [0, 0]], [[]] * 8)
    assert keymap.chord_for(A, 0) == KeyChord(8, False, None)
    assert keymap.chord_for(CAPITAL_A, 0) is None
    assert keymap.missing([A, CAPITAL_A], 0) == [CAPITAL_A]


def test_spare_keys_are_bound_in_turn(keymap: Keymap) -> None:
    assert keymap.spare_count == 3  # unassigned, bound earlier, multimedia
    order = []
    for number in range(6):
        keycode, _ = keymap.bind(EURO + number)
        keymap.record_press(keycode, float(number))
        order.append(keycode)
    assert set(order[:3]) == {14, 15, 19}
    assert order[3:] == order[:3]
    assert list(keymap.bound) == [EURO + 3, EURO + 4, EURO + 5]
    assert keymap.chord_for(EURO, 0) is None
    assert keymap.chord_for(HANGUL_GA, 0) is None
    assert keymap.chord_for(PLAY, 0) is None
    assert [keymap.original(code) for code in (14, 15, 19)] == [(0, 0, 0, 0), (PLAY, 0, PLAY, 0), (0,)]


def test_the_last_pressed_spare_key_is_bound_last(keymap: Keymap) -> None:
    first, _ = keymap.bind(EURO)
    keymap.record_press(first, 1.0)
    others = {keymap.bind(EURO + n)[0] for n in (1, 2)}
    assert first not in others
    assert keymap.bind(EURO + 3) == (first, 1.0)


def test_a_layout_without_spare_keys_raises() -> None:
    keymap = Keymap(FIRST, [[A, CAPITAL_A]], [[]] * 8)
    with pytest.raises(LookupError):
        keymap.bind(EURO)


def test_at_most_spares_max_keys_are_bound() -> None:
    keymap = Keymap(8, [[PLAY + n, 0] for n in range(200)], [[]] * 8)
    assert keymap.spare_count == SPARES_MAX


def test_a_new_layout_inherits_the_times_of_presses(keymap: Keymap) -> None:
    keycode, _ = keymap.bind(EURO)
    keymap.record_press(keycode, 5.0)
    later = Keymap(FIRST, ROWS, MODIFIERS)
    later.inherit_presses(keymap)
    bound = [later.bind(EURO + n) for n in range(3)]
    assert bound[-1] == (keycode, 5.0)


@given(st.characters())
def test_keysym_of_every_character(character: str) -> None:
    keysym = keysyms.keysym_of(character)
    point = ord(character)
    if keysym is None:
        assert point < 0x20 or 0x7F <= point < 0xA0 or 0xD800 <= point < 0xE000
    elif point >= 0x100:
        assert keysym == 0x01000000 + point
        assert keysyms.is_unicode(keysym)
        assert keysyms.is_printable(keysym)
        assert keysyms.canonical(keysym) == keysym


def test_letter_pairs() -> None:
    assert keysyms.is_letter_pair(A, CAPITAL_A)
    assert keysyms.is_letter_pair(ord("é"), ord("É"))
    assert not keysyms.is_letter_pair(ONE, EXCLAMATION)
    assert not keysyms.is_letter_pair(A, A)


def test_a_key_is_down_until_its_last_release() -> None:
    keys = PressedKeys()
    assert keys.press(5)
    assert not keys.press(5)
    assert not keys.release(5)
    assert keys.numbers() == [5]
    assert keys.release(5)
    assert not keys.release(5)
    assert keys.numbers() == []
