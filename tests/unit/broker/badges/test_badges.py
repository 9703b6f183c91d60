"""Badges in the store: hashes alone, PINs with few tries, and revocation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from display_server.broker.accounts import Accounts
from display_server.broker.audit.actor import operator_actor
from display_server.broker.audit.entry import Action
from display_server.broker.badges.badge_state import BadgeFacts
from display_server.broker.badges.badges import Badges, TappedBadge
from display_server.broker.passwords import Passwords
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.store import Store
from display_server.broker.tables import AuditRow, Badge
from display_server.broker.web_sessions import WebSessions
from display_server.broker_link.cookies import hash_of
from display_server.errors import ConfigurationError
from tests.fakes.gateway import PASSWORD, cheap_passwords
from tests.fakes.person import Clock

KEY = FactorKey(bytes(32))
PARK = operator_actor("park")
NUMBER, OTHER = "0012345678", "0087654321"
TRIES = 3


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    passwords = cheap_passwords()
    yield passwords
    passwords.close()


@pytest.fixture
async def badges(store: Store, passwords: Passwords, clock: Clock) -> Badges:
    for username in ("kim", "lee"):
        await Accounts(store, passwords).add(username, PASSWORD)
    return Badges(store, KEY, passwords, now_s=clock)


async def with_pin(badges: Badges, pin: str = "4071") -> TappedBadge:
    await badges.add("kim", f";{NUMBER}", "blue card", PARK)
    tapped = await badges.find(NUMBER)
    assert tapped is not None
    await badges.set_pin(tapped, pin, address="10.0.3.7", device_id="d")
    return await found(badges)


async def found(badges: Badges) -> TappedBadge:
    tapped = await badges.find(NUMBER)
    assert tapped is not None
    return tapped


async def test_a_badge_has_one_person(badges: Badges) -> None:
    listed = await badges.add("Kim", NUMBER, "blue card", PARK)
    assert (listed.username, listed.label, listed.has_pin) == ("kim", "blue card", False)
    assert (await found(badges)).account.username == "kim"
    assert await badges.find(OTHER) is None
    with pytest.raises(ConfigurationError, match="belongs to kim"):
        await badges.add("lee", NUMBER, "", PARK)
    with pytest.raises(ConfigurationError, match="no account"):
        await badges.add("nobody", OTHER, "", PARK)


async def test_the_database_has_neither_numbers_nor_pins(store: Store, badges: Badges) -> None:
    await with_pin(badges)
    async with store.reading() as db:
        row = (await db.scalars(select(Badge))).one()
        audit = " ".join(row.reason or "" for row in await db.scalars(select(AuditRow)))
    assert NUMBER not in audit
    assert row.number_hash == KEY.hash_badge(NUMBER) != FactorKey(bytes(31) + b"\1").hash_badge(NUMBER)
    assert row.pin_hash.startswith("$argon2id$")
    assert not await cheap_passwords().check(row.pin_hash, "4071"), "the key is part of what is hashed"


async def test_a_pin_has_few_tries_and_a_reset_gives_new_ones(badges: Badges) -> None:
    tapped = await with_pin(badges)
    assert await badges.give_pin(tapped, "4072", TRIES) is False
    assert await badges.give_pin(tapped, "4071", TRIES) is True
    assert (await found(badges)).facts.wrong == 0
    assert [await badges.give_pin(tapped, "4072", TRIES) for _ in range(TRIES)] == [False, False, None]
    assert await badges.give_pin(tapped, "4071", TRIES) is None, "the right one comes too late"
    await badges.reset_pin(tapped.id, PARK)
    assert (await found(badges)).facts == BadgeFacts(has_pin=False)


async def test_many_attempts_at_once_do_not_exceed_the_tries(badges: Badges) -> None:
    tapped = await with_pin(badges)
    answers = await asyncio.gather(*(badges.give_pin(tapped, f"50{n:02}", TRIES) for n in range(8)))
    assert answers.count(False) < TRIES
    assert (await found(badges)).facts.wrong == TRIES


async def test_an_outdated_tap_sets_no_pin_and_accepts_none(badges: Badges) -> None:
    await badges.add("kim", NUMBER, "", PARK)
    first = await found(badges)
    assert await badges.set_pin(first, "4071", address="", device_id="d")
    assert not await badges.set_pin(first, "5082", address="", device_id="d")
    tapped = await found(badges)
    assert await badges.give_pin(tapped, "4071", TRIES) is True
    await badges.reset_pin(tapped.id, PARK)
    assert await badges.give_pin(tapped, "4071", TRIES) is None


async def test_a_revoked_badge_opens_nothing_and_ends_what_it_opened(store: Store, badges: Badges) -> None:
    tapped = await with_pin(badges)
    web_sessions = WebSessions(store)
    by_badge = await web_sessions.create(tapped.account, by_badge=True)
    by_password = await web_sessions.create(tapped.account)
    listed, ended = await badges.revoke(tapped.id, PARK)
    assert (listed.username, ended) == ("kim", [hash_of(by_badge)])
    assert await badges.find(NUMBER) is None
    assert not await badges.record_use(tapped)
    assert await web_sessions.find(by_badge) is None
    assert await web_sessions.find(by_password) is not None
    assert await badges.list_all() == []
    assert [badge.username for badge in await badges.list_all(revoked=True)] == ["kim"]
    with pytest.raises(ConfigurationError, match="no badge"):
        await badges.revoke(tapped.id, PARK)
    assert (await badges.add("lee", NUMBER, "", PARK)).username == "lee", "found again, for somebody else"


async def test_every_act_is_in_the_audit(store: Store, badges: Badges) -> None:
    tapped = await with_pin(badges)
    await badges.reset_pin(tapped.id, PARK)
    await badges.revoke(tapped.id, PARK)
    async with store.reading() as db:
        rows = (await db.scalars(select(AuditRow).order_by(AuditRow.seq))).all()
    acts = [(row.action, row.account, row.object) for row in rows if row.action.startswith("badge-")]
    badge = f"badge:{tapped.id}"
    assert acts == [
        (Action.BADGE_ADDED.value, "park", badge),
        (Action.BADGE_PIN_SET.value, "kim", badge),
        (Action.BADGE_PIN_RESET.value, "park", badge),
        (Action.BADGE_REVOKED.value, "park", badge),
    ]
