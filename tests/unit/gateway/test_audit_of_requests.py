"""What people do over HTTP is in the audit, with who, where and how it went."""

from __future__ import annotations

import pytest

from display_server.broker.api import desktop_endings
from display_server.broker.api.sign_in_audit import record_limited_attempts
from display_server.broker.audit.actor import operator_actor
from display_server.broker.audit.chain import Row
from display_server.broker.audit.reading import Filter, newest
from display_server.broker.session_state import EndedBy
from display_server.broker.storage_failures import StorageError, StorageFault
from tests.fakes.gateway import PASSWORD, GatewayUnderTest


async def rows_of(gateway: GatewayUnderTest) -> list[Row]:
    """Returns the rows without those of the accounts, which the fixture has added."""
    async with gateway.services.store.reading() as db:
        rows = (await newest(db, Filter(), 1000))[::-1]
    return [row for row in rows if not row.action.startswith("account-")]


def acts(rows: list[Row]) -> list[tuple[str, str, str | None, str]]:
    return [(row.action, row.outcome, row.account, row.role) for row in rows]


async def test_records_signing_in_and_out(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client("192.0.2.7")
    for username, password in (("kim", "wrong password"), ("hunter2", "wrong password"), ("kim", PASSWORD)):
        await client.post("/api/v1/sign-in", json={"username": username, "password": password})
    await client.post("/api/v1/sign-out")
    rows = await rows_of(local_gateway)
    assert acts(rows) == [
        ("sign-in", "refused", "kim", "nobody"),
        ("sign-in", "refused", None, "nobody"),
        ("sign-in", "done", "kim", "user"),
        ("sign-out", "done", "kim", "user"),
    ]
    assert {row.address for row in rows} == {"192.0.2.7"}
    assert rows[2].device == rows[3].device is not None
    assert rows[2].reason == "new browser"
    assert "hunter2" not in str(rows), "it may be a password"


async def test_records_locks_and_unlocks(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    await client.post("/api/v1/lock")
    await client.post("/api/v1/unlock", json={"password": "wrong password"})
    await client.post("/api/v1/unlock", json={"password": PASSWORD})
    rows = (await rows_of(local_gateway))[1:]
    assert acts(rows) == [
        ("screen-locked", "done", "kim", "user"),
        ("screen-unlocked", "refused", "kim", "user"),
        ("screen-unlocked", "done", "kim", "user"),
    ]
    assert len({row.device for row in rows}) == 1


async def test_records_attempts_beyond_the_limit_in_one_entry(local_gateway: GatewayUnderTest) -> None:
    services = local_gateway.services
    now = 1000.0
    services.monotonic_s = lambda: now
    client = local_gateway.in_process_client("192.0.2.7")
    answers = [
        await client.post("/api/v1/sign-in", json={"username": "kim", "password": "wrong password"})
        for _ in range(9)
    ]
    limited = sum(answer.status_code == 429 for answer in answers)
    assert limited
    await record_limited_attempts(services)
    now += 60.0
    await record_limited_attempts(services)
    rows = await rows_of(local_gateway)
    assert len(rows) == 9 - limited + 1
    assert rows[-1].reason == f"too many attempts, {limited} within a minute"
    assert (rows[-1].account, rows[-1].address) == ("kim", "192.0.2.7")


async def test_records_a_desktop_and_who_ended_it(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    services = local_gateway.services
    (session,) = services.sessions.live()
    desktop_endings.end_session(services, session, EndedBy.OPERATOR, actor=operator_actor("park"))
    await session.stopped.wait()
    await client.post("/api/v1/desktops/reading/viewers")
    (again,) = services.sessions.live()
    await client.post("/api/v1/desktops/reading/end")
    await again.stopped.wait()
    rows = (await rows_of(local_gateway))[1:]
    assert acts(rows) == [
        ("desktop-opened", "done", "kim", "user"),
        ("desktop-ended", "done", "park", "operator"),
        ("desktop-opened", "done", "kim", "user"),
        ("desktop-ended", "done", "kim", "user"),
    ]
    assert {row.object for row in rows} == {"desktop:kim/reading"}
    assert rows[0].reason == f"session {session.id}"
    assert rows[0].address == "127.0.0.1"
    assert rows[1].reason == f"session {session.id}, ended by: operator"


async def test_records_each_viewer_that_connects(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    async with await gateway.open_viewer(client):
        rows = await rows_of(gateway)
    opened, admitted = rows[1:3]
    assert (opened.action, admitted.action) == ("desktop-opened", "viewer-admitted")
    assert admitted.object == "desktop:kim/reading"
    assert admitted.device == opened.device
    assert admitted.address == "127.0.0.1"


async def test_nothing_opens_while_the_audit_cannot_be_written(
    local_gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = await local_gateway.sign_in(), local_gateway.in_process_client()
    begin = local_gateway.services.store.begin

    def fail() -> None:
        raise StorageError(StorageFault.FULL, "db")

    with monkeypatch.context() as patch:
        patch.setattr(local_gateway.services.store, "begin", fail)
        refused = [
            await other.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD}),
            await client.post("/api/v1/desktops/reading/viewers"),
        ]
        assert [answer.status_code for answer in refused] == [503, 503]
        assert {answer.json()["code"] for answer in refused} == {"store-failed"}
        assert local_gateway.services.sessions.live() == []
        locked = await client.post("/api/v1/lock")
        assert locked.json()["state"] == "locked"
        unlocked = await client.post("/api/v1/unlock", json={"password": PASSWORD})
        assert unlocked.status_code == 503
    assert local_gateway.services.store.begin == begin
    assert (await client.get("/api/v1/lock")).json()["state"] == "locked"
    assert [row.action for row in await rows_of(local_gateway)][-1] == "screen-locked"


async def test_a_person_can_sign_out_while_the_database_is_away(
    local_gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await local_gateway.sign_in()
    stranger = local_gateway.in_process_client()
    cookies = dict(client.cookies)
    await client.get("/api/v1/me")

    def fail() -> None:
        raise StorageError(StorageFault.FULL, "db")

    with monkeypatch.context() as patch:
        for name in ("begin", "reading"):
            patch.setattr(local_gateway.services.store, name, fail)
        assert (await client.post("/api/v1/sign-out")).status_code == 200
        assert (await stranger.post("/api/v1/sign-out")).status_code == 200
    again = local_gateway.in_process_client()
    again.cookies.update(cookies)
    assert (await again.get("/api/v1/me")).status_code == 401
    assert [row.action for row in await rows_of(local_gateway)] == ["sign-in", "sign-out"]
