from __future__ import annotations

import asyncio
import threading
import unicodedata

import pytest
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import text

from display_server.broker import passwords as passwords_module
from display_server.broker.accounts import Accounts
from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.passwords import QUEUE_MAX, WORKERS, Passwords, TooManySignIns
from display_server.broker.screen_lock import LockLimits
from display_server.broker.store import Store
from display_server.broker.tables import Account, AccountEvent
from display_server.broker.web_sessions import (
    ABSOLUTE_S,
    IDLE_S,
    PER_ACCOUNT_MAX,
    SignInOutdatedError,
    WebSessions,
)
from display_server.broker_link.cookies import hash_of
from display_server.errors import ConfigurationError, PolicyError
from tests.fakes.gateway import PASSWORD, cheap_passwords

#: Locks no screen in the time of a test.
NEVER = LockLimits(after_s=1e9)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store, cheap_passwords())


async def test_verifies_username_and_password(accounts: Accounts) -> None:
    await accounts.add("Kim", PASSWORD)
    found = await accounts.verify("KIM", PASSWORD)
    assert found is not None
    assert found.username == "kim"
    assert found.password_hash.startswith("$argon2id$")
    assert await accounts.verify("kim", PASSWORD + "x") is None
    assert await accounts.verify("lee", PASSWORD) is None


async def test_accepts_decomposed_hangul_passwords(accounts: Accounts) -> None:
    password = "안녕하세요-반갑습니다"
    await accounts.add("kim", password)
    assert await accounts.verify("kim", unicodedata.normalize("NFD", password)) is not None


async def test_checks_a_hash_for_unknown_accounts_too(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    original = Passwords._check

    def counting(self: Passwords, stored: str | None, password: str) -> bool:
        checked.append(stored)
        return original(self, stored, password)

    monkeypatch.setattr(Passwords, "_check", counting)
    await accounts.add("kim", PASSWORD)
    await accounts.verify("kim", "wrong password")
    await accounts.verify("nobody", "wrong password")
    await accounts.verify("kim", "x" * 5000)
    assert len(checked) == 3
    assert checked[1:] == [None, None]


async def test_the_dummy_hash_is_checked_in_full() -> None:
    """A malformed hash would be rejected faster, which would reveal that the account is missing."""
    passwords = cheap_passwords()
    with pytest.raises(VerifyMismatchError):
        passwords._hasher.verify(passwords._dummy_hash, b"anything")
    assert not passwords.needs_rehash(passwords._dummy_hash)


async def test_renews_hashes_made_with_other_parameters(store: Store) -> None:
    await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    accounts = Accounts(store, Passwords(time_cost=2, memory_kib=64, lanes=1))
    assert await accounts.verify("kim", PASSWORD) is not None
    renewed = await accounts.find("kim")
    assert renewed is not None
    assert "t=2" in renewed.password_hash
    assert await accounts.verify("kim", PASSWORD) is not None


@pytest.mark.parametrize("username", ["", "a b", "../x", "한글", "-x", "x" * 65, "a\r\nb"])
async def test_rejects_invalid_usernames(accounts: Accounts, username: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a username"):
        await accounts.add(username, PASSWORD)


async def test_rejects_invalid_passwords_and_duplicate_accounts(accounts: Accounts) -> None:
    for password in ("short", "x" * 2000):
        with pytest.raises(ConfigurationError):
            await accounts.add("kim", password)
    await accounts.add("kim", PASSWORD)
    with pytest.raises(ConfigurationError, match="already"):
        await accounts.add("kim", PASSWORD)
    with pytest.raises(ConfigurationError, match="no account"):
        await accounts.set_password("lee", PASSWORD)


async def test_a_new_password_ends_all_web_sessions(accounts: Accounts, store: Store) -> None:
    account = await accounts.add("kim", PASSWORD)
    web_sessions = WebSessions(store)
    secret = await web_sessions.create(account)
    assert await web_sessions.find(secret) is not None
    await accounts.set_password("kim", PASSWORD + "!")
    assert await web_sessions.find(secret) is None


async def test_a_disabled_account_can_neither_sign_in_nor_use_a_web_session(
    accounts: Accounts, store: Store
) -> None:
    account = await accounts.add("kim", PASSWORD)
    web_sessions = WebSessions(store)
    secret = await web_sessions.create(account)
    await accounts.disable("KIM")
    assert await accounts.verify("kim", PASSWORD) is None
    assert await web_sessions.find(secret) is None
    assert not await accounts.may_start_desktops("kim")
    await accounts.enable("kim")
    assert await accounts.verify("kim", PASSWORD) is not None
    assert await web_sessions.find(secret) is None, "enabling does not bring back what was signed out"
    assert await accounts.may_start_desktops("kim")


async def test_a_sign_in_that_was_verified_before_a_change_of_the_account_is_outdated(
    accounts: Accounts, store: Store
) -> None:
    """Checking a password takes a while, in which an operator may have changed it."""
    await accounts.add("kim", PASSWORD)
    web_sessions = WebSessions(store)

    async def verified(password: str) -> Account:
        account = await accounts.verify("kim", password)
        assert account is not None
        return account

    before = await verified(PASSWORD)
    await accounts.set_password("kim", "another password")
    with pytest.raises(SignInOutdatedError):
        await web_sessions.create(before)
    before = await verified("another password")
    await accounts.disable("kim")
    with pytest.raises(SignInOutdatedError):
        await web_sessions.create(before)
    await accounts.enable("kim")
    before = await verified("another password")
    await accounts.delete("kim")
    with pytest.raises(SignInOutdatedError):
        await web_sessions.create(before)
    async with store.begin() as db:
        assert (await db.execute(text("SELECT count(*) FROM web_sessions"))).scalar_one() == 0


async def test_a_renewed_hash_does_not_make_a_sign_in_outdated(store: Store) -> None:
    await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    accounts = Accounts(store, Passwords(time_cost=2, memory_kib=64, lanes=1))
    account = await accounts.verify("kim", PASSWORD)
    assert account is not None
    assert await WebSessions(store).create(account)


async def test_a_deleted_account_is_gone_with_its_web_sessions(accounts: Accounts, store: Store) -> None:
    account = await accounts.add("kim", PASSWORD)
    secret = await WebSessions(store).create(account)
    await accounts.delete("kim")
    assert await accounts.find("kim") is None
    assert await accounts.verify("kim", PASSWORD) is None
    assert await WebSessions(store).find(secret) is None
    assert not await accounts.may_start_desktops("kim")
    for change in (accounts.delete, accounts.disable, accounts.enable, accounts.require):
        with pytest.raises(ConfigurationError, match="no account"):
            await change("kim")


async def test_records_what_was_done_to_an_account_and_by_whom(store: Store) -> None:
    accounts = Accounts(store, cheap_passwords(), operator="park", now_s=lambda: 12.5)
    await accounts.add("kim", PASSWORD)
    await accounts.set_password("kim", "another password")
    for change in (accounts.disable, accounts.disable, accounts.enable, accounts.delete):
        await change("kim")  # the second `disable` changes nothing and is not recorded
    await accounts.add("lee", PASSWORD)
    events = await accounts.events("KIM")
    assert [event.action for event in reversed(events)] == [
        "added",
        "password changed",
        "disabled",
        "enabled",
        "deleted",
    ]
    assert {(event.operator, event.at_s) for event in events} == {("park", 12.5)}
    assert len(await accounts.events()) == 6
    async with store.begin() as db:
        recorded = (await db.execute(text("SELECT * FROM audit_entries"))).all()
    assert "another password" not in str(recorded)


async def test_lists_what_was_done_before_there_was_an_audit(store: Store) -> None:
    async with store.begin() as db:
        db.add(AccountEvent(username="kim", at_s=1.5, action="added", operator="park"))
    accounts = Accounts(store, cheap_passwords(), operator="lim", now_s=lambda: 12.5)
    await accounts.add("lee", PASSWORD)
    found = [(event.username, event.action, event.operator, event.at_s) for event in await accounts.events()]
    assert found == [("lee", "added", "lim", 12.5), ("kim", "added", "park", 1.5)]
    assert [event.username for event in await accounts.events("KIM")] == ["kim"]


async def test_rejects_sign_ins_beyond_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords_module, "QUEUE_MAX", 0)
    passwords = cheap_passwords()
    answers = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(answer, TooManySignIns) for answer in answers) == 6


async def test_known_devices_are_checked_first_and_have_a_queue_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = threading.Event()
    order: list[str] = []

    def check(_passwords: Passwords, _stored: str | None, password: str) -> bool:
        gate.wait()
        order.append(password)
        return False

    monkeypatch.setattr(Passwords, "_check", check)
    passwords = cheap_passwords()
    guesses = [passwords.check(None, "a guess") for _ in range(WORKERS + QUEUE_MAX)]
    strangers = [asyncio.ensure_future(guess) for guess in guesses]
    await asyncio.sleep(0)
    with pytest.raises(TooManySignIns):
        await passwords.check(None, "one guess more")
    known = asyncio.ensure_future(passwords.check(None, "a known device", known_device=True))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*strangers, known)
    assert order.index("a known device") < 2 * WORKERS, "only those that had begun are before it"


async def test_web_sessions_expire_without_input_and_by_age(accounts: Accounts, store: Store) -> None:
    clock = Clock()
    account = await accounts.add("kim", PASSWORD)
    web_sessions = WebSessions(store, lock=NEVER, now_s=clock)
    secret = await web_sessions.create(account)
    async with store.begin() as db:
        kept = (await db.execute(text("SELECT id_hash FROM web_sessions"))).scalar_one()
    assert secret.encode() not in kept
    clock.now_s += IDLE_S - 1
    await web_sessions.record_inputs({hash_of(secret): clock.now_s})
    clock.now_s += IDLE_S - 1
    assert await web_sessions.find(secret) is not None
    clock.now_s += 1
    assert await web_sessions.find(secret) is None, "requests are no input"

    secret = await web_sessions.create(account)
    began = clock.now_s
    while clock.now_s - began < ABSOLUTE_S:
        assert await web_sessions.find(secret) is not None
        clock.now_s += IDLE_S / 2
        await web_sessions.record_inputs({hash_of(secret): clock.now_s})
    assert await web_sessions.find(secret) is None


async def test_limits_the_web_sessions_of_an_account(accounts: Accounts, store: Store) -> None:
    clock = Clock()
    account = await accounts.add("kim", PASSWORD)
    web_sessions = WebSessions(store, now_s=clock)
    secrets = []
    for _ in range(PER_ACCOUNT_MAX + 1):
        clock.now_s += 1
        secrets.append(await web_sessions.create(account))
    assert await web_sessions.find(secrets[0]) is None
    assert await web_sessions.find(secrets[1]) is not None
    clock.now_s += IDLE_S
    await web_sessions.delete_expired()
    async with store.begin() as db:
        assert (await db.execute(text("SELECT count(*) FROM web_sessions"))).scalar_one() == 0


@pytest.mark.parametrize("secret", ["", "x", "\udcff", "x" * 10_000])
async def test_rejects_invalid_cookies(store: Store, secret: str) -> None:
    assert await WebSessions(store).find(secret) is None


async def test_entitlements_are_empty_by_default_and_follow_the_configuration(store: Store) -> None:
    catalogue = Catalogue(store)
    one = DesktopDefinition("one", "One", "blank", 800, 600, ("kim",))
    two = DesktopDefinition("two", "Two", "blank", 800, 600, ("*",))
    await catalogue.replace([two, one])
    assert [desktop.name for desktop in await catalogue.list_allowed("kim")] == ["two", "one"]
    assert [desktop.name for desktop in await catalogue.list_allowed("lee")] == ["two"]
    await catalogue.replace([one])
    assert [desktop.name for desktop in await catalogue.list_allowed("lee")] == []
    assert (await catalogue.find("kim", "one")).width_px == 800
    for username, name in (("lee", "one"), ("kim", "two"), ("kim", "none")):
        with pytest.raises(PolicyError):
            await catalogue.find(username, name)
