"""Who has to give a second factor, and what a right password means."""

from __future__ import annotations

import pytest

from display_server.broker.second_factor.policy import (
    SecondFactorSettings,
    When,
    after_password,
    may_enrol,
    required,
)
from display_server.broker.second_factor.sign_in_state import SignInEvent
from display_server.config import Config, SignInConfig, load
from display_server.errors import ConfigurationError
from display_server.gateway.proxies import PublicAccess, TrustedProxies
from display_server.server.definitions import second_factor_settings

INSIDE, OUTSIDE, PROXY = "10.1.2.3", "192.0.2.7", "10.1.0.9"


def settings(when: When, *, enrol_outside: bool = False) -> SecondFactorSettings:
    config = Config(
        sign_in=SignInConfig(second_factor=when, inside_networks=["10.1.0.0/16"], enrol_outside=enrol_outside)
    )
    access = PublicAccess(frozenset(), proxies=TrustedProxies.parse([PROXY]))
    return second_factor_settings(config, access)


@pytest.mark.parametrize(
    ("when", "address", "expected"),
    [
        ("never", OUTSIDE, False),
        ("always", INSIDE, True),
        ("outside", INSIDE, False),
        ("outside", "::ffff:10.1.2.3", False),
        ("outside", OUTSIDE, True),
        ("outside", "", True),
        ("outside", "not an address", True),
        # A proxy that does not say for whom it asks stands inside, but asks for anybody.
        ("outside", PROXY, True),
    ],
)
def test_the_address_decides(when: When, address: str, expected: bool) -> None:
    assert required("kim", (), address, settings(when)) is expected


def test_by_default_everything_is_outside_and_nothing_is_required() -> None:
    assert not required("kim", (), INSIDE, SecondFactorSettings())
    assert not may_enrol(INSIDE, SecondFactorSettings(when="always"))


def test_the_first_factor_is_set_up_inside_unless_the_operator_allows_it_elsewhere() -> None:
    assert may_enrol(INSIDE, settings("outside"))
    assert not may_enrol(OUTSIDE, settings("outside"))
    assert may_enrol(OUTSIDE, settings("outside", enrol_outside=True))


@pytest.mark.parametrize(
    ("needs", "has", "address", "event"),
    [
        (False, False, OUTSIDE, SignInEvent.PASSWORD_SUFFICES),
        (False, True, OUTSIDE, SignInEvent.PASSWORD_SUFFICES),
        (True, True, OUTSIDE, SignInEvent.FACTOR_NEEDED),
        (True, False, INSIDE, SignInEvent.ENROLMENT_NEEDED),
        (True, False, OUTSIDE, SignInEvent.REFUSED),
    ],
)
def test_what_a_right_password_means(needs: bool, has: bool, address: str, event: SignInEvent) -> None:
    found = after_password(needs_factor=needs, has_factor=has, address=address, settings=settings("always"))
    assert found is event


def test_a_policy_that_nobody_could_fulfil_is_refused() -> None:
    environment = {"LIGHTBOX_SIGN_IN_SECOND_FACTOR": "always"}
    with pytest.raises(ConfigurationError, match="nobody could set one up"):
        load(None, environment)
    assert load(None, {**environment, "LIGHTBOX_SIGN_IN_ENROL_OUTSIDE": "true"})
    assert load(None, {**environment, "LIGHTBOX_SIGN_IN_INSIDE_NETWORKS": "10.1.0.0/16"})


def test_networks_are_checked() -> None:
    config = Config(sign_in=SignInConfig(inside_networks=["hospital"]))
    with pytest.raises(ConfigurationError, match=r"sign_in\.inside_networks"):
        second_factor_settings(config, PublicAccess(frozenset()))
