"""From keysyms to keys, in layouts written down by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.input import keysyms
from display_server.agent.input.holds import Holds
from display_server.agent.input.keymap import LOCK, SHIFT, SPARES_MAX, KeyChord, Keymap

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
    [PLAY, 0, PLAY, 0],  # 15: of a multimedia keyboard
    [keysyms.SHIFT_L, 0, 0, 0],  # 16
    [keysyms.LEVEL3_SHIFT, 0, 0, 0],  # 17
    [keysyms.NUM_LOCK, 0, 0, 0],  # 18
    [HANGUL_GA, HANGUL_GA, 0, 0],  # 19: left by an earlier process
    [0, 0, 0, 0],  # 20: nothing on it, but a modifier
]
MODIFIERS = [[16, 0], [0, 0], [0, 0], [20, 0], [18, 0], [0, 0], [0, 0], [17, 0]]


@pytest.fixture
def keymap() -> Keymap:
    return Keymap(FIRST, ROWS, MODIFIERS)


@pytest.mark.parametrize(
    ("keysym", "state", "way"),
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
def test_way(keymap: Keymap, keysym: int, state: int, way: KeyChord | None) -> None:
    assert keymap.way(keysym, state) == way


def test_modifiers_are_found(keymap: Keymap) -> None:
    assert (keymap.level3_bit, keymap.num_lock_bit) == (MOD5, MOD2)
    assert [keymap.modifier_bit(code) for code in (8, 16, 17, 20)] == [0, SHIFT, MOD5, 8]


def test_spare_keys_are_used_in_turn(keymap: Keymap) -> None:
    assert keymap.spare_count == 3  # empty, left over, multimedia
    order = []
    for number in range(6):
        keycode, _ = keymap.bind(EURO + number)
        keymap.pressed(keycode, float(number))
        order.append(keycode)
    assert set(order[:3]) == {14, 15, 19}
    assert order[3:] == order[:3]
    assert list(keymap.bound) == [EURO + 3, EURO + 4, EURO + 5]
    assert keymap.way(EURO, 0) is None
    assert keymap.way(HANGUL_GA, 0) is None
    assert keymap.way(PLAY, 0) is None
    assert [keymap.original(code) for code in (14, 15, 19)] == [(0, 0, 0, 0), (PLAY, 0, PLAY, 0), (0,)]


def test_pressed_key_is_bound_last(keymap: Keymap) -> None:
    first, _ = keymap.bind(EURO)
    keymap.pressed(first, 1.0)
    others = {keymap.bind(EURO + n)[0] for n in (1, 2)}
    assert first not in others
    assert keymap.bind(EURO + 3) == (first, 1.0)


def test_no_spare_key() -> None:
    keymap = Keymap(FIRST, [[A, CAPITAL_A]], [[]] * 8)
    with pytest.raises(LookupError):
        keymap.bind(EURO)


def test_not_every_free_key_is_taken() -> None:
    keymap = Keymap(8, [[PLAY + n, 0] for n in range(200)], [[]] * 8)
    assert keymap.spare_count == SPARES_MAX


def test_new_layout_remembers_when_keys_were_pressed(keymap: Keymap) -> None:
    keycode, _ = keymap.bind(EURO)
    keymap.pressed(keycode, 5.0)
    later = Keymap(FIRST, ROWS, MODIFIERS)
    later.adopt(keymap)
    bound = [later.bind(EURO + n) for n in range(3)]
    assert bound[-1] == (keycode, 5.0)


@given(st.characters())
def test_characters(character: str) -> None:
    keysym = keysyms.keysym_of(character)
    point = ord(character)
    if keysym is None:
        assert point < 0x20 or 0x7F <= point < 0xA0 or 0xD800 <= point < 0xE000
    elif point >= 0x100:
        assert keysym == 0x01000000 + point
        assert keysyms.is_unicode(keysym)
        assert keysyms.is_printable(keysym)
        assert keysyms.canonical(keysym) == keysym


def test_letters() -> None:
    assert keysyms.is_letter_pair(A, CAPITAL_A)
    assert keysyms.is_letter_pair(ord("é"), ord("É"))
    assert not keysyms.is_letter_pair(ONE, EXCLAMATION)
    assert not keysyms.is_letter_pair(A, A)


def test_holds_count_people() -> None:
    holds = Holds()
    assert holds.take(5)
    assert not holds.take(5)
    assert not holds.let_go(5)
    assert holds.held() == [5]
    assert holds.let_go(5)
    assert not holds.let_go(5)
    assert holds.held() == []
