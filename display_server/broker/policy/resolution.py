"""Which value of each key applies to a person on a device: the most specific rule that sets it. Pure.

The order of rules is total, so that the result depends neither on when they were written nor on the order in
which they are read. Of two rules that apply and set the same key, the first difference in this list decides:

1. the rule with more conditions;
2. the one with a tag, then the one with a network, then with a group, then with a desktop;
3. the one whose network is smaller (the longest prefix that has the address);
4. the one whose group is nearer to the person (their own group before one that contains it);
5. the one whose name comes first in the alphabet.

A key that no rule sets has the value of the profile or of the configuration, or else its default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from display_server.broker.policy.keys import KEYS, PolicyKey, PolicyKeys
from display_server.broker.policy.rules import Rule
from display_server.broker.policy.values import Value


class OriginKind(Enum):
    """Where a value comes from, the most specific first."""

    POLICY = "policy"
    CONFIGURATION = "configuration"
    PROFILE = "profile"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value of a key, and where it comes from. `rule` is the name of the policy, or empty."""

    key: PolicyKey
    value: Value
    origin: OriginKind
    rule: str = ""

    @property
    def origin_in_words(self) -> str:
        """The origin as people and programs see it: `policy ward-3`, `configuration`."""
        return f"{self.origin.value} {self.rule}".rstrip()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conditions of rules are compared with.

    `groups` has the groups of the person, with the number of steps to each: 1 if the person is a member
    themselves. `networks` has those of the device's address, with their number of fixed bits. `desktop` is
    None while none is opened.
    """

    desktop: str | None = None
    groups: Mapping[str, int] = field(default_factory=dict)
    networks: Mapping[str, int] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Configured:
    """A value that the configuration or a profile gives."""

    value: Value
    origin: OriginKind = OriginKind.CONFIGURATION


@dataclass(frozen=True, slots=True)
class ConfiguredValues:
    """What applies without any rule: in general, and for single desktops, by their name."""

    general: Mapping[str, Configured] = field(default_factory=dict)
    desktops: Mapping[str, Mapping[str, Configured]] = field(default_factory=dict)

    def of(self, key: str, desktop: str | None) -> Configured | None:
        """Returns the value of a key for a desktop, or None if only the default is left."""
        of_desktop = self.desktops.get(desktop, {}) if desktop is not None else {}
        return of_desktop.get(key) or self.general.get(key)


class Effective:
    """The resolved policy of one sign-in or session: a value for every key."""

    def __init__(self, resolved: Mapping[str, Resolved]) -> None:
        self.resolved = resolved

    def __getitem__(self, key: str) -> Value:
        return self.resolved[key].value

    def from_policy(self, key: str) -> bool:
        """Returns whether a rule has set the value."""
        return self.resolved[key].origin is OriginKind.POLICY


def applies(rule: Rule, facts: Facts) -> bool:
    """Returns whether all conditions of a rule hold."""
    wanted = rule.conditions
    return (
        wanted.desktop in (None, facts.desktop)
        and (wanted.group is None or wanted.group in facts.groups)
        and (wanted.network is None or wanted.network in facts.networks)
        and (wanted.tag is None or wanted.tag in facts.tags)
    )


def order(rule: Rule, facts: Facts) -> tuple[int | bool | str, ...]:
    """Returns what rules that apply are sorted by, the most specific first. No two rules have the same."""
    wanted = rule.conditions
    return (
        -len(list(wanted.given)),
        wanted.tag is None,
        wanted.network is None,
        wanted.group is None,
        wanted.desktop is None,
        -facts.networks.get(wanted.network or "", 0),
        facts.groups.get(wanted.group or "", 0),
        rule.name,
    )


def resolve(
    rules: Iterable[Rule], facts: Facts, configured: ConfiguredValues, *, keys: PolicyKeys = KEYS
) -> Effective:
    """Returns the value of every key. Rules have different names; their order does not matter."""
    fitting = sorted((rule for rule in rules if applies(rule, facts)), key=lambda rule: order(rule, facts))
    return Effective({key.name: _resolved(key, fitting, facts, configured) for key in keys})


def _resolved(
    key: PolicyKey, fitting: Iterable[Rule], facts: Facts, configured: ConfiguredValues
) -> Resolved:
    for rule in fitting:
        if key.name in rule.values:
            return Resolved(key, rule.values[key.name], OriginKind.POLICY, rule.name)
    given = configured.of(key.name, facts.desktop)
    if given is not None:
        return Resolved(key, given.value, given.origin)
    return Resolved(key, key.default, OriginKind.DEFAULT)
