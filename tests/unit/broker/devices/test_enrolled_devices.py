"""Enrolling, changing and revoking devices in the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from display_server.broker.accounts import Accounts
from display_server.broker.audit.actor import operator_actor
from display_server.broker.audit.entry import Origin
from display_server.broker.devices.device_facts import DeviceFacts
from display_server.broker.devices.device_keys import DeviceKeys
from display_server.broker.devices.enrolled_devices import CODE_S, EnrolledDevices
from display_server.broker.store import Store
from display_server.broker.tables import AuditRow, DeviceEnrolment
from display_server.broker.web_sessions import SignInOutdatedError, WebSessions, device_of
from display_server.broker_link.cookies import hash_of
from display_server.errors import ConfigurationError
from tests.fakes.gateway import PASSWORD, cheap_passwords
from tests.fakes.person import Clock

PARK = operator_actor("park")
WARD = Origin("10.0.3.7")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def devices(store: Store, folder: Path, clock: Clock) -> EnrolledDevices:
    return EnrolledDevices(store, DeviceKeys.provide(folder / "device-keys", clock.now_s), now_s=clock)


@pytest.fixture
def web_sessions(store: Store, clock: Clock) -> WebSessions:
    return WebSessions(store, now_s=clock)


async def enrol(devices: EnrolledDevices, name: str = "ward-3-07") -> tuple[DeviceFacts, str]:
    code = await devices.make_code(name, "Ward 3", ["ward-3", "diagnostic"], PARK)
    enrolled = await devices.enrol_by_code(code, origin=WARD)
    assert enrolled is not None
    return enrolled.device, enrolled.cookie


async def acts(store: Store) -> list[tuple[str, str | None, str | None]]:
    async with store.reading() as db:
        rows = await db.scalars(select(AuditRow).order_by(AuditRow.seq))
        return [(row.action, row.account, row.address) for row in rows]


async def test_a_code_enrols_one_browser_once(store: Store, devices: EnrolledDevices) -> None:
    code = await devices.make_code("ward-3-07", "Ward 3", ["ward-3"], PARK)
    enrolled = await devices.enrol_by_code(f" {code.lower()} ", origin=WARD)
    assert enrolled is not None
    assert (enrolled.device.name, sorted(enrolled.device.tags)) == ("ward-3-07", ["ward-3"])
    assert await devices.find(enrolled.cookie) == enrolled.device
    assert await devices.enrol_by_code(code, origin=WARD) is None
    assert await acts(store) == [("device-code-made", "park", None), ("device-enrolled", "park", "10.0.3.7")]


async def test_a_code_expires_and_a_wrong_one_enrols_nothing(devices: EnrolledDevices, clock: Clock) -> None:
    code = await devices.make_code("ward-3-07", "Ward 3", [], PARK)
    for wrong in ("", "0000-0000-0000", code[:-1]):
        assert await devices.enrol_by_code(wrong, origin=WARD) is None
    clock.now_s += CODE_S
    assert await devices.enrol_by_code(code, origin=WARD) is None
    assert await devices.list_all() == []


async def test_only_the_hash_of_a_code_is_stored(store: Store, devices: EnrolledDevices) -> None:
    code = await devices.make_code("ward-3-07", "Ward 3", [], PARK)
    async with store.reading() as db:
        rows = (await db.scalars(select(DeviceEnrolment))).all()
    stored = [str(vars(row)) for row in rows]
    assert len(stored) == 1
    assert code not in stored[0]
    assert code.replace("-", "") not in stored[0]


async def test_a_new_code_of_the_same_name_makes_the_former_one_void(devices: EnrolledDevices) -> None:
    first = await devices.make_code("ward-3-07", "Ward 3", [], PARK)
    second = await devices.make_code("ward-3-07", "Ward 4", [], PARK)
    assert await devices.enrol_by_code(first, origin=WARD) is None
    enrolled = await devices.enrol_by_code(second, origin=WARD)
    assert enrolled is not None
    assert enrolled.device.place == "Ward 4"


async def test_two_devices_never_have_one_name(devices: EnrolledDevices) -> None:
    code = await devices.make_code("ward-4-01", "Ward 4", [], PARK)
    device, _ = await enrol(devices)
    with pytest.raises(ConfigurationError, match="enrolled already"):
        await devices.make_code("ward-3-07", "Ward 4", [], PARK)
    await devices.change(device.id, PARK, name="ward-4-01")
    with pytest.raises(ConfigurationError, match="enrolled already"):
        await devices.enrol_by_code(code, origin=WARD)
    await devices.revoke("ward-4-01", PARK)
    assert await devices.enrol_by_code(code, origin=WARD) is not None, "the code was not used up"


async def test_changes_act_at_once(devices: EnrolledDevices) -> None:
    _, cookie = await enrol(devices)
    await devices.change("ward-3-07", PARK, name="icu-1", place="ICU")
    await devices.change("icu-1", PARK, tags=["kiosk"])
    found = await devices.find(cookie)
    assert found is not None
    assert (found.name, found.place, sorted(found.tags)) == ("icu-1", "ICU", ["kiosk"])
    with pytest.raises(ConfigurationError, match="no device 'ward-3-07'"):
        await devices.change("ward-3-07", PARK, tags=[])


async def test_a_revoked_device_is_unknown_and_nobody_is_signed_in_there(
    store: Store, devices: EnrolledDevices, web_sessions: WebSessions
) -> None:
    kim = await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    device, cookie = await enrol(devices)
    here = await web_sessions.create(kim, on=device)
    elsewhere = await web_sessions.create(kim)
    user = await web_sessions.find(here)
    assert user is not None
    assert user.device == device
    assert [listed.people for listed in await devices.list_all()] == [("kim",)]
    assert await devices.of_web_sessions([hash_of(here), hash_of(elsewhere)]) == {hash_of(here): device}
    _, ended = await devices.revoke("ward-3-07", PARK)
    assert ended == [hash_of(here)]
    assert await web_sessions.find(here) is None
    assert await web_sessions.find(elsewhere) is not None
    assert await devices.find(cookie) is None
    assert await devices.list_all() == []
    assert len(await devices.list_all(revoked=True)) == 1
    assert [action for action, _, _ in await acts(store)][-2:] == ["sign-out", "device-revoked"]


async def test_a_session_that_outlived_its_device_is_over(
    store: Store, devices: EnrolledDevices, web_sessions: WebSessions
) -> None:
    """As after a revocation that another process committed between two statements of a sign-in."""
    kim = await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    device, _ = await enrol(devices)
    await devices.revoke(device.id, PARK)
    with pytest.raises(SignInOutdatedError):
        await web_sessions.create(kim, on=device)


async def test_the_audit_names_the_device_of_a_sign_in(
    store: Store, devices: EnrolledDevices, web_sessions: WebSessions
) -> None:
    kim = await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    device, _ = await enrol(devices)
    secret = await web_sessions.create(kim, on=device, reason="known browser")
    async with store.reading() as db:
        row = (await db.scalars(select(AuditRow).where(AuditRow.action == "sign-in"))).one()
    assert (row.object, row.device) == (f"device:{device.id}", device_of(hash_of(secret)))
    assert row.reason == "known browser, on ward-3-07, Ward 3"


async def test_records_when_a_device_was_last_seen(devices: EnrolledDevices, clock: Clock) -> None:
    _, cookie = await enrol(devices)
    clock.now_s += 3600
    await devices.find(cookie)
    await devices.record_seen()
    assert [listed.seen_s for listed in await devices.list_all()] == [clock.now_s]
