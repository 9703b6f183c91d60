"""The kinds of values that policies can have, and how they are validated. Pure.

A kind accepts one form of a value only, which is also the stored one. No kind has a number that secretly
means "without a limit": that is a word of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

#: A value as it is stored and as JSON has it: a word, a switch, a number, or a list of names.
Value = str | bool | int | float | tuple[str, ...]

#: Longest list of names in one value.
NAMES_MAX = 64
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?")


class Kind(Protocol):
    """Validates the values of a key."""

    def checked(self, value: object) -> Value:
        """Returns the value in the form that is stored. Raises ValueError, whose text says what to write."""
        ...

    def parsed(self, text: str) -> Value:
        """Returns the value that somebody wrote on a command line. Raises ValueError as `checked` does."""
        ...

    @property
    def form(self) -> str:
        """What to write, for people: `one of exact, adaptive, economy`."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: Sequence[str]

    def checked(self, value: object) -> Value:
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(f"write {self.form}")
        return value

    def parsed(self, text: str) -> Value:
        return self.checked(text)

    @property
    def form(self) -> str:
        return f"one of {', '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Switch:
    """Yes or no."""

    def checked(self, value: object) -> Value:
        if not isinstance(value, bool):
            raise ValueError(f"write {self.form}")
        return value

    def parsed(self, text: str) -> Value:
        if text not in ("true", "false"):
            raise ValueError(f"write {self.form}")
        return text == "true"

    @property
    def form(self) -> str:
        return "true or false"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number from `minimum` to `maximum`, or the word that stands for its absence.

    `word` is what to write instead of a number, for example `unlimited`; None if there has to be a number.
    """

    minimum: float
    maximum: float
    unit: str
    word: str | None = None
    whole: bool = False

    def checked(self, value: object) -> Value:
        if self.word is not None and value == self.word:
            return self.word
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"write {self.form}")
        if not self.minimum <= value <= self.maximum or (self.whole and value != int(value)):
            raise ValueError(f"write {self.form}, not {value:g}")
        return int(value) if value == int(value) else float(value)

    def parsed(self, text: str) -> Value:
        return self.checked(float(text) if _NUMBER.fullmatch(text) else text)

    @property
    def form(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        unit = f" ({self.unit})" if self.unit else ""
        word = f", or {self.word}" if self.word else ""
        return f"{kind} from {self.minimum:g} to {self.maximum:g}{unit}{word}"


@dataclass(frozen=True, slots=True)
class Names:
    """A list of names, or the word that stands for all of them. An empty list would allow nothing at all."""

    word: str
    what: str

    def checked(self, value: object) -> Value:
        if value == self.word:
            return self.word
        if not isinstance(value, list | tuple) or not value or len(value) > NAMES_MAX:
            raise ValueError(f"write {self.form}")
        if not all(isinstance(name, str) and name and name != self.word for name in value):
            raise ValueError(f"write {self.form}")
        return tuple(sorted({str(name) for name in value}))

    def parsed(self, text: str) -> Value:
        if text == self.word:
            return self.word
        return self.checked([name.strip() for name in text.split(",") if name.strip()])

    @property
    def form(self) -> str:
        return f"{self.what}, or {self.word}"


def as_text(value: Value) -> str:
    """Returns a value as `parsed` reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return value if isinstance(value, str) else f"{value:.10g}"


def number_or_none(value: Value) -> float | None:
    """Returns the number of a Limit, or None for its word."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
