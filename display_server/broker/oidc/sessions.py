"""Which web sessions and pending sign-ins come from a sign-in at a provider."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.oidc.provider import Grant
from display_server.broker.oidc.tokens import LogoutToken
from display_server.broker.store import Store
from display_server.broker.tables import Account, PendingSignIn, ProviderSession, WebSession
from display_server.broker.web_sessions import Bind, SignInOutdatedError

#: Rows whose owner has ended are kept for this time at most, s: an owner may just be being created.
ORPHAN_S = 900.0


@dataclass(frozen=True, slots=True)
class AtProvider:
    """The sign-in at a provider to which a web session belongs."""

    provider: str
    subject: str
    id_token: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A web session that ends because its sign-in at the provider has ended."""

    id_hash: bytes
    username: str


class ProviderSessions:
    """`now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    def of(self, account: Account, grant: Grant) -> Bind:
        """Returns what records, for a new web session or pending sign-in, where the person signed in."""

        async def bind(db: AsyncSession, owner: bytes) -> None:
            db.add(
                ProviderSession(
                    owner=owner,
                    account_id=account.id,
                    provider=grant.provider,
                    subject=grant.person.subject,
                    sid=grant.sid,
                    id_token=grant.id_token,
                    begun_s=self._now_s(),
                )
            )

        return bind

    def moved(self, former: bytes) -> Bind:
        """Returns what hands the record of a pending sign-in over to its web session.

        Raises SignInOutdatedError when the provider has ended the sign-in meanwhile.
        """

        async def bind(db: AsyncSession, owner: bytes) -> None:
            moved = await db.scalar(
                update(ProviderSession)
                .where(ProviderSession.owner == former)
                .values(owner=owner)
                .returning(ProviderSession.owner)
            )
            if moved is None:
                raise SignInOutdatedError(
                    "The sign-in has ended at the provider.", next_step="Sign in again."
                )

        return bind

    async def find(self, owner: bytes) -> AtProvider | None:
        """Returns where the person of a web session signed in; None if that was here."""
        async with self._store.reading() as db:
            row = await db.get(ProviderSession, owner)
        return AtProvider(row.provider, row.subject, row.id_token) if row is not None else None

    async def renew(self, owner: bytes, grant: Grant) -> None:
        """Records that the person gave the password at the provider once more."""
        async with self._store.begin() as db:
            await db.execute(
                update(ProviderSession)
                .where(ProviderSession.owner == owner)
                .values(sid=grant.sid, id_token=grant.id_token)
            )

    async def end(self, provider: str, token: LogoutToken) -> list[Ended]:
        """Forgets what a logout token ends. Returns the web sessions, which the caller has to end.

        Sign-ins that are not complete end at once.
        """
        meant = [ProviderSession.provider == provider]
        if token.sid is not None:
            meant.append(ProviderSession.sid == token.sid)
        if token.subject is not None:
            meant.append(ProviderSession.subject == token.subject)
        async with self._store.begin() as db:
            owners = list(await db.scalars(select(ProviderSession.owner).where(*meant)))
            found = await db.execute(
                select(WebSession.id_hash, Account.username)
                .join(Account, Account.id == WebSession.account_id)
                .where(WebSession.id_hash.in_(owners))
            )
            ended = [Ended(*row) for row in found]
            await db.execute(delete(PendingSignIn).where(PendingSignIn.id_hash.in_(owners)))
            kept = [one.id_hash for one in ended]  # until the web session itself has ended
            await db.execute(
                delete(ProviderSession).where(
                    ProviderSession.owner.in_(owners), ProviderSession.owner.not_in(kept)
                )
            )
        return ended

    async def delete_orphans(self) -> None:
        """Deletes what belongs to nothing any more."""
        async with self._store.begin() as db:
            await db.execute(
                delete(ProviderSession).where(
                    ProviderSession.begun_s < self._now_s() - ORPHAN_S,
                    ProviderSession.owner.not_in(select(WebSession.id_hash)),
                    ProviderSession.owner.not_in(select(PendingSignIn.id_hash)),
                )
            )
