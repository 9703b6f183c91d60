"""The administration API: what people with roles see and do, and what the audit says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from display_server.broker.api_tokens import ApiTokens
from display_server.broker.audit.chain import Row
from display_server.broker.audit.reading import Filter, newest
from display_server.broker.scopes import Scope
from display_server.broker.screen_lock import LockLimits
from tests.fakes.administration import Administration, administration
from tests.fakes.gateway import PASSWORD
from tests.fakes.person import ALWAYS, Clock, Person


@pytest.fixture
async def found(folder: Path) -> AsyncIterator[Administration]:
    async with administration(folder) as running:
        yield running


async def last_row(found: Administration, action: str) -> Row:
    async with found.gateway.services.store.reading() as db:
        return (await newest(db, Filter(action=action), 1))[0]


async def get(found: Administration, username: str, path: str, **params: Any) -> Any:
    answer = await found.ask(username, "GET", path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(found: Administration, username: str, path: str, **params: Any) -> list[str]:
    return [item["name"] for item in (await get(found, username, path, **params))["items"]]


async def test_people_are_listed_in_pages_and_within_the_scope(found: Administration) -> None:
    everybody = ["ahn", "choi", "hana", "jung", "kim", "lee", "park", "shin", "yoon"]
    seen: list[str] = []
    after = None
    for size in (4, 4, 1):
        page = await get(found, "park", "people", limit=4, **({"after": after} if after else {}))
        assert (len(page["items"]), page["total"]) == (size, len(everybody))
        seen += [item["name"] for item in page["items"]]
        after = page["next"]
    assert (seen, after) == (everybody, None)
    assert await names(found, "yoon", "people") == ["lee", "yoon"]
    assert await names(found, "jung", "people") == ["jung"], "the scope of a desktop has no accounts"
    assert await names(found, "park", "people", q="HI") == ["shin"]
    person = await get(found, "yoon", "people/lee")
    assert (person["groups"], person["roles"], person["desktops"]) == (
        ["ward-3", "wards"],
        [],
        ["office", "ward"],
    )
    assert (person["source"], person["state"], person["signed_in"]) == ("local", "enabled", False)


async def test_a_page_of_people_takes_the_same_number_of_statements_for_any_number(
    found: Administration,
) -> None:
    services = found.gateway.services
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    numbers = []
    for limit in (1, 9):
        await get(found, "park", "people", limit=limit)  # the use of the token was written before
        statements.clear()
        event.listen(services.store._engine.sync_engine, "before_cursor_execute", count)
        await get(found, "park", "people", limit=limit)
        event.remove(services.store._engine.sync_engine, "before_cursor_execute", count)
        numbers.append(len(statements))
    assert numbers[0] == numbers[1] > 5


async def test_sessions_are_listed_within_the_scope(found: Administration) -> None:
    own = {name: await found.session_of(name) for name in ("lee", "shin", "yoon")}
    listed = await get(found, "park", "sessions")
    assert {item["id"] for item in listed["items"]} == set(own.values())
    assert {item["id"] for item in (await get(found, "yoon", "sessions"))["items"]} == {
        own["lee"],
        own["yoon"],
    }
    assert (await get(found, "jung", "sessions"))["items"] == []
    assert (await get(found, "park", "sessions", q="shin"))["total"] == 1
    assert (await get(found, "park", "sessions", pool="ward"))["total"] == 0
    detail = await get(found, "yoon", f"sessions/{own['lee']}")
    assert (detail["person"], detail["state"], detail["viewers"]) == ("lee", "ready", 0)
    answer = await found.ask("yoon", "GET", f"sessions/{own['shin']}")
    assert answer.status_code == 404, "the same as for a session that does not exist"
    assert answer.json() == (await found.ask("yoon", "GET", "sessions/none")).json()


async def test_ending_a_session_is_recorded_with_who_and_where(found: Administration) -> None:
    services = found.gateway.services
    session = services.sessions.by_id(await found.session_of("lee"))
    assert session is not None
    helpdesk = await found.gateway.sign_in("yoon")
    assert (await helpdesk.post(f"/api/v1/admin/sessions/{session.id}/end")).status_code == 204
    await session.stopped.wait()
    row = await last_row(found, "desktop-ended")
    assert (row.account, row.role, row.object) == ("yoon", "helpdesk", "desktop:lee/office")
    assert (row.address, row.outcome) == ("127.0.0.1", "done")
    assert row.device


async def test_a_message_reaches_the_person_and_not_the_audit(found: Administration) -> None:
    session = await found.session_of("lee")
    text = "Please sign out <b>by</b> 18:00.\nThe ward moves."
    answer = await found.ask("yoon", "POST", f"sessions/{session}/message", {"text": text})
    assert answer.status_code == 204, answer.text
    lee = await found.gateway.sign_in("lee")
    (message,) = (await lee.get("/api/v1/messages")).json()
    assert (message["code"], message["text"]) == (
        "from-administrator",
        "Please sign out <b>by</b> 18:00. The ward moves.",
    )
    kim = await found.gateway.sign_in("kim")
    assert (await kim.get("/api/v1/messages")).json() == []
    row = await last_row(found, "message-sent")
    assert (row.account, row.role, row.object) == ("token:of-yoon", "token", "desktop:lee/office")
    assert "sign out" not in str(dataclasses.asdict(row))


@pytest.mark.parametrize("text", ["", " ", "x" * 501, "\u0000"])
async def test_a_message_that_says_nothing_or_too_much_is_refused(found: Administration, text: str) -> None:
    session = await found.session_of("lee")
    answer = await found.ask("park", "POST", f"sessions/{session}/message", {"text": text})
    assert answer.status_code == 422


async def test_accounts_are_added_disabled_and_signed_out(found: Administration) -> None:
    added = await found.ask("park", "POST", "people", {"name": "baek", "display_name": "백 간호사"})
    assert added.status_code == 201
    password = added.json()["password"]
    client = found.gateway.in_process_client()
    answer = await client.post("/api/v1/sign-in", json={"username": "baek", "password": password})
    assert answer.status_code == 200, "with the password that the server made"
    assert (await found.ask("park", "POST", "people/baek/sign-out")).status_code == 204
    assert (await client.get("/api/v1/me")).status_code == 401
    assert (await found.ask("park", "POST", "people/baek/disable", {})).status_code == 204
    answer = await client.post("/api/v1/sign-in", json={"username": "baek", "password": password})
    assert answer.status_code == 401
    assert (await get(found, "park", "people/baek"))["state"] == "disabled"
    assert (await found.ask("park", "POST", "people/baek/enable")).status_code == 204
    again = await found.ask(
        "park", "POST", "people/baek/reset-password", {"password": "quiet river copper lamp"}
    )
    assert again.json() == {"name": "baek", "password": None}
    row = await last_row(found, "account-password-changed")
    assert (row.account, row.role, row.address) == ("token:of-park", "token", "127.0.0.1")
    twice = await found.ask("park", "POST", "people", {"name": "baek"})
    assert (twice.status_code, twice.json()["code"]) == (409, "refused")
    weak = await found.ask("park", "POST", "people", {"name": "bae", "password": "12345678"})
    assert (weak.status_code, weak.json()["code"]) == (409, "refused")


async def test_the_helpdesk_acts_neither_on_administrators_nor_outside_of_its_scope(
    found: Administration,
) -> None:
    for username, person, status in (("hana", "ahn", 403), ("hana", "lee", 204), ("yoon", "shin", 404)):
        answer = await found.ask(username, "POST", f"people/{person}/reset-second-factor")
        assert answer.status_code == status, (username, person)
    row = await last_row(found, "administration-refused")
    assert (row.outcome, row.account, row.object) == (
        "refused",
        "token:of-yoon",
        "api:/people/shin/reset-second-factor",
    )


async def test_groups_and_entitlements_change_what_people_may_open(found: Administration) -> None:
    assert (await found.ask("park", "POST", "groups", {"name": "Night"})).json()["name"] == "night"
    for member, kind in (("shin", "person"), ("ward-3", "group")):
        answer = await found.ask("park", "POST", "groups/night/members", {"member": member, "kind": kind})
        assert answer.status_code == 204
    group = await get(found, "park", "groups/NIGHT")
    assert group["members"] == {"people": ["shin"], "groups": ["ward-3"]}
    assert group["everybody"] == ["lee", "shin"]
    new = {"desktop": "ward", "subject": "group", "name": "night"}
    entitlement = (await found.ask("park", "POST", "entitlements", new)).json()
    why = await get(found, "park", "why", person="lee", desktop="ward")
    assert [path["groups"] for path in why["paths"]] == [[], ["ward-3", "night"]]
    assert (await found.ask("park", "DELETE", f"entitlements/{entitlement['id']}")).status_code == 204
    configured = (await get(found, "park", "entitlements"))["items"][0]
    answer = await found.ask("park", "DELETE", f"entitlements/{configured['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    answer = await found.ask("park", "DELETE", "groups/night/members/ward-3", kind="group")
    assert answer.status_code == 204
    circle = await found.ask("park", "POST", "groups/ward-3/members", {"member": "wards", "kind": "group"})
    assert (circle.status_code, circle.json()["code"]) == (409, "refused")
    assert await names(found, "yoon", "groups") == ["ward-3", "wards"]


async def test_nobody_gives_a_role_to_themselves(found: Administration) -> None:
    given = await found.ask("park", "POST", "roles", {"subject": "user", "name": "PARK", "role": "auditor"})
    assert (given.status_code, given.json()["code"]) == (403, "not-permitted")
    role = {"subject": "user", "name": "lee", "role": "helpdesk", "scope": "group", "scope_name": "Ward-3"}
    created = await found.ask("park", "POST", "roles", role)
    assert (created.status_code, created.json()["scope_name"]) == (201, "ward-3")
    assert (await found.ask("park", "DELETE", f"roles/{created.json()['id']}")).status_code == 204


async def test_a_pool_is_taken_out_of_service(found: Administration) -> None:
    assert await names(found, "jung", "pools") == ["ward"]
    assert await names(found, "yoon", "pools") == []
    assert (await found.ask("park", "POST", "pools/ward/maintenance", {"on": True})).status_code == 204
    assert (await get(found, "choi", "pools/ward"))["state"] == "maintenance"
    row = await last_row(found, "pool-changed")
    assert (row.object, row.reason, row.account) == ("pool:ward", "maintain", "token:of-park")
    assert (await found.ask("park", "POST", "pools/office/maintenance", {"on": True})).status_code == 404


async def test_the_audit_is_searched_in_pages_and_verified(found: Administration) -> None:
    first = await get(found, "choi", "audit", limit=3)
    assert first["total"] > 10
    assert [item["seq"] for item in first["items"]] == sorted(
        (item["seq"] for item in first["items"]), reverse=True
    )
    second = await get(found, "choi", "audit", limit=3, after=first["next"])
    assert second["items"][0]["seq"] == first["items"][-1]["seq"] - 1
    roles = await get(found, "choi", "audit", action="role-given", q="wards")
    assert [item["object"] for item in roles["items"]] == ["account:yoon"]
    assert (await get(found, "choi", "audit", to="2001-01-01"))["items"] == []
    wrong = await found.ask("choi", "GET", "audit", **{"from": "yesterday"})
    assert wrong.status_code == 422
    verification = await get(found, "choi", "audit/verification")
    assert (verification["intact"], verification["findings"]) == (True, [])
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await found.ask("park", method, "audit")).status_code == 405


async def test_overview_health_and_use_describe_this_server(found: Administration) -> None:
    await found.session_of("lee")
    overview = await get(found, "park", "overview")
    assert (overview["desktops"]["assigned"], overview["sessions"], overview["viewers"]) == (1, 1, 0)
    assert overview["host"]["processors"] >= 1
    assert (await get(found, "jung", "overview"))["sessions"] == 0
    checks = {check["name"]: check["ok"] for check in (await get(found, "hana", "health"))["checks"]}
    assert checks["database"] is True
    hours = (await get(found, "choi", "use", days=1))["hours"]
    assert {(hour["pool"], hour["peak"]) for hour in hours} == {("office", 1)}


async def test_a_token_is_created_once_shown_and_revoked(found: Administration) -> None:
    park = await found.gateway.sign_in("park")
    body = {"name": "Report", "scopes": ["sessions.read"], "expires_days": 1, "read_only": True}
    created = await park.post("/api/v1/admin/tokens", json=body)
    assert created.status_code == 201, created.text
    token, secret = created.json()["token"], created.json()["secret"]
    assert (token["name"], token["created_by"], token["last_used"]) == ("report", "park", None)
    assert secret not in (await park.get("/api/v1/admin/tokens")).text
    found.tokens["report"] = secret
    assert (await found.ask("report", "GET", "sessions")).status_code == 200
    assert (await found.ask("report", "GET", "people")).status_code == 403
    changing = await park.post("/api/v1/admin/tokens", json={**body, "name": "b", "scopes": ["sessions.act"]})
    assert (changing.status_code, changing.json()["code"]) == (409, "refused")
    forever = await park.post("/api/v1/admin/tokens", json={"name": "b", "expires_days": 1000})
    assert forever.status_code == 422
    assert (await park.delete(f"/api/v1/admin/tokens/{token['id']}")).status_code == 204
    assert (await found.ask("report", "GET", "sessions")).status_code == 401


async def test_a_token_is_worth_no_more_than_its_person(found: Administration) -> None:
    assert (await found.ask("park", "GET", "people")).status_code == 200
    roles = (await get(found, "park", "roles", q="park"))["items"]
    ahn = await found.gateway.sign_in("ahn")
    assert (await ahn.delete(f"/api/v1/admin/roles/{roles[0]['id']}")).status_code == 204
    assert (await found.ask("park", "GET", "people")).status_code == 403
    assert (await ahn.post("/api/v1/admin/people/choi/disable", json={})).status_code == 204
    assert (await found.ask("choi", "GET", "audit")).status_code == 401


async def test_a_browser_needs_the_right_origin_and_a_token_no_cookie(found: Administration) -> None:
    """A page of another site can send a cookie, but no header with a token."""
    park = await found.gateway.sign_in("park")
    path = "/api/v1/admin/people/lee/sign-out"
    foreign = await park.post(path, headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "cross-site")
    wrong = await park.post(
        path, headers={"Authorization": "Bearer lbt_wrong", "Origin": "https://evil.example"}
    )
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad-token"), "the cookie does not count"
    elsewhere = await park.post(
        "/api/v1/sign-out", headers={"Authorization": "Bearer lbt_wrong", "Origin": "https://evil.example"}
    )
    assert elsewhere.json()["code"] == "cross-site"
    proxied = await park.post(path, headers={"Authorization": "Basic cGFyazp4"})
    assert proxied.status_code == 204, "a proxy has passwords of its own"


async def test_administration_asks_for_the_second_factor_once_more(folder: Path) -> None:
    clock = Clock()
    open_all_day = LockLimits(after_s=24 * 3600)
    async with administration(folder, second_factor=ALWAYS, now_s=clock, lock=open_all_day) as found:
        park = Person(found.gateway, clock)
        await park.password("park")
        await park.enrol_app()
        path = "/api/v1/admin/people/lee/sign-out"
        assert (await park.http.post(path)).status_code == 204, "the factor was given just now"
        clock.now_s += 16 * 60
        due = await park.http.post(path)
        assert (due.status_code, due.json()["code"]) == (403, "step-up-due")
        assert (await park.http.get("/api/v1/admin/people")).status_code == 200, "reading goes on"
        assert (await park.post("me/proof", password=PASSWORD)).status_code == 204
        assert (await park.http.post(path)).status_code == 403, "the password alone does not do"
        asked = await park.post("me/step-up", password=PASSWORD)
        assert (asked.status_code, asked.json()["code"]) == (401, "factor-due")
        assert (await park.post("sign-in/code", method="app", code=park.code())).status_code == 200
        assert (await park.http.post(path)).status_code == 204


async def test_without_a_policy_the_password_steps_up(found: Administration) -> None:
    park = await found.gateway.sign_in("park")
    assert (await park.post("/api/v1/me/step-up", json={"password": PASSWORD})).status_code == 204
    assert (await park.post("/api/v1/me/step-up", json={"password": "wrong"})).status_code == 401


async def test_me_says_what_is_open(found: Administration) -> None:
    me = await get(found, "yoon", "me")
    assert me["roles"] == [{"role": "helpdesk", "scope": "group", "scope_name": "wards"}]
    assert "sessions.act" in me["scopes"]
    assert "audit.read" not in me["scopes"]
    kim = await found.gateway.sign_in("kim")
    answer = await kim.get("/api/v1/admin/me")
    assert (answer.status_code, answer.json()["code"]) == (403, "no-role")


async def test_texts_that_databases_cannot_compare_are_refused(found: Administration) -> None:
    for path in ("people/%00", "people?q=%00", "sessions/%00", "roles/99999999999999999999"):
        method = "DELETE" if path.startswith("roles") else "GET"
        assert (await found.ask("park", method, path)).status_code == 422, path


async def test_an_operators_token_acts_for_everything(found: Administration) -> None:
    services = found.gateway.services
    tokens = ApiTokens(services.store, operator="root")
    _, found.tokens["root"] = await tokens.create("ops", {Scope.PEOPLE_WRITE}, expires_days=1)
    assert (await found.ask("root", "POST", "people/ahn/sign-out")).status_code == 204
    row = await last_row(found, "account-signed-out")
    assert (row.account, row.role, row.object) == ("token:ops", "token", "account:ahn")
