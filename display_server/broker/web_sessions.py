"""Web sessions: the browsers that are signed in."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, or_, select

from display_server.broker.store import Store
from display_server.broker.tables import Account, WebSession

#: Random bytes in the cookie of a web session.
SECRET_BYTES = 32
#: A web session ends after this time without a request and without an open viewer, s.
IDLE_S = 30 * 60.0
#: A web session ends after this time in any case, s: one shift and its handover.
ABSOLUTE_S = 14 * 3600.0
#: The time of last use is written at most once in this interval, s, so that most requests only read.
SEEN_INTERVAL_S = 60.0
#: Largest number of signed-in browsers per account. Beyond it, the least recently used one is signed out.
PER_ACCOUNT_MAX = 20


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """The person whom a request comes from.

    `id_hash` identifies the web session, but is of no use for signing in.
    """

    username: str
    display_name: str
    id_hash: bytes


class WebSessions:
    """The web sessions in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        *,
        idle_s: float = IDLE_S,
        absolute_s: float = ABSOLUTE_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self._now_s = now_s

    def use_limits(self, *, idle_s: float, absolute_s: float) -> None:
        """Replaces the limits, which apply at once to all web sessions."""
        self._idle_s, self._absolute_s = idle_s, absolute_s

    async def create(self, account: Account) -> str:
        """Creates a web session and returns the value for the cookie, which is stored nowhere else."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = self._now_s()
        async with self._store.begin() as db:
            db.add(WebSession(id_hash=hash_of(secret), account_id=account.id, created_s=now, seen_s=now))
            await db.flush()
            surplus = (
                await db.scalars(
                    select(WebSession.id_hash)
                    .where(WebSession.account_id == account.id)
                    .order_by(WebSession.seen_s.desc())
                    .offset(PER_ACCOUNT_MAX)
                )
            ).all()
            await db.execute(delete(WebSession).where(WebSession.id_hash.in_(surplus)))
        return secret

    async def find(self, secret: str) -> SignedInUser | None:
        """Returns the person who holds this cookie, or None when it is wrong, expired or revoked.

        The call counts as use of the web session.
        """
        return await self.find_by_hash(hash_of(secret)) if secret else None

    async def find_by_hash(self, id_hash: bytes) -> SignedInUser | None:
        """Does the same as `find`, for the hash of a cookie."""
        now = self._now_s()
        async with self._store.begin() as db:
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
                or now - web_session.seen_s >= self._idle_s
                or now - web_session.created_s >= self._absolute_s
            ):
                await db.delete(web_session)
                return None
            if now - web_session.seen_s >= SEEN_INTERVAL_S:
                web_session.seen_s = now
            return SignedInUser(account.username, account.display_name, id_hash)

    async def delete(self, id_hash: bytes) -> None:
        async with self._store.begin() as db:
            await db.execute(delete(WebSession).where(WebSession.id_hash == id_hash))

    async def delete_expired(self) -> None:
        now = self._now_s()
        async with self._store.begin() as db:
            await db.execute(
                delete(WebSession).where(
                    or_(
                        WebSession.seen_s <= now - self._idle_s,
                        WebSession.created_s <= now - self._absolute_s,
                    )
                )
            )


def hash_of(secret: str) -> bytes:
    """Returns the SHA-256 of a cookie's value. Salt and stretching are not needed: it has 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
