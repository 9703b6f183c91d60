"""The most specific rule wins, in the order that docs/policy.md describes."""

from __future__ import annotations

import pytest

from display_server.broker.policy.resolution import (
    Configured,
    ConfiguredValues,
    Facts,
    OriginKind,
    resolve,
)
from display_server.broker.policy.rules import Conditions, Rule

KEY = "picture_mode"
HERE = Facts(
    desktop="office",
    groups={"nurses": 1, "staff": 2, "students": 1},
    networks={"hospital": 104, "wards": 112},
    tags=frozenset({"kiosk", "ward-3"}),
)


def rule(name: str, value: str, **conditions: str) -> Rule:
    return Rule(name, Conditions(**conditions), {KEY: value})


@pytest.mark.parametrize(
    ("specific", "other"),
    [
        ({"desktop": "office", "group": "staff"}, {"tag": "kiosk"}),
        ({"tag": "kiosk"}, {"network": "wards"}),
        ({"network": "hospital"}, {"group": "nurses"}),
        ({"group": "staff"}, {"desktop": "office"}),
        ({"desktop": "office"}, {}),
        ({"network": "wards"}, {"network": "hospital"}),
        ({"group": "nurses"}, {"group": "staff"}),
        ({"tag": "kiosk", "desktop": "office"}, {"network": "wards", "group": "nurses"}),
        ({"network": "wards", "group": "staff"}, {"network": "hospital", "group": "nurses"}),
    ],
)
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_the_more_specific_rule_wins_whatever_it_is_called(
    specific: dict[str, str], other: dict[str, str], names: str
) -> None:
    rules = [rule(names[0], "exact", **specific), rule(names[1], "economy", **other)]
    for ordered in (rules, rules[::-1]):
        found = resolve(ordered, HERE, ConfiguredValues()).resolved[KEY]
        assert (found.value, found.rule) == ("exact", names[0])


def test_the_name_decides_between_rules_that_are_equally_specific() -> None:
    rules = [rule("10-students", "economy", group="students"), rule("05-nurses", "exact", group="nurses")]
    assert resolve(rules, HERE, ConfiguredValues()).resolved[KEY].rule == "05-nurses"


@pytest.mark.parametrize(
    "conditions",
    [
        {"desktop": "other"},
        {"group": "doctors"},
        {"network": "guests"},
        {"tag": "bedside"},
        {"tag": "kiosk", "group": "doctors"},
    ],
)
def test_a_rule_applies_only_if_all_its_conditions_hold(conditions: dict[str, str]) -> None:
    found = resolve([rule("one", "exact", **conditions)], HERE, ConfiguredValues())
    assert found[KEY] == "adaptive"
    assert not found.from_policy(KEY)


def test_an_unknown_address_is_in_no_network() -> None:
    found = resolve([rule("one", "exact", network="wards")], Facts(desktop="office"), ConfiguredValues())
    assert found[KEY] == "adaptive"


def test_keys_are_resolved_one_by_one() -> None:
    everywhere = Rule("all", Conditions(), {KEY: "exact", "sharing": True})
    here = Rule("here", Conditions(tag="kiosk"), {"sharing": False})
    found = resolve([everywhere, here], HERE, ConfiguredValues()).resolved
    assert found[KEY].origin_in_words == "policy all"
    assert (found["sharing"].value, found["sharing"].origin_in_words) == (False, "policy here")


def test_without_a_rule_the_desktop_comes_before_the_configuration_and_the_default() -> None:
    configured = ConfiguredValues(
        {"idle_lock_minutes": Configured(3), KEY: Configured("economy")},
        {
            "office": {
                KEY: Configured("exact"),
                "clipboard_to_desktop": Configured("text", OriginKind.PROFILE),
            }
        },
    )
    found = resolve([], HERE, configured).resolved
    assert (found[KEY].value, found[KEY].origin_in_words) == ("exact", "configuration")
    assert found["clipboard_to_desktop"].origin_in_words == "profile"
    assert found["idle_lock_minutes"].origin_in_words == "configuration"
    assert found["monitors"].origin_in_words == "default"
    assert resolve([], Facts(), configured)[KEY] == "economy"
