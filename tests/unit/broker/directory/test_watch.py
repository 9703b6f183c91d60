"""Leavers lose their web sessions and cached passwords; an outage takes nothing from anybody."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from display_server.broker.directory.account_state import AccountState
from display_server.broker.directory.accounts import Watched
from display_server.broker.directory.directory import Directory
from display_server.broker.directory.errors import DirectoryRefused
from display_server.broker.directory.watch import INTERVAL_S
from tests.unit.broker.directory.conftest import Hospital
from tests.unit.broker.directory.settings import person


def test_absence_counts_within_a_minute() -> None:
    assert 2 * INTERVAL_S < 60


async def test_a_disabled_account_is_signed_out_at_once(hospital: Hospital) -> None:
    hospital.cached.valid_s = 3600
    kim, lee = await hospital.sign_in("kim"), await hospital.sign_in("lee")
    hospital.directory.people["kim"] = person("kim", state=AccountState.DISABLED)
    assert [left.username for left in await hospital.watch.run_once()] == ["kim"]
    assert not await hospital.is_signed_in(kim)
    assert await hospital.is_signed_in(lee)
    assert hospital.disconnected == ["kim"]
    assert [entry for entry in await hospital.audited() if entry[0] != "sign-in"] == [
        ("account-added", "directory", "first sign-in"),
        ("account-added", "directory", "first sign-in"),
        ("left-directory", "kim", "disabled"),
    ]
    assert await hospital.cached_hash("kim") is None
    assert await hospital.cached_hash("lee") is not None


async def test_somebody_who_disappears_is_signed_out_at_the_second_look(hospital: Hospital) -> None:
    kim = await hospital.sign_in("kim")
    del hospital.directory.people["kim"]
    assert await hospital.watch.run_once() == []
    assert await hospital.is_signed_in(kim)
    await hospital.watch.run_once()
    assert not await hospital.is_signed_in(kim)
    assert hospital.watch.problem is None


async def test_an_outage_signs_nobody_out(hospital: Hospital) -> None:
    kim = await hospital.sign_in("kim")
    hospital.directory.fail()
    for _ in range(5):
        assert await hospital.watch.run_once() == []
    assert await hospital.is_signed_in(kim)


async def test_an_empty_directory_signs_nobody_out_and_is_reported_once(hospital: Hospital) -> None:
    kim, lee = await hospital.sign_in("kim"), await hospital.sign_in("lee")
    hospital.directory.people.clear()
    with capture_logs() as log:
        for _ in range(5):
            await hospital.watch.run_once()
    assert await hospital.is_signed_in(kim)
    assert await hospital.is_signed_in(lee)
    assert [entry["event"] for entry in log] == ["leavers unknown"]
    problem = hospital.watch.problem
    assert problem is not None
    assert problem.code == "directory-incomplete"
    assert "2 of 2" in problem.cause
    hospital.directory.people.update(kim=person("kim"), lee=person("lee"))
    await hospital.watch.run_once()
    assert hospital.watch.problem is None


async def test_a_refused_search_signs_nobody_out_and_is_reported(hospital: Hospital) -> None:
    kim = await hospital.sign_in("kim")
    hospital.directory.failure = DirectoryRefused("Refused.", next_step="Check.", code=50)
    await hospital.watch.run_once()
    assert await hospital.is_signed_in(kim)
    assert hospital.watch.problem is not None
    assert hospital.watch.problem.code == "directory-refuses"


async def test_local_accounts_and_people_who_are_signed_out_are_not_asked_about(hospital: Hospital) -> None:
    account = await hospital.accounts.add("admin", "a local password")
    local = await hospital.web_sessions.create(account)
    await hospital.verify("kim")
    assert await hospital.directory_accounts.watched() == []
    for _ in range(2):
        await hospital.watch.run_once()
    assert await hospital.is_signed_in(local)


async def test_somebody_with_a_cached_password_is_watched_too(hospital: Hospital) -> None:
    hospital.cached.valid_s = 3600
    await hospital.verify("kim")
    [watched] = await hospital.directory_accounts.watched()
    assert (watched.username, watched.signed_in) == ("kim", False)
    del hospital.directory.people["kim"]
    for _ in range(2):
        await hospital.watch.run_once()
    assert await hospital.cached_hash("kim") is None


async def test_a_fault_of_the_watch_does_not_end_it(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that ended would take everybody's sign-in with it."""
    looks = []

    async def broken() -> list[Watched]:
        looks.append(1)
        raise RuntimeError("a fault of the program")

    async def stop_after_two(_seconds: float) -> None:
        if len(looks) == 2:
            raise asyncio.CancelledError

    monkeypatch.setattr(hospital.watch, "run_once", broken)
    monkeypatch.setattr("display_server.broker.directory.directory.INTERVAL_S", 0.0)
    directory = Directory(hospital.directory, hospital.cached, hospital.authenticator, hospital.watch)
    with capture_logs() as log, pytest.raises(asyncio.CancelledError):
        await directory.run(stop_after_two)
    assert [entry["event"] for entry in log] == ["leavers unknown; sign-ins are checked all the same"] * 2
