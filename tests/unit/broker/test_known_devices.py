"""Devices in which a person has signed in before."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from display_server.broker.accounts import Accounts
from display_server.broker.known_devices import COOKIE_S, PER_ACCOUNT_MAX, KnownDevices
from display_server.broker.store import Store
from tests.fakes.gateway import PASSWORD, cheap_passwords


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store, cheap_passwords())


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_device_is_known_to_those_who_signed_in_there(store: Store, accounts: Accounts) -> None:
    kim, lee = await accounts.add("kim", PASSWORD), await accounts.add("lee", PASSWORD)
    devices = KnownDevices(store)
    secret = await devices.record_sign_in(kim, "")
    assert await devices.find("kim", secret) is not None
    assert await devices.find("lee", secret) is None
    assert await devices.record_sign_in(lee, secret) == secret
    assert await devices.find("lee", secret) is not None


async def test_the_secret_is_not_stored(store: Store, accounts: Accounts) -> None:
    secret = await KnownDevices(store).record_sign_in(await accounts.add("kim", PASSWORD), "")
    async with store.begin() as db:
        row = (await db.execute(text("SELECT * FROM known_devices"))).one()
    assert secret.encode() not in b"".join(value for value in row if isinstance(value, bytes))


async def test_a_secret_that_was_never_issued_is_replaced(store: Store, accounts: Accounts) -> None:
    devices = KnownDevices(store)
    planted = "planted by somebody else"
    assert await devices.record_sign_in(await accounts.add("kim", PASSWORD), planted) != planted
    assert await devices.find("kim", planted) is None


async def test_a_device_is_forgotten_with_its_cookie(store: Store, accounts: Accounts) -> None:
    clock = Clock()
    devices = KnownDevices(store, now_s=clock)
    secret = await devices.record_sign_in(await accounts.add("kim", PASSWORD), "")
    clock.now_s += COOKIE_S
    assert await devices.find("kim", secret) is None


async def test_the_devices_of_an_account_are_limited(store: Store, accounts: Accounts) -> None:
    clock = Clock()
    devices = KnownDevices(store, now_s=clock)
    kim = await accounts.add("kim", PASSWORD)
    secrets = []
    for _ in range(PER_ACCOUNT_MAX + 1):
        clock.now_s += 1
        secrets.append(await devices.record_sign_in(kim, ""))
    assert await devices.find("kim", secrets[0]) is None
    assert await devices.find("kim", secrets[1]) is not None


@pytest.mark.parametrize("secret", ["", "x", "\udcff", "x" * 10_000])
async def test_rejects_invalid_cookies(store: Store, secret: str) -> None:
    assert await KnownDevices(store).find("kim", secret) is None
