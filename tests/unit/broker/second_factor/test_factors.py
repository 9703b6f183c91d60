"""Codes are accepted once, whatever process gets them, and secrets are stored encrypted."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text

from display_server.broker.accounts import Accounts
from display_server.broker.audit.actor import Actor
from display_server.broker.second_factor import totp
from display_server.broker.second_factor.ceremonies import LASTS_S, Purpose
from display_server.broker.second_factor.factor_key import FactorKey, FactorKeyError
from display_server.broker.second_factor.factors import SecondFactors
from display_server.broker.second_factor.pending_sign_ins import PendingSignIns
from display_server.broker.second_factor.sign_in_state import SignInState
from display_server.broker.store import Store
from display_server.broker.tables import Account, Base
from display_server.broker.web_sessions import SignInOutdatedError
from tests.fakes.gateway import PASSWORD, cheap_passwords

KEY = FactorKey(bytes(32))
KIM = Actor("kim", "10.0.0.1")
OWNER = b"a browser".ljust(32)


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def accounts(store: Store) -> Accounts:
    return Accounts(store, cheap_passwords())


@pytest.fixture
async def kim(accounts: Accounts) -> Account:
    return await accounts.add("kim", PASSWORD)


@pytest.fixture
def factors(store: Store, clock: Clock) -> SecondFactors:
    return SecondFactors(store, KEY, now_s=clock)


@pytest.fixture
def pending(store: Store, clock: Clock) -> PendingSignIns:
    return PendingSignIns(store, now_s=clock)


@pytest.fixture
async def second_store(store: Store) -> AsyncIterator[Store]:
    """The same database, opened by another process."""
    other = await Store.open(store.database)
    yield other
    await other.close()


async def set_up_app(factors: SecondFactors, account: Account, clock: Clock) -> bytes:
    """Sets up an app and returns its secret. Its present code is used up."""
    setup = await factors.begin_app(OWNER, account)
    secret = base64.b32decode(setup.secret)
    assert await factors.finish_app(OWNER, account, totp.code_at(secret, totp.step_of(clock.now_s)), KIM)
    return secret


async def stored_bytes(store: Store) -> bytes:
    """Returns all values of all tables."""
    values: list[object] = []
    async with store.reading() as db:
        for table in Base.metadata.sorted_tables:
            for row in await db.execute(select(table)):
                values += row
    return b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


async def begin(pending: PendingSignIns, account: Account) -> bytes:
    found = await pending.find(await pending.begin(account, SignInState.FACTOR_DUE))
    assert found is not None
    return found.id_hash


async def test_an_app_counts_once_it_gave_a_code(factors: SecondFactors, kim: Account, clock: Clock) -> None:
    setup = await factors.begin_app(OWNER, kim)
    assert not await factors.finish_app(OWNER, kim, "000000", KIM)
    assert (await factors.overview(kim.id)).count == 0
    code = totp.code_at(base64.b32decode(setup.secret), totp.step_of(clock.now_s))
    assert not await factors.finish_app(b"another browser".ljust(32), kim, code, KIM)
    assert await factors.finish_app(OWNER, kim, code, KIM)
    assert (await factors.overview(kim.id)).count == 1
    assert not await factors.finish_app(OWNER, kim, code, KIM), "the setup is over"


async def test_a_setup_expires(factors: SecondFactors, kim: Account, clock: Clock) -> None:
    setup = await factors.begin_app(OWNER, kim)
    clock.now_s += LASTS_S[Purpose.APP]
    code = totp.code_at(base64.b32decode(setup.secret), totp.step_of(clock.now_s))
    assert not await factors.finish_app(OWNER, kim, code, KIM)


async def test_the_database_has_neither_secret_nor_recovery_codes(
    store: Store, factors: SecondFactors, kim: Account, clock: Clock
) -> None:
    secret = await set_up_app(factors, kim, clock)
    codes = await factors.new_recovery_codes(kim, KIM)
    content = await stored_bytes(store)
    assert secret not in content
    assert totp.secret_text(secret).encode() not in content
    for code in codes:
        assert code.encode() not in content
        assert code.replace("-", "").encode() not in content


async def test_a_code_is_accepted_once(
    factors: SecondFactors, pending: PendingSignIns, kim: Account, clock: Clock
) -> None:
    secret = await set_up_app(factors, kim, clock)
    used = totp.code_at(secret, totp.step_of(clock.now_s))
    assert not await factors.accept_app_code(await begin(pending, kim), kim, used, KIM), "used for the setup"
    clock.now_s += 30
    code = totp.code_at(secret, totp.step_of(clock.now_s))
    assert await factors.accept_app_code(await begin(pending, kim), kim, code, KIM)
    assert not await factors.accept_app_code(await begin(pending, kim), kim, code, KIM)
    assert not await factors.accept_app_code(await begin(pending, kim), kim, used, KIM), (
        "older than the last one"
    )


async def test_of_two_processes_one_accepts_a_code(
    factors: SecondFactors,
    pending: PendingSignIns,
    second_store: Store,
    kim: Account,
    clock: Clock,
) -> None:
    secret = await set_up_app(factors, kim, clock)
    other = SecondFactors(second_store, KEY, now_s=clock)
    for _ in range(5):
        clock.now_s += 30
        code = totp.code_at(secret, totp.step_of(clock.now_s))
        first, second = await begin(pending, kim), await begin(pending, kim)
        accepted = await asyncio.gather(
            factors.accept_app_code(first, kim, code, KIM), other.accept_app_code(second, kim, code, KIM)
        )
        assert sorted(accepted) == [False, True]


async def test_an_accepted_code_ends_its_sign_in_and_a_wrong_one_does_not(
    factors: SecondFactors, pending: PendingSignIns, kim: Account, clock: Clock
) -> None:
    secret = await set_up_app(factors, kim, clock)
    clock.now_s += 30
    cookie = await pending.begin(kim, SignInState.FACTOR_DUE)
    found = await pending.find(cookie)
    assert found is not None
    assert not await factors.accept_app_code(found.id_hash, kim, "000000", KIM)
    assert await pending.find(cookie) is not None
    code = totp.code_at(secret, totp.step_of(clock.now_s))
    assert await factors.accept_app_code(found.id_hash, kim, code, KIM)
    assert await pending.find(cookie) is None
    clock.now_s += 30
    late = totp.code_at(secret, totp.step_of(clock.now_s))
    assert not await factors.accept_app_code(found.id_hash, kim, late, KIM), "the sign-in has ended"
    assert await factors.accept_app_code(await begin(pending, kim), kim, late, KIM), (
        "the code was not used up"
    )


async def test_a_recovery_code_works_once_and_new_ones_replace_all(
    factors: SecondFactors, pending: PendingSignIns, kim: Account
) -> None:
    first = await factors.new_recovery_codes(kim, KIM)
    assert await factors.accept_recovery_code(await begin(pending, kim), kim, first[0].lower(), KIM)
    assert not await factors.accept_recovery_code(await begin(pending, kim), kim, first[0], KIM)
    assert (await factors.overview(kim.id)).recovery_codes == 9
    second = await factors.new_recovery_codes(kim, KIM)
    assert (await factors.overview(kim.id)).recovery_codes == 10
    assert not await factors.accept_recovery_code(await begin(pending, kim), kim, first[1], KIM)
    assert await factors.accept_recovery_code(await begin(pending, kim), kim, second[1], KIM)


async def test_a_recovery_code_of_somebody_else_is_refused(
    factors: SecondFactors, pending: PendingSignIns, accounts: Accounts, kim: Account
) -> None:
    lee = await accounts.add("lee", PASSWORD)
    codes = await factors.new_recovery_codes(lee, Actor("lee"))
    assert not await factors.accept_recovery_code(await begin(pending, kim), kim, codes[0], KIM)


async def test_a_key_that_does_not_fit_is_reported(
    store: Store, factors: SecondFactors, pending: PendingSignIns, kim: Account, clock: Clock
) -> None:
    await set_up_app(factors, kim, clock)
    other = SecondFactors(store, FactorKey(b"1" * 32), now_s=clock)
    with pytest.raises(FactorKeyError):
        await other.accept_app_code(await begin(pending, kim), kim, "123456", KIM)


async def test_a_reset_removes_everything_and_is_recorded(
    store: Store,
    factors: SecondFactors,
    pending: PendingSignIns,
    accounts: Accounts,
    kim: Account,
    clock: Clock,
) -> None:
    await set_up_app(factors, kim, clock)
    await factors.new_recovery_codes(kim, KIM)
    cookie = await pending.begin(kim, SignInState.FACTOR_DUE)
    assert (await accounts.second_factors())[kim.id].recovery_codes == 10
    await accounts.reset_second_factor("kim")
    overview = await factors.overview(kim.id)
    assert (overview.count, overview.recovery_codes) == (0, 0)
    assert await pending.find(cookie) is None
    assert kim.id not in await accounts.second_factors()
    assert "second factor reset" in [event.action for event in await accounts.events("kim")]
    async with store.begin() as db:
        for table in ("totp_secrets", "recovery_codes", "passkeys", "factor_ceremonies"):
            assert (await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0


@pytest.mark.parametrize("change", ["password", "disable"])
async def test_a_pending_sign_in_ends_when_the_account_changes(
    pending: PendingSignIns, accounts: Accounts, kim: Account, change: str
) -> None:
    cookie = await pending.begin(kim, SignInState.FACTOR_DUE)
    if change == "password":
        await accounts.set_password("kim", PASSWORD + " staple")
    else:
        await accounts.disable("kim")
    assert await pending.find(cookie) is None
    with pytest.raises(SignInOutdatedError):
        await pending.begin(kim, SignInState.FACTOR_DUE)


async def test_pending_sign_ins_are_limited_and_expire(
    store: Store, pending: PendingSignIns, kim: Account, clock: Clock
) -> None:
    cookies = []
    for _ in range(25):
        clock.now_s += 1
        cookies.append(await pending.begin(kim, SignInState.FACTOR_DUE))
    assert [await pending.find(cookie) is not None for cookie in cookies] == [False] * 5 + [True] * 20
    clock.now_s += 10_000
    await pending.delete_expired()
    async with store.begin() as db:
        assert (await db.execute(text("SELECT count(*) FROM pending_sign_ins"))).scalar_one() == 0


async def test_many_wrong_codes_at_once_count_each(pending: PendingSignIns, kim: Account) -> None:
    id_hash = await begin(pending, kim)
    allowed = await asyncio.gather(*(pending.begin_attempt(id_hash) for _ in range(20)))
    assert allowed.count(True) == 5


async def test_an_account_that_is_deleted_leaves_nothing(
    store: Store, factors: SecondFactors, accounts: Accounts, kim: Account, clock: Clock
) -> None:
    await set_up_app(factors, kim, clock)
    await factors.new_recovery_codes(kim, KIM)
    await accounts.delete("kim")
    async with store.begin() as db:
        for table in ("totp_secrets", "recovery_codes"):
            assert (await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0
