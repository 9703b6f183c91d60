"""Tokens are hashed, expire, and never may more than they were given."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from display_server.broker.accounts import Accounts
from display_server.broker.api_tokens import DAY_S, PREFIX, USED_INTERVAL_S, ApiTokens, scopes_named
from display_server.broker.audit.reading import Filter, newest
from display_server.broker.scopes import FOR_PEOPLE, Scope
from display_server.broker.store import Store
from display_server.broker.tables import ApiToken
from display_server.errors import ConfigurationError
from tests.fakes.gateway import PASSWORD, cheap_passwords
from tests.fakes.person import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(store: Store, clock: Clock) -> ApiTokens:
    return ApiTokens(store, operator="root", now_s=clock)


async def test_a_token_is_found_by_its_secret_alone(store: Store, tokens: ApiTokens) -> None:
    info, secret = await tokens.create("Report", {Scope.AUDIT_READ}, expires_days=2, read_only=True)
    assert (info.name, info.scopes, info.read_only) == ("report", frozenset({Scope.AUDIT_READ}), True)
    assert secret.startswith(PREFIX)
    found = await tokens.find(secret)
    assert found is not None
    assert found.id == info.id
    for wrong in ("", PREFIX, secret[:-1], secret.removeprefix(PREFIX), f"{secret}x"):
        assert await tokens.find(wrong) is None
    async with store.reading() as db:
        row = (await db.scalars(select(ApiToken))).one()
        assert secret not in str(vars(row))
        rows = await newest(db, Filter(), 10)
    assert [(one.action, one.account, one.object) for one in rows] == [
        ("token-created", "root", "token:report")
    ]
    assert secret not in str(rows)


async def test_a_token_expires(tokens: ApiTokens, clock: Clock) -> None:
    _, secret = await tokens.create("report", (), expires_days=2)
    clock.now_s += 2 * DAY_S - 1
    assert await tokens.find(secret) is not None
    clock.now_s += 1
    assert await tokens.find(secret) is None
    assert await tokens.list_all() == []
    await tokens.create("report", (), expires_days=2)  # the name is free again


async def test_a_revoked_token_is_useless(tokens: ApiTokens) -> None:
    _, secret = await tokens.create("report", (), expires_days=2)
    await tokens.revoke("REPORT")
    assert await tokens.find(secret) is None
    with pytest.raises(ConfigurationError, match="no token named"):
        await tokens.revoke("report")


async def test_the_last_use_is_written_once_a_minute(tokens: ApiTokens, clock: Clock) -> None:
    info, secret = await tokens.create("report", (), expires_days=2)
    began_s = clock.now_s
    for after_s, used_s in ((0, began_s), (1, began_s), (USED_INTERVAL_S, began_s + USED_INTERVAL_S)):
        clock.now_s = began_s + after_s
        await tokens.find(secret)
        listed = await tokens.by_id(info.id)
        assert listed is not None
        assert listed.used_s == used_s


async def test_a_token_of_a_person_ends_with_the_account(store: Store, tokens: ApiTokens) -> None:
    accounts = Accounts(store, cheap_passwords())
    await accounts.add("kim", PASSWORD)
    info, secret = await tokens.create("report", (), expires_days=2, owner="kim")
    assert info.username == "kim"
    await accounts.disable("kim")
    assert await tokens.find(secret) is None
    await accounts.enable("kim")
    assert await tokens.find(secret) is not None
    await accounts.delete("kim")
    assert await tokens.find(secret) is None
    assert await tokens.list_all() == []


@pytest.mark.parametrize("days", [0, -1, 367, float("nan")])
async def test_a_token_has_to_expire(tokens: ApiTokens, days: float) -> None:
    with pytest.raises(ConfigurationError, match="has to expire"):
        await tokens.create("report", (), expires_days=days)


async def test_wrong_tokens_are_refused(tokens: ApiTokens) -> None:
    await tokens.create("report", (), expires_days=2)
    with pytest.raises(ConfigurationError, match="already"):
        await tokens.create("report", (), expires_days=2)
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        await tokens.create("a b", (), expires_days=2)
    with pytest.raises(ConfigurationError, match=r"only reads cannot have the scopes sessions\.act"):
        await tokens.create("b", {Scope.SESSIONS_ACT}, expires_days=2, read_only=True)
    with pytest.raises(ConfigurationError, match="cannot have the scope 'all'"):
        scopes_named(["all"])
    for scope in FOR_PEOPLE:
        with pytest.raises(ConfigurationError):
            scopes_named([scope.value])
