"""Web sessions: the browsers that are signed in, and whether their screens are locked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError

from display_server.broker.screen_lock import (
    OVERDUE_S,
    LockEvent,
    LockLimits,
    LockReason,
    LockState,
    ScreenLock,
)
from display_server.broker.store import Store
from display_server.broker.tables import Account, WebSession
from display_server.broker_link.cookies import hash_of
from display_server.errors import PolicyError

#: Random bytes in the cookie of a web session.
SECRET_BYTES = 32
#: A web session ends after this time without input, s.
IDLE_S = 30 * 60.0
#: A web session ends after this time in any case, s: one shift and its handover.
ABSOLUTE_S = 14 * 3600.0
#: The time of the last input is written only if it is later than the stored one by this time, s.
INPUT_INTERVAL_S = 1.0
#: Largest number of signed-in browsers per account. Beyond it, the one without input for longest is signed
#: out.
PER_ACCOUNT_MAX = 20


class SignInOutdatedError(PolicyError):
    """The account is not as it was when the password was verified."""


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """The person whom a request comes from.

    `id_hash` identifies the web session, but is of no use for signing in.
    """

    username: str
    display_name: str
    id_hash: bytes
    lock: ScreenLock
    #: No second factor was asked for because the address was in a listed network: nothing is open elsewhere.
    inside_only: bool = False


class WebSessions:
    """The web sessions in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        *,
        idle_s: float = IDLE_S,
        absolute_s: float = ABSOLUTE_S,
        lock: LockLimits = LockLimits(),  # noqa: B008 - frozen
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self.lock_limits = lock
        self.now_s = now_s

    def use_limits(self, *, idle_s: float, absolute_s: float, lock: LockLimits) -> None:
        """Replaces the limits, also for web sessions that exist."""
        self._idle_s, self._absolute_s, self.lock_limits = idle_s, absolute_s, lock

    async def create(self, account: Account, *, inside_only: bool = False) -> str:
        """Creates a web session and returns the value for the cookie, which is stored nowhere else.

        Raises SignInOutdatedError when the account was changed since `account` was verified: checking a
        password takes a while, in which an operator may have changed it or disabled the account.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = self.now_s()
        async with self._store.begin() as db:
            db.add(
                WebSession(
                    id_hash=hash_of(secret),
                    account_id=account.id,
                    created_s=now,
                    input_s=now,
                    proved_s=now,
                    inside_only=inside_only,
                )
            )
            try:
                await db.flush()
            except IntegrityError as error:  # the account was deleted
                raise _outdated() from error
            # From here on this transaction holds the lock for writing: a change of the account is either seen
            # now, or ends this web session afterwards.
            present = await db.get(Account, account.id)
            if present is None or present.disabled or present.password_hash != account.password_hash:
                raise _outdated()
            surplus = (
                await db.scalars(
                    select(WebSession.id_hash)
                    .where(WebSession.account_id == account.id)
                    .order_by(WebSession.input_s.desc())
                    .offset(PER_ACCOUNT_MAX)
                )
            ).all()
            await db.execute(delete(WebSession).where(WebSession.id_hash.in_(surplus)))
        return secret

    async def find(self, secret: str) -> SignedInUser | None:
        """Returns the person who holds this cookie, or None when it is wrong, expired or revoked.

        The screen of that person may be locked. The call is no sign that they are there.
        """
        return await self.find_by_hash(hash_of(secret)) if secret else None

    async def find_by_hash(self, id_hash: bytes) -> SignedInUser | None:
        """Does the same as `find`, for the hash of a cookie."""
        now = self.now_s()
        async with self._store.reading() as db:  # nearly always, and so without waiting for those that write
            row = (
                await db.execute(
                    select(WebSession, Account)
                    .join(Account, Account.id == WebSession.account_id)
                    .where(WebSession.id_hash == id_hash)
                )
            ).one_or_none()
        if row is None:
            return None
        web_session, account = row
        if (
            account.disabled
            or now - web_session.input_s >= self._idle_s
            or now - web_session.created_s >= self._absolute_s
        ):
            await self.delete(id_hash)
            return None
        lock = lock_of(web_session).at(now, self.lock_limits, overdue_s=OVERDUE_S)
        if lock != lock_of(web_session):
            async with self._store.begin() as db:
                present = await db.get(WebSession, id_hash)
                if present is None:
                    return None
                lock = lock_of(present).at(now, self.lock_limits, overdue_s=OVERDUE_S)
                _write(present, lock, now)
        return SignedInUser(account.username, account.display_name, id_hash, lock, web_session.inside_only)

    async def unlocked(self) -> dict[bytes, ScreenLock]:
        """Returns the locks of all web sessions that are not locked, by their hash."""
        async with self._store.reading() as db:
            rows = await db.scalars(select(WebSession).where(WebSession.locked_s.is_(None)))
            return {row.id_hash: lock_of(row) for row in rows}

    async def record_inputs(self, inputs: Mapping[bytes, float]) -> None:
        """Records when a person last gave input, by the hash of the web session. Locked ones stay locked."""
        if not inputs:
            return
        async with self._store.begin() as db:
            rows = await db.scalars(select(WebSession).where(WebSession.id_hash.in_(list(inputs))))
            for row in rows:
                at_s = inputs[row.id_hash]
                if at_s - row.input_s >= INPUT_INTERVAL_S:
                    _write(row, lock_of(row).after(LockEvent.INPUT, at_s), at_s)

    async def lock_idle(self) -> list[bytes]:
        """Locks the web sessions without input for the configured time, and returns their hashes.

        The caller has recorded the newest input before.
        """
        now = self.now_s()
        async with self._store.begin() as db:
            rows = await db.scalars(
                select(WebSession).where(
                    WebSession.locked_s.is_(None), WebSession.input_s <= now - self.lock_limits.after_s
                )
            )
            locked = []
            for row in rows:
                _write(row, lock_of(row).at(now, self.lock_limits), now)
                locked.append(row.id_hash)
        return locked

    async def change_lock(self, id_hash: bytes, event: LockEvent) -> ScreenLock | None:
        """Applies an event to the lock of a web session and returns it, or None when there is none."""
        now = self.now_s()
        async with self._store.begin() as db:
            row = await db.get(WebSession, id_hash)
            if row is None:
                return None
            lock = lock_of(row).after(event, now)
            _write(row, lock, now)
            return lock

    async def signed_in(self, username: str) -> bool:
        """Returns whether the person is signed in in any browser."""
        now = self.now_s()
        async with self._store.begin() as db:
            found = await db.scalar(
                select(WebSession.id_hash)
                .join(Account, Account.id == WebSession.account_id)
                .where(Account.username == username)
                .where(WebSession.input_s > now - self._idle_s, WebSession.created_s > now - self._absolute_s)
                .limit(1)
            )
        return found is not None

    async def delete(self, id_hash: bytes) -> None:
        async with self._store.begin() as db:
            await db.execute(delete(WebSession).where(WebSession.id_hash == id_hash))

    async def delete_expired(self) -> None:
        now = self.now_s()
        async with self._store.begin() as db:
            await db.execute(
                delete(WebSession).where(
                    or_(
                        WebSession.input_s <= now - self._idle_s,
                        WebSession.created_s <= now - self._absolute_s,
                    )
                )
            )


def _outdated() -> SignInOutdatedError:
    return SignInOutdatedError("The account was changed during this sign-in.", next_step="Sign in again.")


def lock_of(row: WebSession) -> ScreenLock:
    """Returns the lock that a row describes."""
    if row.locked_s is None:
        return ScreenLock(row.input_s, row.proved_s)
    return ScreenLock(row.input_s, row.proved_s, LockState.LOCKED, LockReason(row.lock_reason))


def _write(row: WebSession, lock: ScreenLock, now_s: float) -> None:
    """Writes a lock into its row. Only changes cause a write of the database."""
    row.input_s, row.proved_s = lock.input_s, lock.proved_s
    row.locked_s = (row.locked_s if row.locked_s is not None else now_s) if lock.locked else None
    row.lock_reason = lock.reason.value if lock.reason else None
