"""The two-set (두벌식) keyboard: which keys make a word, and what an input method shows after each."""

from __future__ import annotations

FIRST, LAST = "가", "힣"
MEDIALS, FINALS = 21, 28


def _split(keys: str) -> list[str]:
    return keys.split()


#: Keys of the US keyboard for each initial, medial and final, in Unicode's order. Two letters are two keys.
INITIAL_KEYS = tuple("rRseEfaqQtTdwWczxvg")
MEDIAL_KEYS = tuple(_split("k o i O j p u P h hk ho hl y n nj np nl b m ml l"))
FINAL_KEYS = ("", *_split("r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g"))
#: The same initials as letters of their own, for a syllable that has only begun.
INITIAL_LETTERS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"


def parts(syllable: str) -> tuple[int, int, int]:
    """Numbers of initial, medial and final (0 for none). Raises ValueError for anything but one syllable."""
    if len(syllable) != 1 or not FIRST <= syllable <= LAST:
        raise ValueError(f"{syllable!r} is not a Hangul syllable")
    number = ord(syllable) - ord(FIRST)
    return number // (MEDIALS * FINALS), number // FINALS % MEDIALS, number % FINALS


def syllable_of(initial: int, medial: int, final: int) -> str:
    return chr(ord(FIRST) + (initial * MEDIALS + medial) * FINALS + final)


def keys(word: str) -> str:
    """The keys to press, capital letters with Shift: `한글` is `gksrmf`."""
    pressed = ""
    for syllable in word:
        initial, medial, final = parts(syllable)
        pressed += INITIAL_KEYS[initial] + MEDIAL_KEYS[medial] + FINAL_KEYS[final]
    return pressed


def steps(syllable: str) -> list[str]:
    """What stands there after each key: `값` is `ㄱ`, `가`, `갑`, `값`."""
    initial, medial, final = parts(syllable)
    shown = [INITIAL_LETTERS[initial]]
    shown += [
        syllable_of(initial, MEDIAL_KEYS.index(MEDIAL_KEYS[medial][:end]), 0)
        for end in range(1, len(MEDIAL_KEYS[medial]) + 1)
    ]
    shown += [
        syllable_of(initial, medial, FINAL_KEYS.index(FINAL_KEYS[final][:end]))
        for end in range(1, len(FINAL_KEYS[final]) + 1)
    ]
    return shown
