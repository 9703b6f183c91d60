"""Rules in the store: changed with an entry of the audit, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select, update

from display_server.broker.audit.actor import Actor
from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.groups import Groups
from display_server.broker.policy.policies import Policies
from display_server.broker.policy.policy_rules import PolicyRules
from display_server.broker.policy.resolution import ConfiguredValues
from display_server.broker.policy.rules import Conditions, Rule
from display_server.broker.store import Store
from display_server.broker.tables import AuditRow, PolicyRow
from display_server.broker_link.named_networks import NamedNetworks
from display_server.errors import ConfigurationError, Malfunction, PolicyError

KIM = Actor("kim", "10.1.2.3", "browser")
EXACT = Rule("exact", Conditions(desktop="office", group="staff"), {"picture_mode": "exact"})


@pytest.fixture
async def rules(store: Store) -> PolicyRules:
    await Groups(store).add("staff")
    await Catalogue(store).replace([DesktopDefinition("office", "", "office", 800, 600, ())])
    return PolicyRules(store, now_s=lambda: 1000.0)


async def acts(store: Store) -> list[tuple[str, str | None, str | None, str | None]]:
    async with store.reading() as db:
        rows = await db.scalars(
            select(AuditRow).where(AuditRow.action.like("policy-%")).order_by(AuditRow.seq)
        )
        return [(row.action, row.account, row.object, row.reason) for row in rows]


async def test_a_rule_is_stored_replaced_and_removed(rules: PolicyRules, store: Store) -> None:
    await rules.put(EXACT, KIM)
    wider = Rule("exact", Conditions(), {"allowed_networks": ("offices", "wards"), "session_hours": 8})
    await rules.put(wider, KIM)
    stored = await rules.find("exact")
    assert (stored.rule, stored.changed_s, stored.changed_by) == (wider, 1000.0, "kim")
    await rules.remove("exact", KIM)
    assert await rules.list_all() == []
    with pytest.raises(ConfigurationError):
        await rules.remove("exact", KIM)
    with pytest.raises(ConfigurationError):
        await rules.find("exact")
    assert await acts(store) == [
        ("policy-set", "kim", "policy:exact", "desktop office, group staff: picture_mode=exact"),
        ("policy-set", "kim", "policy:exact", "everywhere: allowed_networks=offices,wards, session_hours=8"),
        ("policy-removed", "kim", "policy:exact", "everywhere"),
    ]


@pytest.mark.parametrize("conditions", [Conditions(desktop="none"), Conditions(group="none")])
async def test_what_does_not_exist_is_no_condition(
    rules: PolicyRules, store: Store, conditions: Conditions
) -> None:
    with pytest.raises(ConfigurationError, match="none"):
        await rules.put(Rule("rule", conditions, {"sharing": True}), KIM)
    assert await acts(store) == []


async def test_a_change_that_is_refused_leaves_no_trace(rules: PolicyRules, store: Store) -> None:
    seen: list[list[str]] = []

    def refuse(after: Sequence[Rule]) -> None:
        seen.append([rule.name for rule in after])
        raise PolicyError("no")

    await rules.put(EXACT, KIM)
    with pytest.raises(PolicyError):
        await rules.put(Rule("other", Conditions(), {"sharing": True}), KIM, refuse)
    with pytest.raises(PolicyError):
        await rules.remove("exact", KIM, refuse)
    assert seen == [["exact", "other"], []]
    assert [stored.rule for stored in await rules.list_all()] == [EXACT]
    assert len(await acts(store)) == 1


async def test_a_rule_that_cannot_be_read_is_not_ignored_and_can_be_removed(
    rules: PolicyRules, store: Store
) -> None:
    await rules.put(EXACT, KIM)
    policies = Policies(store)
    await policies.load()
    async with store.begin() as db:
        await db.execute(update(PolicyRow).values(settings='{"picture_mode":"blurred"}'))
    with pytest.raises(Malfunction, match="exact"):
        await policies.load()
    assert [rule.name for rule in policies.rules] == ["exact"], "those of before stay in force"
    await rules.remove("exact", KIM)
    await policies.load()
    assert not policies.rules


async def test_policies_follow_groups_and_networks(rules: PolicyRules, store: Store) -> None:
    changes: list[int] = []
    policies = Policies(store)
    policies.on_changed = lambda: changes.append(1)
    policies.use(ConfiguredValues(), NamedNetworks.parse({"wards": ["10.1.0.0/16"]}))
    await policies.put("strict", Conditions(network="wards"), {"picture_mode": "exact"}, KIM)
    await policies.put("staff", Conditions(group="Staff"), {"monitors": 2}, KIM)
    inside = await policies.effective("kim", desktop="office", address="10.1.2.3")
    outside = await policies.effective("kim", desktop="office", address="10.2.2.3")
    assert (inside["picture_mode"], outside["picture_mode"]) == ("exact", "adaptive")
    assert (policies.sets("monitors"), policies.values_of("monitors")) == (True, [2])
    assert not policies.sets("sharing")
    await policies.remove("strict", KIM)
    assert (await policies.effective("kim", address="10.1.2.3"))["picture_mode"] == "adaptive"
    assert len(changes) == 4, "the configuration and each change"
