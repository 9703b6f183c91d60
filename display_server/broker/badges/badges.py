"""The badges in the store: who has which, their PINs, and what is done to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.accounts import existing_account
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Role
from display_server.broker.badges.badge_state import BadgeFacts, checked_number
from display_server.broker.passwords import Passwords
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.store import Store
from display_server.broker.tables import Account, AccountOrigin, Badge, WebSession
from display_server.broker.web_sessions import device_of
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: Longest label, characters.
LABEL_MAX = 64
#: Origins of accounts whose state can be found out without a password.
_POSSIBLE = frozenset({AccountOrigin.LOCAL.value, AccountOrigin.DIRECTORY.value})


@dataclass(frozen=True, slots=True)
class TappedBadge:
    """A badge that is not revoked, and the account of its person."""

    id: int
    account: Account
    pin_hash: str
    facts: BadgeFacts


@dataclass(frozen=True, slots=True)
class ListedBadge:
    """A badge as an administrator sees it. Its number is known to nobody."""

    id: int
    username: str
    label: str
    added_by: str
    added_s: float
    used_s: float | None
    has_pin: bool
    wrong: int
    revoked_s: float | None


class Badges:
    """The badges in the store. `now_s` returns wall-clock time, in seconds since the epoch.

    `passwords` computes the hashes of PINs; commands that check none need none.
    """

    def __init__(
        self,
        store: Store,
        key: FactorKey,
        passwords: Passwords | None = None,
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._key = key
        self._passwords = passwords
        self.now_s = now_s

    async def add(self, username: str, number: str, label: str, actor: Actor) -> ListedBadge:
        """Gives a badge to a person, who chooses a PIN at the first tap.

        Raises ConfigurationError when the account does not exist, or somebody has this badge.
        """
        number_hash = self._key.hash_badge(checked_number(number))
        label = label.strip()[:LABEL_MAX]
        async with self._store.begin() as db:
            account = await existing_account(db, username)
            if account.origin not in _POSSIBLE:
                raise ConfigurationError(
                    f"{account.username} cannot have a badge: another server decides on their sign-ins.",
                    hint="Badges are for local accounts and those of a directory.",
                )
            former = await db.scalar(select(Badge).where(Badge.number_hash == number_hash))
            if former is not None and former.revoked_s is None:
                owner = await db.get(Account, former.account_id)
                raise ConfigurationError(
                    f"This badge belongs to {owner.username if owner else 'somebody'} already.",
                    hint=f"Take it away first: lightbox badge revoke {former.id}",
                )
            if former is not None:  # found again, or given to somebody else
                await db.delete(former)
                await db.flush()
            badge = Badge(
                account_id=account.id,
                number_hash=number_hash,
                label=label,
                added_by=actor.name,
                added_s=self.now_s(),
                pin_hash="",
                wrong=0,
            )
            db.add(badge)
            await db.flush()
            await _record(db, Action.BADGE_ADDED, self.now_s(), actor, badge, account.username)
        await self._store.save_copy()
        return _listed(badge, account.username)

    async def list_all(self, username: str | None = None, *, revoked: bool = False) -> list[ListedBadge]:
        """Returns the badges of a person or of everybody; with `revoked` also those that are revoked."""
        query = (
            select(Badge, Account.username)
            .join(Account, Account.id == Badge.account_id)
            .order_by(Account.username, Badge.id)
        )
        if username is not None:
            query = query.where(Account.username == username.lower())
        if not revoked:
            query = query.where(Badge.revoked_s.is_(None))
        async with self._store.reading() as db:
            return [_listed(badge, name) for badge, name in await db.execute(query)]

    async def revoke(self, badge_id: int, actor: Actor) -> tuple[ListedBadge, list[bytes]]:
        """Makes a badge useless, and ends the web sessions that its person opened with a badge.

        Returns the badge and the hashes of these web sessions: the caller disconnects their viewers. Raises
        ConfigurationError when there is no such badge.
        """
        now = self.now_s()
        async with self._store.begin() as db:
            badge, username = await _existing(db, badge_id)
            badge.revoked_s = now
            opened = WebSession.account_id == badge.account_id, WebSession.badge_s.is_not(None)
            ended = list(await db.scalars(select(WebSession.id_hash).where(*opened)))
            await db.execute(delete(WebSession).where(*opened))
            for id_hash in ended:
                signed_out = AuditEntry(
                    now,
                    Action.SIGN_OUT,
                    account=username,
                    role=Role.SERVER,
                    device=device_of(id_hash),
                    reason="badge revoked",
                )
                await append(db, signed_out)
            await _record(db, Action.BADGE_REVOKED, now, actor, badge, username)
        await self._store.save_copy()
        return _listed(badge, username), ended

    async def reset_pin(self, badge_id: int, actor: Actor) -> ListedBadge:
        """Forgets the PIN and unlocks the badge: the person chooses a new PIN, with the password.

        Raises ConfigurationError when there is no such badge.
        """
        async with self._store.begin() as db:
            badge, username = await _existing(db, badge_id)
            badge.pin_hash, badge.wrong, badge.proved_s = "", 0, None
            await _record(db, Action.BADGE_PIN_RESET, self.now_s(), actor, badge, username)
        await self._store.save_copy()
        return _listed(badge, username)

    async def find(self, number: str) -> TappedBadge | None:
        """Returns the badge of this number; None if there is none, or it is revoked."""
        async with self._store.reading() as db:
            found = await db.execute(
                select(Badge, Account)
                .join(Account, Account.id == Badge.account_id)
                .where(Badge.number_hash == self._key.hash_badge(number), Badge.revoked_s.is_(None))
            )
            row = found.one_or_none()
        if row is None:
            return None
        badge, account = row
        facts = BadgeFacts(bool(badge.pin_hash), badge.wrong, badge.proved_s)
        return TappedBadge(badge.id, account, badge.pin_hash, facts)

    async def give_pin(self, badge: TappedBadge, pin: str, tries: int) -> bool | None:
        """Returns whether the PIN is right; None if the badge is locked because too many were wrong.

        The attempt is counted before the PIN is looked at, so that many at once cannot exceed the limit.
        Raises TooManySignIns; then the attempt does not count.
        """
        async with self._store.begin() as db:
            counted = await db.scalar(
                update(Badge)
                .where(Badge.id == badge.id, Badge.wrong < tries, Badge.pin_hash == badge.pin_hash)
                .values(wrong=Badge.wrong + 1)
                .returning(Badge.wrong)
            )
        if counted is None:
            return None
        assert self._passwords is not None
        try:
            right = await self._passwords.check(badge.pin_hash, self._peppered(badge, pin), known_device=True)
        except BaseException:
            await self._forget_attempt(badge)
            raise
        if not right:
            return None if counted >= tries else False
        async with self._store.begin() as db:
            await db.execute(
                update(Badge)
                .where(Badge.id == badge.id, Badge.pin_hash == badge.pin_hash)
                .values(wrong=0, proved_s=self.now_s())
            )
        return True

    async def set_pin(self, badge: TappedBadge, pin: str, *, address: str, device_id: str) -> bool:
        """Sets the PIN that a person has chosen, who has just given the password.

        Returns False when the badge was changed since it was found. Raises TooManySignIns.
        """
        assert self._passwords is not None
        pin_hash = await self._passwords.hash(self._peppered(badge, pin))
        now = self.now_s()
        async with self._store.begin() as db:
            changed = await db.scalar(
                update(Badge)
                .where(Badge.id == badge.id, Badge.pin_hash == badge.pin_hash, Badge.revoked_s.is_(None))
                .values(pin_hash=pin_hash, wrong=0, proved_s=now)
                .returning(Badge.id)
            )
            if changed is None:
                return False
            entry = AuditEntry(
                now,
                Action.BADGE_PIN_SET,
                account=badge.account.username,
                address=address or None,
                object=f"badge:{badge.id}",
                reason=f"on device {device_id}",
            )
            await append(db, entry)
        await self._store.save_copy()
        return True

    async def record_use(self, badge: TappedBadge) -> bool:
        """Notes that a badge has opened something. Returns False if it was revoked meanwhile."""
        async with self._store.begin() as db:
            used = await db.scalar(
                update(Badge)
                .where(Badge.id == badge.id, Badge.revoked_s.is_(None))
                .values(used_s=self.now_s())
                .returning(Badge.id)
            )
        return used is not None

    def _peppered(self, badge: TappedBadge, pin: str) -> str:
        """Returns what is hashed of a PIN: with a key outside of the database, since PINs are short."""
        return self._key.hash_code(pin, f"badge {badge.id}".encode()).hex()

    async def _forget_attempt(self, badge: TappedBadge) -> None:
        async with self._store.begin() as db:
            await db.execute(
                update(Badge).where(Badge.id == badge.id, Badge.wrong > 0).values(wrong=Badge.wrong - 1)
            )


async def _existing(db: AsyncSession, badge_id: int) -> tuple[Badge, str]:
    """Returns a badge that is not revoked, and its person. Raises ConfigurationError when there is none."""
    found = await db.execute(
        select(Badge, Account.username)
        .join(Account, Account.id == Badge.account_id)
        .where(Badge.id == badge_id, Badge.revoked_s.is_(None))
    )
    row = found.one_or_none()
    if row is None:
        raise ConfigurationError(
            f"There is no badge with the id {badge_id}.", hint="To see the badges, run `lightbox badge list`."
        )
    return row[0], row[1]


def _listed(badge: Badge, username: str) -> ListedBadge:
    return ListedBadge(
        badge.id,
        username,
        badge.label,
        badge.added_by,
        badge.added_s,
        badge.used_s,
        bool(badge.pin_hash),
        badge.wrong,
        badge.revoked_s,
    )


async def _record(
    db: AsyncSession, action: Action, at_s: float, actor: Actor, badge: Badge, username: str
) -> None:
    """Records an act in the transaction of what it changes. To be called as the last part of it."""
    reason = f"of {username}" + (f", {badge.label}" if badge.label else "")
    await append(db, actor.entry(at_s, action, f"badge:{badge.id}", reason))
    log.info(action.value, badge=badge.id, username=username, by=actor.name)
