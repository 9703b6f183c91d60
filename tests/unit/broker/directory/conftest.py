"""An authenticator with a directory of the test, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from display_server.broker.accounts import Accounts
from display_server.broker.directory.accounts import DirectoryAccounts
from display_server.broker.directory.authenticator import DirectoryAuthenticator
from display_server.broker.directory.cached_passwords import CachedPasswords
from display_server.broker.directory.watch import LeaverWatch
from display_server.broker.passwords import Passwords
from display_server.broker.store import Store
from display_server.broker.tables import Account, AuditRow, DirectoryAccount
from display_server.broker.web_sessions import WebSessions
from tests.fakes.directory import FakeDirectory
from tests.fakes.gateway import cheap_passwords
from tests.unit.broker.directory.settings import person


@dataclass
class Clock:
    now_s: float = 1_000_000.0
    slept_s: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)


@dataclass
class Hospital:
    """Everything around one authenticator. The directory has kim and lee."""

    store: Store
    passwords: Passwords
    clock: Clock
    directory: FakeDirectory = field(default_factory=lambda: FakeDirectory([person("kim"), person("lee")]))
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    disconnected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.store, self.passwords)
        self.directory_accounts = DirectoryAccounts(self.store, now_s=self.clock)
        self.cached = CachedPasswords(self.store, self.passwords, 0, now_s=self.clock)
        self.web_sessions = WebSessions(self.store, now_s=self.clock)
        self.authenticator = DirectoryAuthenticator(
            self.directory,
            self.accounts,
            self.directory_accounts,
            self.cached,
            domains=frozenset({"hospital"}),
            record_groups=self._record_groups,
            monotonic_s=self.clock,
            sleep=self.clock.sleep,
        )
        self.watch = LeaverWatch(
            self.directory, self.directory_accounts, self.cached, self.disconnected.append
        )

    async def _record_groups(self, account: Account, groups: tuple[str, ...]) -> None:
        self.groups[account.username] = groups

    async def verify(self, username: str = "kim", password: str = "right password") -> Account | None:
        return await self.authenticator.verify(username, password, known_device=False)

    async def sign_in(self, username: str = "kim") -> str:
        """Signs somebody in and returns the cookie."""
        account = await self.verify(username)
        assert account is not None
        return await self.web_sessions.create(account)

    async def is_signed_in(self, cookie: str) -> bool:
        return await self.web_sessions.find(cookie) is not None

    async def audited(self) -> list[tuple[str, str | None, str | None]]:
        """Returns action, account and reason of all entries of the audit."""
        async with self.store.begin() as db:
            rows = await db.execute(
                select(AuditRow.action, AuditRow.account, AuditRow.reason).order_by(AuditRow.seq)
            )
            return [(action, account, reason) for action, account, reason in rows]

    async def cached_hash(self, username: str = "kim") -> str | None:
        account = await self.accounts.require(username)
        async with self.store.begin() as db:
            row = await db.get(DirectoryAccount, account.id)
            assert row is not None
            return row.password_hash


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = cheap_passwords()
    yield passwords
    passwords.close()


@pytest.fixture
def hospital(folder: Path, store: Store, passwords: Passwords) -> Hospital:
    return Hospital(store, passwords, Clock())
