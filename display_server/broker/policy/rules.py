"""The rules of policies: under which conditions which values apply. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from display_server.broker.devices.device_facts import checked_tags
from display_server.broker.people.group_graph import normalise_group_name
from display_server.broker.policy.keys import KEYS, PolicyKey, PolicyKeys
from display_server.broker.policy.values import Value
from display_server.errors import ConfigurationError

#: Names of rules. They appear in addresses of the interface.
RULE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that are given have to hold. Without any, a rule applies to everybody, everywhere.

    `desktop` is a desktop or a pool by its name, `group` one that has the person as its member, `network` a
    name of the configuration, and `tag` one of the device.
    """

    desktop: str | None = None
    group: str | None = None
    network: str | None = None
    tag: str | None = None

    @property
    def given(self) -> Iterator[tuple[str, str]]:
        """Yields the conditions that are given, with their kinds."""
        for kind in ("desktop", "group", "network", "tag"):
            if (name := getattr(self, kind)) is not None:
                yield kind, name


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name, its conditions, and the values that it sets, by key."""

    name: str
    conditions: Conditions = Conditions()
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """Where the rule applies, for people: `desktop office, network wards`, or `everywhere`."""
        return ", ".join(f"{kind} {name}" for kind, name in self.conditions.given) or "everywhere"


def checked(
    name: str,
    conditions: Conditions,
    values: Mapping[str, object],
    *,
    networks: Container[str],
    keys: PolicyKeys = KEYS,
) -> Rule:
    """Returns the rule in the form that is stored.

    `networks` has the names of the configuration. Raises ConfigurationError.
    """
    if RULE_NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a policy.",
            hint="Use lower-case letters, digits and hyphens, at most 64, for example ward-3-kiosk.",
        )
    if not values:
        raise ConfigurationError(
            f"The policy {name!r} sets nothing.", hint="Give at least one value, as KEY=VALUE."
        )
    group = conditions.group
    normal = Conditions(
        conditions.desktop,
        normalise_group_name(group) if group is not None else None,
        conditions.network,
        next(iter(checked_tags([conditions.tag]))) if conditions.tag is not None else None,
    )
    if normal.network is not None:
        _require_network(normal.network, networks)
    found = {key: checked_value(key, value, keys=keys) for key, value in sorted(values.items())}
    for key, value in found.items():
        known = keys[key].enforced.known
        for kind, _ in normal.given:
            if kind not in known:
                raise ConfigurationError(
                    f"`{key}` cannot depend on a {kind}, which is unknown when the value is needed.",
                    hint=f"As conditions, use only: {', '.join(sorted(known))}.",
                )
        if key == "allowed_networks" and isinstance(value, tuple):
            for network in value:
                _require_network(network, networks)
    return Rule(name, normal, found)


def checked_value(key: str, value: object, *, keys: PolicyKeys = KEYS) -> Value:
    """Returns the value of a key in the form that is stored. Raises ConfigurationError."""
    declared = _declared(key, keys)
    try:
        return declared.kind.checked(value)
    except ValueError as error:
        raise ConfigurationError(f"`{key}` cannot be {value!r}.", hint=f"For this key, {error}.") from error


def parsed_value(key: str, text: str, *, keys: PolicyKeys = KEYS) -> Value:
    """Returns the value that somebody wrote on a command line. Raises ConfigurationError."""
    declared = _declared(key, keys)
    try:
        return declared.kind.parsed(text)
    except ValueError as error:
        raise ConfigurationError(f"`{key}` cannot be {text!r}.", hint=f"For this key, {error}.") from error


def _declared(key: str, keys: PolicyKeys) -> PolicyKey:
    declared = keys.get(key)
    if declared is None:
        near = difflib.get_close_matches(key, keys.names, n=1)
        raise ConfigurationError(
            f"There is no policy key {key!r}.",
            hint=f"Did you mean `{near[0]}`?" if near else "`lightbox policy keys` lists them.",
        )
    return declared


def _require_network(name: str, networks: Container[str]) -> None:
    if name not in networks:
        raise ConfigurationError(
            f"The configuration names no network {name!r}.",
            hint=f'Add it to the configuration first: networks.{name} = ["10.1.0.0/16"]',
        )
