"""Checks the sections `badge` and `break_glass` of the configuration."""

from __future__ import annotations

import string

from display_server.config.sections import BadgeConfig, BreakGlassConfig
from display_server.errors import ConfigurationError

#: Fewest and most digits of a number. Fewer could be typed by hand as fast as by a reader.
DIGITS_MIN, DIGITS_MAX = 4, 32
#: Longest `pin_hours`.
PIN_HOURS_MAX = 168
#: Largest `pin_tries`.
TRIES_MAX = 10
#: Longest emergency access, minutes: a shift.
MINUTES_MAX = 720


def check_badge(badge: BadgeConfig, origin: str) -> None:
    """Raises ConfigurationError; `origin` names the source of the configuration."""
    prefix = badge.prefix
    if len(prefix) != 1 or prefix not in string.punctuation:
        raise ConfigurationError(
            f"{origin}: `badge.prefix` must be one mark of punctuation, not {prefix!r}.",
            hint="Set the reader to type one before the number, for example a semicolon.",
        )
    if not DIGITS_MIN <= badge.digits_min <= badge.digits_max <= DIGITS_MAX:
        raise ConfigurationError(
            f"{origin}: `badge.digits_min` and `badge.digits_max` must be from {DIGITS_MIN} to {DIGITS_MAX}, "
            "and the first one not above the other.",
            hint="Count the digits that the reader types.",
        )
    if not 0 <= badge.pin_hours <= PIN_HOURS_MAX:
        raise ConfigurationError(
            f"{origin}: `badge.pin_hours` must be from 0 to {PIN_HOURS_MAX}, not {badge.pin_hours:g}.",
            hint="8 is one shift; 0 asks for the PIN at each tap.",
        )
    if not 1 <= badge.pin_tries <= TRIES_MAX:
        raise ConfigurationError(
            f"{origin}: `badge.pin_tries` must be from 1 to {TRIES_MAX}, not {badge.pin_tries}.",
            hint="Leave it out for the default.",
        )


def check_break_glass(break_glass: BreakGlassConfig, origin: str) -> None:
    """Raises ConfigurationError; `origin` names the source of the configuration."""
    if not 1 <= break_glass.minutes <= MINUTES_MAX:
        raise ConfigurationError(
            f"{origin}: `break_glass.minutes` must be from 1 to {MINUTES_MAX}, not {break_glass.minutes:g}.",
            hint="Leave it out for an hour.",
        )
