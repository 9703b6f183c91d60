"""The rules of policies in the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action
from display_server.broker.people.acts import record_act
from display_server.broker.policy.keys import KEYS, PolicyKeys
from display_server.broker.policy.rules import Conditions, Rule, checked_value
from display_server.broker.policy.values import as_text
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Group, PolicyRow
from display_server.errors import ConfigurationError, Malfunction


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule in the list, with who changed it last and when, in seconds since the epoch."""

    rule: Rule
    changed_s: float
    changed_by: str


#: Looks at all rules as they would be after a change. Raises LightboxError to refuse it.
CheckRules = Callable[[Sequence[Rule]], None]


def _allow(_rules: Sequence[Rule]) -> None:
    pass  # an operator at the host cannot be locked out


class PolicyRules:
    """The rules in the store. `now_s` returns wall-clock time, in seconds since the epoch.

    Whoever changes something has the servers read the rules anew; they do so by themselves within seconds.
    """

    def __init__(
        self, store: Store, *, now_s: Callable[[], float] = time.time, keys: PolicyKeys = KEYS
    ) -> None:
        self._store = store
        self._now_s = now_s
        self._keys = keys

    async def list_all(self) -> list[StoredRule]:
        """Returns all rules, by name. Raises Malfunction when one of them cannot be read."""
        async with self._store.reading() as db:
            return await self._read(db)

    async def find(self, name: str) -> StoredRule:
        """Returns a rule. Raises ConfigurationError when there is none of this name."""
        found = next((stored for stored in await self.list_all() if stored.rule.name == name), None)
        if found is None:
            raise _no_rule(name)
        return found

    async def put(self, rule: Rule, by: Actor, check: CheckRules = _allow) -> None:
        """Stores a rule, in the place of one of the same name. Its form has been checked before.

        Raises ConfigurationError when its desktop or its group does not exist, and what `check` raises.
        """
        wanted = rule.conditions
        async with self._store.begin() as db:
            await _require(db, wanted)
            check([*(one.rule for one in await self._read(db) if one.rule.name != rule.name), rule])
            row = await db.get(PolicyRow, rule.name) or PolicyRow(name=rule.name)
            row.desktop, row.group_name = wanted.desktop, wanted.group
            row.network, row.tag = wanted.network, wanted.tag
            row.settings = msgspec.json.encode(dict(rule.values)).decode()
            row.changed_s, row.changed_by = self._now_s(), by.name
            db.add(row)
            await db.flush()
            values = ", ".join(f"{key}={as_text(value)}" for key, value in rule.values.items())
            await self._record(db, Action.POLICY_SET, rule.name, by, f"{rule.in_words}: {values}")
        await self._store.save_copy()

    async def remove(self, name: str, by: Actor, check: CheckRules = _allow) -> Rule | None:
        """Removes a rule and returns it; None if it could not be read.

        Raises ConfigurationError when there is none of this name, and what `check` raises.
        """
        async with self._store.begin() as db:
            row = await db.get(PolicyRow, name)
            if row is None:
                raise _no_rule(name)
            rule = self._rule_or_none(row)
            if check is not _allow:
                check([one.rule for one in await self._read(db) if one.rule.name != name])
            await db.delete(row)
            await db.flush()
            await self._record(db, Action.POLICY_REMOVED, name, by, rule.in_words if rule else None)
        await self._store.save_copy()
        return rule

    async def _read(self, db: AsyncSession) -> list[StoredRule]:
        rows = (await db.scalars(select(PolicyRow).order_by(PolicyRow.name))).all()
        return [StoredRule(self._rule_of(row), row.changed_s, row.changed_by) for row in rows]

    def _rule_of(self, row: PolicyRow) -> Rule:
        """Returns the rule of a row.

        Raises Malfunction when the row has a key or a value that this version does not know: to ignore it
        could allow what somebody has forbidden.
        """
        try:
            settings = msgspec.json.decode(row.settings, type=dict[str, str | bool | int | float | list[str]])
            values = {key: checked_value(key, value, keys=self._keys) for key, value in settings.items()}
        except (msgspec.MsgspecError, ConfigurationError) as error:
            raise Malfunction(
                f"The policy {row.name!r} cannot be used: {error}",
                next_step=f"Set it again, or remove it: lightbox policy remove {row.name}",
            ) from error
        return Rule(row.name, Conditions(row.desktop, row.group_name, row.network, row.tag), values)

    def _rule_or_none(self, row: PolicyRow) -> Rule | None:
        try:
            return self._rule_of(row)
        except Malfunction:
            return None  # removing it is the remedy

    async def _record(
        self, db: AsyncSession, action: Action, name: str, by: Actor, reason: str | None
    ) -> None:
        await record_act(db, action, f"policy:{name}", actor=by, at_s=self._now_s(), reason=reason)


async def _require(db: AsyncSession, wanted: Conditions) -> None:
    """Raises ConfigurationError when the desktop or the group of the conditions does not exist."""
    desktop = select(Desktop.id).where(Desktop.name == wanted.desktop)
    if wanted.desktop is not None and await db.scalar(desktop) is None:
        raise ConfigurationError(
            f"There is no desktop named {wanted.desktop!r}.",
            hint="The configuration names the desktops; see `lightbox entitlements list`.",
        )
    group = select(Group.id).where(Group.name == wanted.group)
    if wanted.group is not None and await db.scalar(group) is None:
        raise ConfigurationError(
            f"There is no group named {wanted.group!r}.",
            hint="To see the existing groups, run `lightbox groups list`.",
        )


def _no_rule(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no policy named {name!r}.", hint="To see all policies, run `lightbox policy list`."
    )


def rule_as_json(stored: StoredRule) -> dict[str, object]:
    """Returns a rule as commands and the interface show it."""
    rule = stored.rule
    return {
        "id": rule.name,
        "conditions": dict(rule.conditions.given),
        "values": {
            key: list(value) if isinstance(value, tuple) else value for key, value in rule.values.items()
        },
        "changed_by": stored.changed_by,
    }


def conditions_from(given: Mapping[str, str]) -> Conditions:
    """Returns the conditions that somebody gave by their kinds. Raises ConfigurationError."""
    unknown = given.keys() - {"desktop", "group", "network", "tag"}
    if unknown:
        raise ConfigurationError(
            f"There is no condition {min(unknown)!r}.", hint="Use desktop, group, network and tag."
        )
    return Conditions(**given)
