"""Common and breached passwords and their variants are refused; long ones of unrelated words are not."""

from __future__ import annotations

import pytest

from display_server.broker.password_strength import check_strength, is_guessable
from display_server.errors import ConfigurationError


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "P@ssw0rd2024",
        "qwertyuiop",
        "1234567890",
        "iloveyou12",
        "letmein2024",
        "aaaaaaaaaaaa",
        "lightbox2026",
        "kimminsu2026",
        "19840312190",
    ],
)
def test_a_guessable_password_is_refused(password: str) -> None:
    assert is_guessable(password, ("kim", "Kim Minsu", "kimminsu"))


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "사과나무 아래 파란 우산", "vK3-tulip-harbor", "x" * 3 + "9fj2-qp7w"],
)
def test_a_password_that_takes_many_guesses_is_accepted(password: str) -> None:
    assert not is_guessable(password, ("kim", "Kim Minsu"))


def test_the_longest_password_is_examined_in_time() -> None:
    assert not is_guessable("the owl and the pussycat went to sea " * 27)


async def test_the_error_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="easily guessed") as found:
        await check_strength("password123", ())
    assert "four words" in found.value.hint
    with pytest.raises(ConfigurationError, match="too short"):
        await check_strength("short", ())
