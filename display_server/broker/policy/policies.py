"""The policies that are in force: the rules of the store, and what the configuration says without them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

import structlog

from display_server.broker.audit.actor import Actor
from display_server.broker.people.access_facts import read_direct_groups, read_parents
from display_server.broker.people.group_graph import effective_groups
from display_server.broker.policy.keys import KEYS
from display_server.broker.policy.lock_out import Author, refuse_lock_out
from display_server.broker.policy.policy_rules import PolicyRules
from display_server.broker.policy.resolution import ConfiguredValues, Effective, Facts, resolve
from display_server.broker.policy.rules import Conditions, Rule, checked
from display_server.broker.policy.values import Value
from display_server.broker.store import Store
from display_server.broker_link.named_networks import NamedNetworks

log = structlog.get_logger(__name__)

#: Results that are kept. People of one ward at one desktop share one.
RESOLVED_MAX = 4096
NO_TAGS: frozenset[str] = frozenset()


class Policies:
    """Resolves policies from memory; `load` reads the rules.

    `on_changed` is called when the rules or the configuration have changed. `now_s` returns wall-clock time,
    in seconds since the epoch.
    """

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self.stored = PolicyRules(store, now_s=now_s)
        self._rules: tuple[Rule, ...] = ()
        self.configured = ConfiguredValues()
        self.networks = NamedNetworks()
        self.on_changed: Callable[[], None] = lambda: None
        self._resolved: dict[tuple[object, ...], Effective] = {}  # most people have the same facts

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, by name."""
        return self._rules

    def use(self, configured: ConfiguredValues, networks: NamedNetworks) -> None:
        """Puts what the configuration says into force."""
        self.configured, self.networks = configured, networks
        self._resolved.clear()
        self.on_changed()

    async def load(self) -> None:
        """Reads the rules. Raises Malfunction and StorageError; then those of before stay in force."""
        rules = tuple(stored.rule for stored in await self.stored.list_all())
        if rules != self._rules:
            self._rules = rules
            self._resolved.clear()
            log.info("policies in force", rules=[rule.name for rule in rules])
            self.on_changed()

    async def put(
        self,
        name: str,
        conditions: Conditions,
        values: Mapping[str, object],
        by: Actor,
        author: Author | None = None,
    ) -> Rule:
        """Stores a rule and puts it into force.

        `author` is the person who must be able to sign in afterwards; None for an operator at the host.
        Raises ConfigurationError, LockedOutError and StorageError.
        """
        rule = checked(name, conditions, values, networks=self.networks)
        await self.stored.put(rule, by, lambda rules: self._check(rules, author))
        await self.load()
        return rule

    async def remove(self, name: str, by: Actor, author: Author | None = None) -> None:
        """Removes a rule, at once. Raises ConfigurationError, LockedOutError and StorageError."""
        await self.stored.remove(name, by, lambda rules: self._check(rules, author))
        await self.load()

    def sets(self, key: str) -> bool:
        """Returns whether any rule sets this key, for anybody."""
        return any(key in rule.values for rule in self._rules)

    def values_of(self, key: str) -> list[Value]:
        """Returns the values that rules give to this key."""
        return [rule.values[key] for rule in self._rules if key in rule.values]

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self._rules if rule.name == name), None)

    async def groups_of(self, usernames: Collection[str]) -> dict[str, dict[str, int]]:
        """Returns the groups of people with the number of steps to each, if any rule asks for a group.

        Raises StorageError.
        """
        if not any(rule.conditions.group is not None for rule in self._rules):
            return {}
        async with self._store.reading() as db:
            direct = await read_direct_groups(db, usernames)
            parents = await read_parents(db) if direct else {}
        return {
            username: {name: len(path) for name, path in effective_groups(groups, parents).items()}
            for username, groups in direct.items()
        }

    def facts(
        self,
        groups: Mapping[str, int],
        *,
        desktop: str | None = None,
        address: str = "",
        tags: frozenset[str] = NO_TAGS,
    ) -> Facts:
        """Returns what the conditions are compared with. An address that is unknown is in no network."""
        return Facts(desktop, groups, self.networks.of(address), tags)

    def resolve(self, facts: Facts) -> Effective:
        """Returns what applies under these facts."""
        known = (
            facts.desktop,
            frozenset(facts.groups.items()),
            frozenset(facts.networks.items()),
            facts.tags,
        )
        found = self._resolved.get(known)
        if found is None:
            if len(self._resolved) >= RESOLVED_MAX:
                self._resolved.clear()
            found = self._resolved[known] = resolve(self._rules, facts, self.configured, keys=KEYS)
        return found

    async def effective(
        self,
        username: str,
        *,
        desktop: str | None = None,
        address: str = "",
        tags: frozenset[str] = NO_TAGS,
    ) -> Effective:
        """Returns what applies to a person, on a desktop if one is given. Raises StorageError."""
        name = username.lower()
        groups = (await self.groups_of([name])).get(name, {})
        return self.resolve(self.facts(groups, desktop=desktop, address=address, tags=tags))

    def _check(self, rules: Collection[Rule], author: Author | None) -> None:
        if author is not None:
            refuse_lock_out(rules, author, self.configured)
