"""Signed-in browsers."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, or_, select

from display_server.broker.store import Store
from display_server.broker.tables import Account, WebSession

#: Bytes of a web session's id.
ID_BYTES = 32
#: Signed out after this long without a request or a viewer.
IDLE_S = 30 * 60.0
#: Signed out after this long in any case: one shift and its handover.
ABSOLUTE_S = 14 * 3600.0
#: Last use is written at most this often, so that reading stays reading.
SEEN_EVERY_S = 60.0
#: Browsers signed in at once per account; the one unused for longest is signed out.
PER_ACCOUNT = 20


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a request comes from. `id_hash` names the web session without being able to use it."""

    username: str
    display_name: str
    id_hash: bytes


class WebSessions:
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
        self.absolute_s = absolute_s
        self._now_s = now_s

    async def begin(self, account: Account) -> str:
        """A new web session. What is returned goes into the cookie and is kept nowhere else."""
        secret = secrets.token_urlsafe(ID_BYTES)
        now = self._now_s()
        async with self._store.begin() as db:
            db.add(WebSession(id_hash=hash_of(secret), account_id=account.id, created_s=now, seen_s=now))
            await db.flush()
            surplus = (
                await db.scalars(
                    select(WebSession.id_hash)
                    .where(WebSession.account_id == account.id)
                    .order_by(WebSession.seen_s.desc())
                    .offset(PER_ACCOUNT)
                )
            ).all()
            await db.execute(delete(WebSession).where(WebSession.id_hash.in_(surplus)))
        return secret

    async def find(self, secret: str) -> SignedIn | None:
        """Who holds this cookie, or None when it is wrong, expired or revoked. Counts as use."""
        return await self.find_hash(hash_of(secret)) if secret else None

    async def find_hash(self, id_hash: bytes) -> SignedIn | None:
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
            held, account = row
            if (
                account.disabled
                or now - held.seen_s >= self._idle_s
                or now - held.created_s >= self.absolute_s
            ):
                await db.delete(held)
                return None
            if now - held.seen_s >= SEEN_EVERY_S:
                held.seen_s = now
            return SignedIn(account.username, account.display_name, id_hash)

    async def end(self, id_hash: bytes) -> None:
        async with self._store.begin() as db:
            await db.execute(delete(WebSession).where(WebSession.id_hash == id_hash))

    async def sweep(self) -> None:
        """Deletes what has expired."""
        now = self._now_s()
        async with self._store.begin() as db:
            await db.execute(
                delete(WebSession).where(
                    or_(
                        WebSession.seen_s <= now - self._idle_s, WebSession.created_s <= now - self.absolute_s
                    )
                )
            )


def hash_of(secret: str) -> bytes:
    """A plain hash is enough: the secret has 256 bits of its own."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
