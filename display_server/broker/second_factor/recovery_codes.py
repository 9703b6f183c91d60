"""Recovery codes, for people who have neither their app nor their passkey at hand. Pure."""

from __future__ import annotations

import secrets

#: Codes that a person gets at once.
COUNT = 10
#: Letters and digits of a code, without those that look alike: Crockford's base 32.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: A code has three groups of four letters: 60 random bits.
GROUPS, GROUP_LENGTH = 3, 4
#: What people read or type instead of letters that the alphabet lacks.
_ALIKE = str.maketrans({"I": "1", "L": "1", "O": "0"})


def new_codes() -> list[str]:
    """Returns COUNT random codes such as 7K2M-P4XD-91QZ."""
    return [
        "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
        for _ in range(COUNT)
    ]


def normalise(text: str) -> str | None:
    """Returns the letters of a code that a person typed, without hyphens, or None if it cannot be one."""
    letters = "".join(text.upper().split()).replace("-", "").translate(_ALIKE)
    if len(letters) != GROUPS * GROUP_LENGTH or not set(letters) <= set(ALPHABET):
        return None
    return letters
