"""Sign-ins whose password was right and whose second factor is due. They open nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.second_factor import ceremonies
from display_server.broker.second_factor.sign_in_state import (
    LASTS_S,
    WRONG_MAX,
    SignInEvent,
    SignInProgress,
    SignInState,
)
from display_server.broker.store import Store
from display_server.broker.tables import Account, PendingSignIn
from display_server.broker.web_sessions import Bind, SignInOutdatedError
from display_server.broker_link.cookies import hash_of

#: Random bytes in the cookie of a pending sign-in.
SECRET_BYTES = 32
#: Largest number of pending sign-ins per account. Beyond it, the oldest ones end.
PER_ACCOUNT_MAX = 20


@dataclass(frozen=True, slots=True)
class PendingPerson:
    """The person whose password was right in a browser.

    `unlocks` is the hash of the web session whose screen the second factor unlocks; None: it signs in.
    """

    id_hash: bytes
    account: Account
    progress: SignInProgress
    unlocks: bytes | None


class PendingSignIns:
    """The pending sign-ins in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self.now_s = now_s

    async def begin(
        self,
        account: Account,
        state: SignInState,
        *,
        unlocks: bytes | None = None,
        bind: Bind | None = None,
    ) -> str:
        """Stores that the password of `account` was right. Returns the value for the cookie.

        `bind` stores what else belongs to it. Raises SignInOutdatedError when the account was changed since
        it was verified.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        async with self._store.begin() as db:
            await db.execute(
                delete(PendingSignIn).where(
                    PendingSignIn.id_hash.in_(
                        select(PendingSignIn.id_hash)
                        .where(PendingSignIn.account_id == account.id)
                        .order_by(PendingSignIn.entered_s.desc())
                        .offset(PER_ACCOUNT_MAX - 1)
                    )
                )
            )
            # This transaction now holds the lock for writing: a change of the account is either seen here, or
            # deletes this row afterwards.
            present = await db.get(Account, account.id)
            if present is None or present.disabled or present.password_hash != account.password_hash:
                raise SignInOutdatedError(
                    "The account was changed during this sign-in.", next_step="Sign in again."
                )
            db.add(
                PendingSignIn(
                    id_hash=hash_of(secret),
                    account_id=account.id,
                    state=state.value,
                    entered_s=self.now_s(),
                    wrong=0,
                    unlocks=unlocks,
                )
            )
            if bind is not None:
                await bind(db, hash_of(secret))
        return secret

    async def find(self, secret: str) -> PendingPerson | None:
        """Returns whose sign-in this cookie continues, or None when it is unknown or has expired."""
        if not secret:
            return None
        async with self._store.begin() as db:
            row = (
                await db.execute(
                    select(PendingSignIn, Account)
                    .join(Account, Account.id == PendingSignIn.account_id)
                    .where(PendingSignIn.id_hash == hash_of(secret))
                )
            ).one_or_none()
        if row is None:
            return None
        pending, account = row
        progress = SignInProgress(SignInState(pending.state), pending.entered_s, pending.wrong)
        progress = progress.at(self.now_s())
        if account.disabled or progress.state is SignInState.PASSWORD_DUE:
            await self.end(pending.id_hash)
            return None
        return PendingPerson(pending.id_hash, account, progress, pending.unlocks)

    async def begin_attempt(self, id_hash: bytes) -> bool:
        """Counts an attempt, before the code is looked at, so that many at once cannot exceed the limit.

        Returns whether it is allowed.
        """
        async with self._store.begin() as db:
            counted = await db.scalar(
                update(PendingSignIn)
                .where(PendingSignIn.id_hash == id_hash, PendingSignIn.wrong < WRONG_MAX)
                .values(wrong=PendingSignIn.wrong + 1)
                .returning(PendingSignIn.wrong)
            )
        return counted is not None

    async def attempt_failed(self, pending: PendingPerson) -> bool:
        """Returns whether the person may try again. If not, the password is due again."""
        goes_on = pending.progress.after(SignInEvent.FACTOR_WRONG).state is not SignInState.PASSWORD_DUE
        if not goes_on:
            await self.end(pending.id_hash)
        return goes_on

    async def end(self, id_hash: bytes) -> None:
        """Forgets a pending sign-in."""
        async with self._store.begin() as db:
            await claim(db, id_hash)

    async def delete_expired(self) -> None:
        """Deletes those whose time has passed, and what was awaited from their browsers."""
        now = self.now_s()
        async with self._store.begin() as db:
            await db.execute(
                delete(PendingSignIn).where(
                    or_(
                        PendingSignIn.entered_s <= now - max(LASTS_S.values()),
                        PendingSignIn.entered_s > now,
                    )
                )
            )
            await ceremonies.delete_expired(db, now)


async def claim(db: AsyncSession, id_hash: bytes) -> bool:
    """Ends a pending sign-in within a transaction. Returns False when it has ended before."""
    ended = await db.scalar(
        delete(PendingSignIn).where(PendingSignIn.id_hash == id_hash).returning(PendingSignIn.id_hash)
    )
    return ended is not None
