"""A policy that would keep its own author from signing in is refused, with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from display_server.broker.policy.lock_out import Author, LockedOutError, refuse_lock_out
from display_server.broker.policy.resolution import ConfiguredValues, Facts
from display_server.broker.policy.rules import Conditions, Rule
from display_server.broker.policy.values import Value

AUTHOR = Author(
    "kim",
    "10.1.2.3",
    Facts(groups={"it": 1}, networks={"offices": 112}),
    inside=True,
    has_factor=False,
    may_enrol=False,
)


def rule(key: str, value: Value, **conditions: str) -> Rule:
    return Rule(
        f"{key}-{'-'.join(conditions)}".replace("_", "-").strip("-"), Conditions(**conditions), {key: value}
    )


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("allowed_networks", ("wards",), "10.1.2.3"),
        ("second_factor", "always", "second factor"),
    ],
)
def test_the_author_is_not_locked_out(key: str, value: Value, why: str) -> None:
    strict = rule(key, value)
    with pytest.raises(LockedOutError, match=why) as refused:
        refuse_lock_out([strict], AUTHOR, ConfiguredValues())
    assert strict.name in refused.value.cause
    assert refused.value.next_step
    refuse_lock_out([rule(key, value, group="nurses")], AUTHOR, ConfiguredValues())


def test_an_exemption_that_is_more_specific_counts() -> None:
    strict, exemption = rule("allowed_networks", ("wards",)), rule("allowed_networks", "anywhere", group="it")
    refuse_lock_out([strict, exemption], AUTHOR, ConfiguredValues())
    with pytest.raises(LockedOutError):
        refuse_lock_out([strict], AUTHOR, ConfiguredValues())


def test_a_network_that_has_the_address_is_no_lock_out() -> None:
    refuse_lock_out([rule("allowed_networks", ("offices", "wards"))], AUTHOR, ConfiguredValues())


@pytest.mark.parametrize(
    "author",
    [replace(AUTHOR, has_factor=True), replace(AUTHOR, may_enrol=True)],
    ids=["has a factor", "may set one up here"],
)
def test_a_second_factor_may_be_required_of_an_author_who_can_give_it(author: Author) -> None:
    refuse_lock_out([rule("second_factor", "always")], author, ConfiguredValues())


def test_outside_counts_only_outside() -> None:
    outside = [rule("second_factor", "outside")]
    refuse_lock_out(outside, AUTHOR, ConfiguredValues())
    with pytest.raises(LockedOutError):
        refuse_lock_out(outside, replace(AUTHOR, inside=False), ConfiguredValues())
