"""The second factors of people: authenticator apps and recovery codes, and what they have altogether."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import segno
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action
from display_server.broker.second_factor import ceremonies, recovery_codes, totp
from display_server.broker.second_factor.ceremonies import Purpose
from display_server.broker.second_factor.events import record
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.second_factor.pending_sign_ins import claim
from display_server.broker.store import Store
from display_server.broker.tables import Account, Passkey, RecoveryCode, TotpSecret

#: What the audit says that an act was done to.
APP, RECOVERY_CODE = "second-factor:app", "second-factor:recovery-code"
#: What apps show beside the code.
ISSUER = "Lightbox"


@dataclass(frozen=True, slots=True)
class PasskeyInfo:
    """A passkey, as its person sees it. Times are in seconds since the epoch."""

    id: int
    name: str
    rp_id: str
    created_s: float
    used_s: float | None


@dataclass(frozen=True, slots=True)
class FactorOverview:
    """What a person has. Recovery codes alone are no second factor."""

    app_since_s: float | None
    app_used_s: float | None
    passkeys: tuple[PasskeyInfo, ...]
    recovery_codes: int  # not used yet

    @property
    def count(self) -> int:
        """How many factors the person has."""
        return (self.app_since_s is not None) + len(self.passkeys)

    def methods(self, rp_id: str | None) -> list[str]:
        """Returns by what the person can sign in at a server that browsers know as `rp_id`."""
        found = []
        if any(passkey.rp_id == rp_id for passkey in self.passkeys):
            found.append("passkey")
        if self.app_since_s is not None:
            found.append("app")
        if self.recovery_codes:
            found.append("recovery")
        return found


@dataclass(frozen=True, slots=True)
class AppEnrolment:
    """What a person gives to their app: a QR code of rows of `0` and `1`, or its secret as text."""

    secret: str
    uri: str
    rows: tuple[str, ...]


class _NotAcceptedError(Exception):
    """Rolls back a transaction in which a code turned out to be used up."""


class SecondFactors:
    """Apps and recovery codes in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, key: FactorKey, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._key = key
        self._now_s = now_s

    async def overview(self, account_id: int) -> FactorOverview:
        """Returns what a person has."""
        async with self._store.begin() as db:
            return await overview_of(db, account_id)

    async def begin_app(self, owner: bytes, account: Account) -> AppEnrolment:
        """Makes a secret for a new app, which counts only once `finish_app` got a code of it."""
        secret = totp.new_secret()
        async with self._store.begin() as db:
            stored = self._key.encrypt(secret, owner_of(account.id))
            await ceremonies.begin(db, owner, account.id, Purpose.APP, stored, self._now_s())
        uri = totp.provisioning_uri(secret, account.username, ISSUER)
        rows = tuple("".join(map(str, row)) for row in segno.make(uri, error="m", micro=False).matrix)
        return AppEnrolment(totp.secret_text(secret), uri, rows)

    async def finish_app(self, owner: bytes, account: Account, code: str, actor: Actor) -> bool:
        """Takes the new app into use, in the place of the one before. Returns False if the code is wrong.

        Raises FactorKeyError.
        """
        now = self._now_s()
        async with self._store.begin() as db:
            stored = await ceremonies.read(db, owner, account.id, Purpose.APP, now)
        if stored is None:
            return False
        step = totp.matching_step(self._key.decrypt(stored, owner_of(account.id)), code, now)
        if step is None:
            return False
        async with self._store.begin() as db:
            if await ceremonies.take(db, owner, account.id, Purpose.APP, now) is None:
                return False
            await db.execute(delete(TotpSecret).where(TotpSecret.account_id == account.id))
            db.add(
                TotpSecret(account_id=account.id, secret=stored, last_step=step, created_s=now, used_s=None)
            )
            await record(db, Action.SECOND_FACTOR_ADDED, now, actor, APP)
        await self._store.save_copy()
        return True

    async def remove_app(self, account: Account, actor: Actor) -> None:
        """Removes the app. Does nothing if there is none."""
        async with self._store.begin() as db:
            removed = await db.scalar(
                delete(TotpSecret).where(TotpSecret.account_id == account.id).returning(TotpSecret.account_id)
            )
            if removed is not None:
                await record(db, Action.SECOND_FACTOR_REMOVED, self._now_s(), actor, APP)
        await self._store.save_copy()

    async def accept_app_code(self, pending_id: bytes, account: Account, code: str, actor: Actor) -> bool:
        """Ends a pending sign-in if this is a code of the app that was not accepted before.

        Of two processes that get the same code, one accepts it. Raises FactorKeyError.
        """
        now = self._now_s()
        async with self._store.begin() as db:
            app = await db.get(TotpSecret, account.id)
        if app is None:
            return False
        step = totp.matching_step(self._key.decrypt(app.secret, owner_of(account.id)), code, now)
        if step is None:
            return False

        async def use(db: AsyncSession) -> bool:
            used = await db.scalar(
                update(TotpSecret)
                .where(
                    TotpSecret.account_id == account.id,
                    TotpSecret.last_step < step,
                    TotpSecret.secret == app.secret,
                )
                .values(last_step=step, used_s=now)
                .returning(TotpSecret.account_id)
            )
            if used is not None:
                await record(db, Action.SECOND_FACTOR_USED, now, actor, APP)
            return used is not None

        return await self._claim(pending_id, use)

    async def accept_recovery_code(
        self, pending_id: bytes, account: Account, text: str, actor: Actor
    ) -> bool:
        """Ends a pending sign-in if this is a recovery code that was not used before."""
        code = recovery_codes.normalise(text)
        if code is None:
            return False

        async def use(db: AsyncSession) -> bool:
            used = await db.scalar(
                delete(RecoveryCode)
                .where(
                    RecoveryCode.account_id == account.id,
                    RecoveryCode.code_hash == self._key.hash_code(code, owner_of(account.id)),
                )
                .returning(RecoveryCode.account_id)
            )
            if used is not None:
                await record(db, Action.SECOND_FACTOR_USED, self._now_s(), actor, RECOVERY_CODE)
            return used is not None

        accepted = await self._claim(pending_id, use)
        if accepted:
            await self._store.save_copy()  # a copy with the code would make it valid again
        return accepted

    async def new_recovery_codes(self, account: Account, actor: Actor) -> list[str]:
        """Returns new recovery codes, which are stored nowhere else. Those before are void."""
        codes = recovery_codes.new_codes()
        owner = owner_of(account.id)
        async with self._store.begin() as db:
            await db.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
            for code in codes:
                letters = recovery_codes.normalise(code) or ""
                db.add(RecoveryCode(account_id=account.id, code_hash=self._key.hash_code(letters, owner)))
            await record(db, Action.RECOVERY_CODES_MADE, self._now_s(), actor, RECOVERY_CODE)
        await self._store.save_copy()
        return codes

    async def _claim(self, pending_id: bytes, use: Callable[[AsyncSession], Awaitable[bool]]) -> bool:
        """Ends a pending sign-in and uses up its factor, or does neither."""
        try:
            async with self._store.begin() as db:
                if not await claim(db, pending_id) or not await use(db):
                    raise _NotAcceptedError
        except _NotAcceptedError:
            return False
        return True


async def overview_of(db: AsyncSession, account_id: int) -> FactorOverview:
    """Returns what a person has."""
    app = await db.get(TotpSecret, account_id)
    passkeys = await db.scalars(
        select(Passkey).where(Passkey.account_id == account_id).order_by(Passkey.created_s, Passkey.id)
    )
    codes = await db.scalar(
        select(func.count()).select_from(RecoveryCode).where(RecoveryCode.account_id == account_id)
    )
    return FactorOverview(
        app.created_s if app else None,
        app.used_s if app else None,
        tuple(PasskeyInfo(p.id, p.name, p.rp_id, p.created_s, p.used_s) for p in passkeys),
        codes or 0,
    )


def owner_of(account_id: int) -> bytes:
    """Returns the name of an account for the FactorKey."""
    return f"account {account_id}".encode()
