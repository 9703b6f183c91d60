"""The keys of policies: a new one takes one declaration, and no number secretly means "no limit"."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from display_server.broker.policy.keys import KEYS, Enforcement, PolicyKey, PolicyKeys
from display_server.broker.policy.resolution import ConfiguredValues, Facts, OriginKind, resolve
from display_server.broker.policy.rules import Conditions, Rule, checked, parsed_value
from display_server.broker.policy.values import Choice, Limit, Names, Switch, Value, as_text
from display_server.errors import ConfigurationError

DOCUMENT = Path(__file__).parents[4] / "docs" / "policy.md"


def test_a_new_key_takes_one_declaration() -> None:
    watermark = PolicyKey(
        "watermark",
        Choice(("none", "name", "name-and-time")),
        "none",
        {"en": "Watermark", "ko": "워터마크"},
        Enforcement.AGENT,
    )
    keys = PolicyKeys([*KEYS, watermark])
    with pytest.raises(ConfigurationError, match="none, name, name-and-time"):
        parsed_value("watermark", "yes", keys=keys)
    value = parsed_value("watermark", "name", keys=keys)
    rule = checked("marked", Conditions(tag="kiosk"), {"watermark": value}, networks=(), keys=keys)
    kiosk = resolve([rule], Facts(tags=frozenset({"kiosk"})), ConfiguredValues(), keys=keys)
    assert (kiosk["watermark"], kiosk.resolved["watermark"].origin_in_words) == ("name", "policy marked")
    elsewhere = resolve([rule], Facts(), ConfiguredValues(), keys=keys)
    assert (elsewhere["watermark"], elsewhere.resolved["watermark"].origin) == ("none", OriginKind.DEFAULT)


@pytest.mark.parametrize(
    "key",
    [
        PolicyKey("monitors", Switch(), True, {"en": "x", "ko": "x"}, Enforcement.AGENT),
        PolicyKey("new", Switch(), "true", {"en": "x", "ko": "x"}, Enforcement.AGENT),
        PolicyKey("new", Switch(), True, {"en": "x"}, Enforcement.AGENT),
    ],
    ids=["twice", "default of another kind", "no Korean title"],
)
def test_a_wrong_declaration_is_found_when_the_program_starts(key: PolicyKey) -> None:
    with pytest.raises(ValueError, match=key.name):
        PolicyKeys([*KEYS, key])


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("idle_lock_minutes", "0"),
        ("idle_lock_minutes", "unlimited"),
        ("idle_lock_minutes", "-5"),
        ("unattended_hours", "0"),
        ("session_hours", "0"),
        ("session_hours", "inf"),
        ("cached_sign_in_hours", "0"),
        ("monitors", "0"),
        ("monitors", "1.5"),
        ("clipboard_text_from_desktop_kib", "0"),
        ("allowed_networks", ""),
        ("sharing", "yes"),
        ("picture_mode", "Exact"),
        ("nonsense", "1"),
    ],
)
def test_zero_and_other_nonsense_is_refused_with_what_to_write(key: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parsed_value(key, text)
    assert refused.value.hint


def test_a_misspelled_key_is_guessed() -> None:
    with pytest.raises(ConfigurationError) as refused:
        parsed_value("idle_lock_minute", "5")
    assert "idle_lock_minutes" in refused.value.hint


@pytest.mark.parametrize("key", list(KEYS), ids=KEYS.names)
def test_what_is_shown_can_be_written(key: PolicyKey) -> None:
    values: list[Value] = [key.default]
    match key.kind:
        case Choice(words):
            values += words
        case Limit(minimum, maximum, _, word):
            values += [minimum, maximum, *([word] if word else [])]
        case Names():
            values.append(("guests", "wards"))
        case Switch():
            values += [True, False]
    for value in values:
        assert key.kind.checked(key.kind.parsed(as_text(value))) == value


@pytest.mark.parametrize(
    ("conditions", "key", "value"),
    [
        (Conditions(desktop="office"), "idle_lock_minutes", 5),
        (Conditions(desktop="office"), "second_factor", "always"),
        (Conditions(network="wards"), "cached_sign_in_hours", 4),
        (Conditions(network="unknown"), "sharing", True),
        (Conditions(), "allowed_networks", ["unknown"]),
        (Conditions(tag="Ward 3"), "sharing", True),
    ],
)
def test_a_rule_whose_conditions_cannot_be_compared_is_refused(
    conditions: Conditions, key: str, value: object
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked("rule", conditions, {key: value}, networks={"wards"})
    assert refused.value.hint


@pytest.mark.parametrize("name", ["", "Ward", "-ward", "a/b", "a" * 65])
def test_names_of_rules_fit_into_addresses(name: str) -> None:
    with pytest.raises(ConfigurationError):
        checked(name, Conditions(), {"sharing": True}, networks=())


def test_a_rule_without_values_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="sets nothing"):
        checked("rule", Conditions(), {}, networks=())


def test_the_document_describes_every_key() -> None:
    _, _, rest = DOCUMENT.read_text().partition("\n## What policies can set\n")
    rows = re.findall(r"^\| `(\w+)` \|", rest.partition("\n## ")[0], re.MULTILINE)
    assert rows == KEYS.names


def test_a_rule_says_where_it_applies() -> None:
    assert Rule("all").in_words == "everywhere"
    assert Rule("one", Conditions(desktop="office", tag="kiosk")).in_words == "desktop office, tag kiosk"
