"""Refuses new passwords that are common, were part of breaches, or can be guessed from the person's name.

The lists are those of zxcvbn, some 30,000 passwords of breaches, names and words; zxcvbn also finds their
variants (`Passw0rd!2024`), keyboard patterns, dates and repetitions, and needs no network. A service that is
asked for hashes of passwords was rejected, because a hospital's server reaches none; and so was a plain list,
which one digit at the end evades.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from display_server.broker.passwords import check_new_password
from display_server.errors import ConfigurationError

#: A password has to take more guesses than this by zxcvbn's estimate; an attacker on the network gets a few
#: hundred a day.
GUESSES_MIN = 10**8
#: zxcvbn examines at most this many characters, because its work grows faster than the length.
CHARACTERS_MAX = 64
#: What everybody would try here.
_OWN_WORDS = ("lightbox", "hospital", "desktop", "radiology")


async def check_strength(password: str, about: Sequence[str] = ()) -> None:
    """Raises ConfigurationError when the password is too short, too long, or easily guessed.

    `about` are words that belong to the person, such as their username.
    """
    check_new_password(password)
    if await asyncio.to_thread(is_guessable, password, about):
        raise ConfigurationError(
            "The password is easily guessed: it is a common one, or made of common words, names, dates or "
            "neighbouring keys.",
            hint="Choose another one, for example four words that have nothing to do with each other.",
        )


def is_guessable(password: str, about: Sequence[str] = ()) -> bool:
    """Returns whether the password takes few guesses. Computes for some milliseconds."""
    from zxcvbn import (
        zxcvbn,  # reads its lists, which takes a while, when a password is set for the first time
    )

    words = [word for text in about for word in (text, *text.replace("@", " ").replace(".", " ").split())]
    result = zxcvbn(password[:CHARACTERS_MAX], user_inputs=[*words, *_OWN_WORDS])
    return bool(result["guesses"] < GUESSES_MIN)
