"""Policies in the administration API: changed, resolved, and refused where the author would be locked out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from display_server.broker.policy.keys import KEYS
from display_server.broker.policy.resolution import ConfiguredValues
from display_server.broker.tables import AuditRow
from display_server.broker_link.named_networks import NamedNetworks
from tests.fakes.administration import Administration, administration
from tests.fakes.gateway import PASSWORD
from tests.fakes.person import INSIDE, OUTSIDE

NETWORKS = NamedNetworks.parse({"hospital": ["10.0.0.0/8"]})
QUICK = {"conditions": {"group": "wards", "network": "hospital"}, "values": {"idle_lock_minutes": 5}}


@pytest.fixture
async def found(folder: Path) -> AsyncIterator[Administration]:
    async with administration(folder) as running:
        running.gateway.services.policies.use(ConfiguredValues(), NETWORKS)
        yield running


async def park(found: Administration, address: str) -> httpx2.AsyncClient:
    """Returns the browser of an administrator."""
    client = found.gateway.in_process_client(address)
    answer = await client.post("/api/v1/sign-in", json={"username": "park", "password": PASSWORD})
    assert answer.status_code == 200
    return client


async def test_a_policy_is_set_listed_resolved_and_removed(found: Administration) -> None:
    done = await found.ask("park", "PUT", "policies/quick", QUICK)
    assert done.status_code == 200, done.text
    assert (done.json()["id"], done.json()["conditions"]) == ("quick", QUICK["conditions"])
    listed = (await found.ask("choi", "GET", "policies", q="WARDS")).json()
    assert (listed["items"], listed["total"], listed["next"]) == ([done.json()], 1, None)
    assert (await found.ask("choi", "GET", "policies", q="nothing")).json()["items"] == []
    question = {"person": "Lee", "address": INSIDE}
    none = await found.ask("yoon", "GET", "policies/effective", **question, device="unknown")
    assert none.status_code == 404
    values = (await found.ask("yoon", "GET", "policies/effective", **question)).json()
    assert [one["key"] for one in values] == KEYS.names
    lock = next(one for one in values if one["key"] == "idle_lock_minutes")
    assert (lock["value"], lock["origin"]) == (5, "policy quick")
    assert (lock["title"], lock["titles"]["en"]) == (lock["titles"]["en"], lock["title"])
    assert (await found.ask("park", "DELETE", "policies/quick")).status_code == 204
    assert (await found.ask("park", "DELETE", "policies/quick")).status_code == 404
    async with found.gateway.services.store.reading() as db:
        rows = await db.scalars(select(AuditRow).where(AuditRow.action.like("policy-%")))
        assert [(row.action, row.account, row.role) for row in rows] == [
            ("policy-set", "token:of-park", "token"),
            ("policy-removed", "token:of-park", "token"),
        ]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("quick", {"values": {}}),
        ("quick", {"values": {"idle_lock_minutes": 0}}),
        ("quick", {"values": {"idle_lock_minutes": "5"}}),
        ("quick", {"values": {"nonsense": 5}}),
        ("quick", {"conditions": {"network": "none"}, "values": {"sharing": True}}),
        ("quick", {"conditions": {"group": "none"}, "values": {"sharing": True}}),
        ("Quick", {"values": {"sharing": True}}),
    ],
)
async def test_what_makes_no_sense_is_refused(found: Administration, name: str, body: object) -> None:
    answer = await found.ask("park", "PUT", f"policies/{name}", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert (await found.ask("park", "GET", "policies")).json()["total"] == 0


async def test_administrators_do_not_lock_themselves_out(found: Administration) -> None:
    inside, outside = await park(found, INSIDE), await park(found, OUTSIDE)
    strict = {"values": {"allowed_networks": ["hospital"]}}
    refused = await outside.put("/api/v1/admin/policies/inside", json=strict)
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert "lock you out" in refused.json()["message"]
    assert OUTSIDE in refused.json()["message"]
    assert (await inside.put("/api/v1/admin/policies/inside", json=strict)).status_code == 200
    exempt = {"conditions": {"group": "wards"}, "values": {"allowed_networks": "anywhere"}}
    assert (await outside.put("/api/v1/admin/policies/exempt", json=exempt)).status_code == 409
    assert (await inside.put("/api/v1/admin/policies/exempt", json=exempt)).status_code == 200
    factor = await inside.put("/api/v1/admin/policies/factor", json={"values": {"second_factor": "always"}})
    assert (factor.status_code, "second factor" in factor.json()["message"]) == (409, True)


async def test_keys_say_what_to_write(found: Administration) -> None:
    keys = (await found.ask("choi", "GET", "policies/keys")).json()
    assert [one["key"] for one in keys] == KEYS.names
    assert keys[0]["form"].endswith("anywhere")
