"""Web sessions: the browsers that are signed in, and whether their screens are locked."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import NOWHERE, Action, AuditEntry, Origin, Role
from display_server.broker.audit.spool import EndWebSession, LockScreen
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.devices.device_facts import DeviceFacts
from display_server.broker.devices.device_rows import facts_of
from display_server.broker.lock_rows import lock_of, write_lock
from display_server.broker.screen_lock import OVERDUE_S, REASONS, LockEvent, LockLimits, ScreenLock
from display_server.broker.store import Store
from display_server.broker.tables import Account, EnrolledDevice, WebSession
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
#: Signed-in browsers that are remembered, so that people can lock and sign out without the database.
REMEMBERED_MAX = 20_000


#: Stores what belongs to a new web session or pending sign-in, in its transaction, by the hash of its cookie.
Bind = Callable[[AsyncSession, bytes], Awaitable[None]]


class SignInOutdatedError(PolicyError):
    """The account, or the device, is not as it was when the password was verified."""


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
    #: When a second factor was last given in this browser, in seconds since the epoch.
    factor_s: float | None = None
    #: The enrolled device on which the person signed in; None: an unknown one.
    device: DeviceFacts | None = None
    #: The last proof of the person was a badge, and no password.
    by_badge: bool = False


class WebSessions:
    """The web sessions in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        *,
        idle_s: float = IDLE_S,
        absolute_s: float = ABSOLUTE_S,
        lock: LockLimits = LockLimits(),  # noqa: B008 - frozen
        audit: AuditTrail | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._audit = audit or AuditTrail(store, now_s=now_s)
        self._remembered: OrderedDict[bytes, SignedInUser] = OrderedDict()  # as of the last request of each
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self.lock_limits = lock
        self._own_lock_s: Mapping[bytes, float] = {}  # by web session, where a policy says something else
        self.now_s = now_s

    def use_limits(self, *, idle_s: float, absolute_s: float, lock: LockLimits) -> None:
        """Replaces the limits, also for web sessions that exist."""
        self._idle_s, self._absolute_s, self.lock_limits = idle_s, absolute_s, lock

    def use_own_lock_limits(self, after_s: Mapping[bytes, float]) -> None:
        """Replaces the times without input after which single screens are locked, by web session, s."""
        self._own_lock_s = after_s

    def lock_limits_of(self, id_hash: bytes) -> LockLimits:
        """Returns when the screen of a web session is locked."""
        after_s = self._own_lock_s.get(id_hash)
        return self.lock_limits if after_s is None else replace(self.lock_limits, after_s=after_s)

    @property
    def shortest_lock_s(self) -> float:
        """The shortest time without input after which any screen is locked, s."""
        return min([self.lock_limits.after_s, *self._own_lock_s.values()])

    async def owners(self) -> dict[bytes, str]:
        """Returns the people of all web sessions, by the hash of these."""
        async with self._store.reading() as db:
            found = await db.execute(
                select(WebSession.id_hash, Account.username).join(
                    Account, Account.id == WebSession.account_id
                )
            )
            return {row[0]: row[1] for row in found}

    async def create(
        self,
        account: Account,
        *,
        inside_only: bool = False,
        factor_given: bool = False,
        origin: Origin = NOWHERE,
        reason: str | None = None,
        on: DeviceFacts | None = None,
        by_badge: bool = False,
        bind: Bind | None = None,
    ) -> str:
        """Creates a web session and returns the value for the cookie, which is stored nowhere else.

        `factor_given` says whether the person gave a second factor, and `by_badge` whether a badge took the
        place of the password; `on` is the enrolled device of the browser. The audit gets `origin` and
        `reason`, and `bind` stores what else belongs to it. Raises SignInOutdatedError when the account was
        changed since `account` was verified: checking a password takes a while, in which an operator may have
        changed it, disabled the account or revoked the device.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = self.now_s()
        await self._audit.chain_spooled()
        async with self._store.begin() as db:
            db.add(
                WebSession(
                    id_hash=hash_of(secret),
                    account_id=account.id,
                    created_s=now,
                    input_s=now,
                    proved_s=now,
                    factor_s=now if factor_given else None,
                    inside_only=inside_only,
                    device_id=on.id if on is not None else None,
                    badge_s=now if by_badge else None,
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
            if on is not None and facts_of(await db.get(EnrolledDevice, on.id)) is None:
                raise _outdated()
            if bind is not None:
                await bind(db, hash_of(secret))
            surplus = (
                await db.scalars(
                    select(WebSession.id_hash)
                    .where(WebSession.account_id == account.id)
                    .order_by(WebSession.input_s.desc())
                    .offset(PER_ACCOUNT_MAX)
                )
            ).all()
            await db.execute(delete(WebSession).where(WebSession.id_hash.in_(surplus)))
            device = device_of(hash_of(secret))
            entry = AuditEntry(
                now,
                Action.SIGN_IN,
                account=account.username,
                address=origin.address,
                device=device,
                object=f"device:{on.id}" if on is not None else None,
                reason=f"{reason or ''}, on {on.name}, {on.place}".removeprefix(", ") if on else reason,
            )
            await append(db, entry)
            for id_hash in surplus:
                too_many = f"signed in in more than {PER_ACCOUNT_MAX} browsers"
                await _append_end(db, now, Action.SIGN_OUT, account.username, id_hash, too_many)
        return secret

    async def find(self, secret: str) -> SignedInUser | None:
        """Returns the person who holds this cookie, or None when it is wrong, expired or revoked.

        The screen of that person may be locked. The call is no sign that they are there.
        """
        return await self.find_by_hash(hash_of(secret)) if secret else None

    async def find_by_hash(self, id_hash: bytes) -> SignedInUser | None:
        """Does the same as `find`, for the hash of a cookie."""
        now = self.now_s()
        await self._audit.chain_spooled()
        found = (
            select(WebSession, Account, EnrolledDevice)
            .join(Account, Account.id == WebSession.account_id)
            .outerjoin(EnrolledDevice, EnrolledDevice.id == WebSession.device_id)
            .where(WebSession.id_hash == id_hash)
        )
        async with self._store.reading() as db:  # nearly always, and so without waiting for those that write
            row = (await db.execute(found)).one_or_none()
        if row is None:
            self._remembered.pop(id_hash, None)
            return None
        limits = self.lock_limits_of(id_hash)
        lock = lock_of(row[0]).at(now, limits, overdue_s=OVERDUE_S)
        if self._is_over(row[0], row[1], facts_of(row[2]), now) or lock.locked != lock_of(row[0]).locked:
            async with self._store.begin() as db:
                row = (await db.execute(found)).one_or_none()
                if row is None:
                    return None
                web_session, account, device = row
                if reason := self._is_over(web_session, account, facts_of(device), now):
                    await db.delete(web_session)
                    await _append_end(db, now, Action.SIGN_IN_EXPIRED, account.username, id_hash, reason)
                    self._remembered.pop(id_hash, None)
                    return None
                lock = lock_of(web_session).at(now, limits, overdue_s=OVERDUE_S)
                if lock.locked and web_session.locked_s is None:
                    write_lock(web_session, lock, now)
                    await _append_lock(db, now, account.username, id_hash)
        web_session, account, device = row
        user = SignedInUser(
            account.username,
            account.display_name,
            id_hash,
            lock,
            web_session.inside_only,
            web_session.factor_s,
            facts_of(device),
            by_badge=web_session.badge_s is not None and web_session.badge_s >= lock.proved_s,
        )
        self._remember(user)
        return user

    def recall(self, secret: str) -> SignedInUser | None:
        """Returns who held this cookie at their last request, for acts that need no database."""
        return self._remembered.get(hash_of(secret)) if secret else None

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
                    write_lock(row, lock_of(row).after(LockEvent.INPUT, at_s), at_s)

    async def lock_idle(self) -> list[bytes]:
        """Locks the web sessions without input for the configured time, and returns their hashes.

        The caller has recorded the newest input before.
        """
        now = self.now_s()
        async with self._store.begin() as db:
            due = (
                select(WebSession, Account.username)
                .join(Account, Account.id == WebSession.account_id)
                .where(WebSession.locked_s.is_(None), WebSession.input_s <= now - self.shortest_lock_s)
            )
            locked = []
            for row, username in (await db.execute(due)).all():
                lock = lock_of(row).at(now, self.lock_limits_of(row.id_hash))
                if not lock.locked:
                    continue
                write_lock(row, lock, now)
                await _append_lock(db, now, username, row.id_hash)
                locked.append(row.id_hash)
        return locked

    async def lock(
        self, id_hash: bytes, event: LockEvent, *, role: Role = Role.SERVER, origin: Origin = NOWHERE
    ) -> None:
        """Locks the screen of a web session, also without the database: nobody sees it unlocked later."""
        now, remembered = self.now_s(), self._remembered.get(id_hash)
        entry = AuditEntry(
            now,
            Action.SCREEN_LOCKED,
            account=remembered.username if remembered else None,
            role=role,
            address=origin.address,
            device=device_of(id_hash),
            reason=REASONS[event].value,
        )
        keep = remembered is None or not remembered.lock.locked
        await self._audit.close(entry, LockScreen(id_hash.hex(), event.value, now), keep=keep)
        if remembered is not None:
            self._remember(replace(remembered, lock=remembered.lock.after(event, now)))

    async def unlock(
        self,
        id_hash: bytes,
        *,
        factor_given: bool = False,
        origin: Origin = NOWHERE,
        badge: str | None = None,
    ) -> ScreenLock | None:
        """Unlocks the screen, because the person gave the password, and perhaps a second factor as well.

        With `badge` they gave their badge instead; it says what of it, for the audit. Returns None when
        nobody is signed in.
        """
        now = self.now_s()
        await self._audit.chain_spooled()
        async with self._store.begin() as db:
            found = await db.execute(
                select(WebSession, Account.username)
                .join(Account, Account.id == WebSession.account_id)
                .where(WebSession.id_hash == id_hash)
            )
            pair = found.one_or_none()
            if pair is None:
                return None
            row, username = pair
            was_locked = lock_of(row).locked
            lock = lock_of(row).after(LockEvent.PROVED, now)
            write_lock(row, lock, now)
            if factor_given:
                row.factor_s = now
            row.badge_s = now if badge is not None else row.badge_s
            entry = AuditEntry(
                now,
                Action.SCREEN_UNLOCKED if was_locked or badge is not None else Action.PASSWORD_CONFIRMED,
                account=username,
                address=origin.address,
                device=device_of(id_hash),
                reason=badge,
            )
            await append(db, entry)
            return lock

    async def signed_in(self, username: str) -> bool:
        """Returns whether the person is signed in in any browser."""
        now = self.now_s()
        async with self._store.reading() as db:
            found = await db.scalar(
                select(WebSession.id_hash)
                .join(Account, Account.id == WebSession.account_id)
                .where(Account.username == username)
                .where(WebSession.input_s > now - self._idle_s, WebSession.created_s > now - self._absolute_s)
                .limit(1)
            )
        return found is not None

    async def delete(
        self,
        id_hash: bytes,
        *,
        origin: Origin = NOWHERE,
        reason: str | None = None,
        username: str | None = None,
    ) -> None:
        """Signs a browser out, also without the database: nobody sees it signed in later.

        With `username` it is Lightbox that signs this person out.
        """
        remembered = self._remembered.pop(id_hash, None)
        entry = AuditEntry(
            self.now_s(),
            Action.SIGN_OUT,
            account=username or (remembered.username if remembered else None),
            role=Role.USER if username is None else Role.SERVER,
            address=origin.address,
            device=device_of(id_hash),
            reason=reason,
        )
        await self._audit.close(entry, EndWebSession(id_hash.hex()))

    async def delete_expired(self) -> None:
        now = self.now_s()
        async with self._store.begin() as db:
            expired = (
                select(WebSession, Account.username)
                .join(Account, Account.id == WebSession.account_id)
                .where(
                    or_(
                        WebSession.input_s <= now - self._idle_s,
                        WebSession.created_s <= now - self._absolute_s,
                    )
                )
            )
            for row, username in (await db.execute(expired)).all():
                await db.delete(row)
                reason = self._expiry(row, now)
                await _append_end(db, now, Action.SIGN_IN_EXPIRED, username, row.id_hash, reason)
                self._remembered.pop(row.id_hash, None)

    def _is_over(
        self, row: WebSession, account: Account, device: DeviceFacts | None, now_s: float
    ) -> str | None:
        """Returns why a web session is no longer valid, or None."""
        if row.device_id is not None and device is None:
            return "device revoked"
        return "disabled account" if account.disabled else self._expiry(row, now_s)

    def _expiry(self, row: WebSession, now_s: float) -> str | None:
        """Returns why a web session is over, or None."""
        if now_s - row.input_s >= self._idle_s:
            return f"no input for {self._idle_s / 60:g} min"
        if now_s - row.created_s >= self._absolute_s:
            return f"signed in for {self._absolute_s / 3600:g} h"
        return None

    def _remember(self, user: SignedInUser) -> None:
        self._remembered[user.id_hash] = user
        self._remembered.move_to_end(user.id_hash)
        while len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _outdated() -> SignInOutdatedError:
    return SignInOutdatedError(
        "The account or the device was changed during this sign-in.", next_step="Sign in again."
    )


def device_of(id_hash: bytes) -> str:
    """Returns the name of a web session for agents and for the audit.

    Half of the hash is enough to identify the browser, and is of no use for signing in.
    """
    return id_hash.hex()[:32]


async def _append_end(
    db: AsyncSession, now_s: float, action: Action, username: str, id_hash: bytes, reason: str | None
) -> None:
    """Records that Lightbox has signed a browser out."""
    device = device_of(id_hash)
    await append(
        db, AuditEntry(now_s, action, account=username, role=Role.SERVER, device=device, reason=reason)
    )


async def _append_lock(db: AsyncSession, now_s: float, username: str, id_hash: bytes) -> None:
    """Records that Lightbox has locked a screen without input."""
    reason = REASONS[LockEvent.LOCK_DUE].value
    await _append_end(db, now_s, Action.SCREEN_LOCKED, username, id_hash, reason)
