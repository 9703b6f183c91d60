"""What a tap of a badge still needs, and which numbers and PINs there are. Pure: time is an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from display_server.errors import ConfigurationError, PolicyError

#: Digits of a badge's number.
NUMBER = re.compile(r"[0-9]{4,32}")
#: Digits of a PIN.
PIN = re.compile(r"[0-9]{4,12}")
#: The digits in the order of a keyboard and backwards, twice, in which easily guessed PINs are found.
_SEQUENCES = ("01234567890123456789", "98765432109876543210")


@dataclass(frozen=True, slots=True)
class BadgeSettings:
    """The operator's settings (`[badge]`)."""

    enabled: bool = False
    prefix: str = ";"  # the character that a reader types before the number
    digits_min: int = 6
    digits_max: int = 20
    pin_s: float = 8 * 3600.0  # a right PIN counts for this time, s; 0: every tap needs it
    tries: int = 5  # wrong PINs in a row after which the badge is locked


class Need(Enum):
    """What a tap still needs."""

    NOTHING = "nothing"
    PIN = "pin"
    NEW_PIN = "new-pin"  # the person has yet to choose one, and gives the password for that
    RESET = "reset"  # too many PINs were wrong: an administrator has to reset the PIN


@dataclass(frozen=True, slots=True)
class BadgeFacts:
    """What decides on a tap. `proved_s` is when the PIN was last right, by the wall clock."""

    has_pin: bool
    wrong: int = 0
    proved_s: float | None = None

    def need(self, now_s: float, settings: BadgeSettings) -> Need:
        """Returns what a tap needs. A clock that was set back makes no PIN last for longer."""
        if not self.has_pin:
            return Need.NEW_PIN
        if self.wrong >= settings.tries:
            return Need.RESET
        recent = self.proved_s is not None and 0 <= now_s - self.proved_s < settings.pin_s
        return Need.NOTHING if recent and not self.wrong else Need.PIN


class WeakPinError(PolicyError):
    """The new PIN is easily guessed."""


def check_new_pin(pin: str) -> None:
    """Raises WeakPinError when a PIN is too short or easily guessed."""
    repeated = len(set(pin)) <= 2 or pin == pin[: len(pin) // 2] * 2
    if not PIN.fullmatch(pin) or repeated or any(pin in sequence for sequence in _SEQUENCES):
        raise WeakPinError(
            "This PIN is too short or easily guessed.",
            next_step="Choose 4 to 12 digits, with at least three different ones and without a sequence such "
            "as 1234.",
        )


def checked_number(text: str) -> str:
    """Returns the digits of what a reader types: a prefix, the number, perhaps a suffix.

    Raises ConfigurationError when there is no number in it.
    """
    digits = text.strip().strip(";%?+:*#")
    if not NUMBER.fullmatch(digits):
        raise ConfigurationError(
            "This is no number of a badge.",
            hint="Hold the badge to the reader, or type its 4 to 32 digits.",
        )
    return digits
