"""The Dubeolsik (두벌식) keyboard: the keys of a word, and what an input method shows after each key."""

from __future__ import annotations

FIRST, LAST = "가", "힣"
MEDIALS, FINALS = 21, 28


def _split(keys: str) -> list[str]:
    return keys.split()


#: US keyboard keys of each initial, medial and final, in Unicode's order. Two letters mean two keys.
INITIAL_KEYS = tuple("rRseEfaqQtTdwWczxvg")
MEDIAL_KEYS = tuple(_split("k o i O j p u P h hk ho hl y n nj np nl b m ml l"))
FINAL_KEYS = ("", *_split("r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g"))
#: The initials as separate letters, for a syllable that has only begun.
INITIAL_LETTERS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"


def parts(syllable: str) -> tuple[int, int, int]:
    """Returns the numbers of initial, medial and final (0 for none).

    Raises ValueError unless it is one syllable.
    """
    if len(syllable) != 1 or not FIRST <= syllable <= LAST:
        raise ValueError(f"{syllable!r} is not a Hangul syllable")
    number = ord(syllable) - ord(FIRST)
    return number // (MEDIALS * FINALS), number // FINALS % MEDIALS, number % FINALS


def syllable_of(initial: int, medial: int, final: int) -> str:
    return chr(ord(FIRST) + (initial * MEDIALS + medial) * FINALS + final)


def keys(word: str) -> str:
    """Returns the keys to press, capital letters with Shift: `한글` is `gksrmf`."""
    pressed = ""
    for syllable in word:
        initial, medial, final = parts(syllable)
        pressed += INITIAL_KEYS[initial] + MEDIAL_KEYS[medial] + FINAL_KEYS[final]
    return pressed


def steps(syllable: str) -> list[str]:
    """Returns the text after each key: `ㄱ`, `가`, `갑`, `값` for `값`."""
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
