"""Emergency access: for people of configured groups, with a reason, for a time, and loudly recorded."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from structlog.testing import capture_logs

from display_server.broker.api.break_glass_watch import end_due_access
from display_server.broker.audit.chain import Row
from display_server.broker.audit.reading import Filter, newest
from display_server.broker.audit.review import describe, review
from display_server.broker.break_glass.settings import REASON_MAX, BreakGlassSettings
from display_server.broker.people.groups import Groups
from display_server.broker.storage_failures import StorageError, StorageFault
from tests.fakes.gateway import MAY_READ_METRICS, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fakes.person import Clock

REASON = "Resuscitation in room 12, the images are on this desktop"
LASTS_S = 300.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    """A gateway on which lee is a member of a group in the group `emergency`; kim may open `reading`."""
    async with running_gateway(folder, launcher, now_s=clock) as running:
        groups = Groups(running.services.store)
        for name in ("emergency", "night-shift"):
            await groups.add(name)
        await groups.add_group("emergency", "night-shift")
        await groups.add_person("night-shift", "lee")
        running.services.break_glass.settings = BreakGlassSettings(frozenset({"emergency"}), LASTS_S)
        yield running


async def begin(
    client: httpx2.AsyncClient, reason: str = REASON, desktop: str = "reading"
) -> httpx2.Response:
    return await client.post("/api/v1/break-glass", json={"desktop": desktop, "reason": reason})


async def opens(client: httpx2.AsyncClient, desktop: str = "reading") -> bool:
    return (await client.post(f"/api/v1/desktops/{desktop}/viewers")).status_code == 201


async def rows_of(gateway: GatewayUnderTest) -> list[Row]:
    async with gateway.services.store.reading() as db:
        return (await newest(db, Filter(), 100))[::-1]


async def test_it_opens_a_desktop_for_a_time(gateway: GatewayUnderTest, clock: Clock) -> None:
    lee = await gateway.sign_in("lee")
    assert not await opens(lee)
    choices = (await lee.get("/api/v1/break-glass")).json()
    assert choices["allowed"]
    assert (choices["minutes"], [one["name"] for one in choices["desktops"]]) == (5, ["reading"])
    with capture_logs() as logs:
        answer = await begin(lee)
    assert (answer.status_code, answer.json()) == (201, {"desktop": "reading", "remaining_s": LASTS_S})
    assert [(line["event"], line["log_level"]) for line in logs if "break-glass" in line["event"]] == [
        ("break-glass begun", "warning")
    ]
    assert await opens(lee)
    [message] = (await lee.get("/api/v1/messages")).json()
    assert (message["code"], message["desktop"], message["remaining_s"]) == (
        "emergency-access",
        "reading",
        LASTS_S,
    )
    clock.now_s += LASTS_S
    assert not await gateway.services.catalogue.may_open("lee", "reading"), "nothing had to end it"
    metrics = (await lee.get("/metrics", headers=MAY_READ_METRICS)).text
    assert "lightbox_break_glass_total 1.0" in metrics


async def test_its_end_locks_the_screen_that_shows_the_desktop(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    lee, elsewhere = await gateway.sign_in("lee"), await gateway.sign_in("lee")
    await begin(lee)
    async with (
        await gateway.open_viewer(lee) as viewer,
        await gateway.open_viewer(elsewhere, desktop="office"),
    ):
        clock.now_s += LASTS_S - 1
        await end_due_access(gateway.services)
        assert (await lee.get("/api/v1/me")).status_code == 200
        clock.now_s += 1
        await end_due_access(gateway.services)
        await viewer.wait_closed()
        lock = (await lee.get("/api/v1/lock")).json()
        assert (lock["state"], lock["reason"]) == ("locked", "emergency")
        assert (await elsewhere.get("/api/v1/me")).status_code == 200, "it shows another desktop"
    assert await gateway.services.break_glass.current() == []


async def test_it_ends_on_time_while_the_database_is_away(
    gateway: GatewayUnderTest, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lee = await gateway.sign_in("lee")
    await begin(lee)
    async with await gateway.open_viewer(lee) as viewer:
        clock.now_s += LASTS_S

        def fail() -> None:
            raise StorageError(StorageFault.FULL, "db")

        with monkeypatch.context() as patch:
            patch.setattr(gateway.services.store, "begin", fail)
            patch.setattr(gateway.services.store, "reading", fail)
            await end_due_access(gateway.services)
            await viewer.wait_closed()
    assert (await lee.get("/api/v1/lock")).json()["state"] == "locked"


async def test_the_person_ends_it_early(gateway: GatewayUnderTest) -> None:
    lee = await gateway.sign_in("lee")
    await begin(lee)
    assert (await lee.post("/api/v1/break-glass/end", json={"desktop": "reading"})).status_code == 204
    assert not await opens(lee)
    assert (await lee.get("/api/v1/messages")).json() == []


async def test_it_needs_a_group_a_reason_and_a_desktop_of_others(gateway: GatewayUnderTest) -> None:
    kim, lee = await gateway.sign_in("kim"), await gateway.sign_in("lee")
    assert (await kim.get("/api/v1/break-glass")).json()["allowed"] is False
    refused = [
        await begin(kim, desktop="private"),
        await begin(lee, "urgent"),
        await begin(lee, " " * 50),
        await begin(lee, "x" * (REASON_MAX + 1)),
        await begin(lee, desktop="nothing"),
        await begin(lee, desktop="office"),
    ]
    gateway.services.break_glass.settings = BreakGlassSettings()
    refused.append(await begin(lee))
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {
        (403, "break-glass-refused")
    }
    assert not await opens(kim, "private")
    assert [row.action for row in await rows_of(gateway) if row.action.startswith("break-glass")] == []


async def test_the_review_lists_it_with_the_reason(gateway: GatewayUnderTest, clock: Clock) -> None:
    lee = await gateway.sign_in("lee")
    await begin(lee)
    clock.now_s += LASTS_S
    await end_due_access(gateway.services)
    rows = [row for row in await rows_of(gateway) if row.action.startswith("break-glass")]
    assert [(row.action, row.account, row.role, row.object, row.reason) for row in rows] == [
        ("break-glass-begun", "lee", "user", "desktop:lee/reading", f"for 5 min: {REASON}"),
        ("break-glass-ended", "lee", "server", "desktop:lee/reading", "time over"),
    ]
    assert rows[0].device is not None
    assert rows[0].address == "127.0.0.1"

    assert any(REASON in line for line in describe(review(rows, datetime.UTC), "this month"))
