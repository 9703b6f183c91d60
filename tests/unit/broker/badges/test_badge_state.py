"""What a tap of a badge needs, and which PINs are too easily guessed."""

from __future__ import annotations

import pytest

from display_server.broker.badges.badge_state import (
    BadgeFacts,
    BadgeSettings,
    Need,
    WeakPinError,
    check_new_pin,
    checked_number,
)
from display_server.errors import ConfigurationError

SETTINGS = BadgeSettings(enabled=True, pin_s=100.0, tries=3)


@pytest.mark.parametrize(
    ("facts", "now_s", "need"),
    [
        (BadgeFacts(has_pin=False), 0.0, Need.NEW_PIN),
        (BadgeFacts(has_pin=False, wrong=9), 0.0, Need.NEW_PIN),
        (BadgeFacts(has_pin=True), 0.0, Need.PIN),
        (BadgeFacts(has_pin=True, proved_s=50.0), 149.0, Need.NOTHING),
        (BadgeFacts(has_pin=True, proved_s=50.0), 150.0, Need.PIN),
        (BadgeFacts(has_pin=True, proved_s=50.0), 49.0, Need.PIN),  # the clock was set back
        (BadgeFacts(has_pin=True, proved_s=50.0, wrong=1), 60.0, Need.PIN),  # somebody tries since
        (BadgeFacts(has_pin=True, proved_s=50.0, wrong=3), 60.0, Need.RESET),
    ],
)
def test_a_tap_needs(facts: BadgeFacts, now_s: float, need: Need) -> None:
    assert facts.need(now_s, SETTINGS) is need


def test_without_a_time_each_tap_needs_the_pin() -> None:
    facts = BadgeFacts(has_pin=True, proved_s=50.0)
    assert facts.need(50.0, BadgeSettings(pin_s=0.0)) is Need.PIN


@pytest.mark.parametrize(
    "pin", ["", "123", "1234", "4321", "9876", "7890", "0000", "1212", "1122", "5858585858", "12a4"]
)
def test_refuses_easily_guessed_pins(pin: str) -> None:
    with pytest.raises(WeakPinError):
        check_new_pin(pin)


@pytest.mark.parametrize("pin", ["4071", "90210", "314159265"])
def test_accepts_other_pins(pin: str) -> None:
    check_new_pin(pin)


def test_a_number_is_what_the_reader_types_without_its_prefix() -> None:
    assert checked_number(";00123456?\n") == "00123456"
    for text in ("", "kim", "123", "1" * 33, "12 34 56"):
        with pytest.raises(ConfigurationError, match="no number"):
            checked_number(text)
