"""Sign-ins at a provider that have begun in a browser and are not complete. They open nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select

from display_server.broker.oidc.flow import FLOW_VALID_S, FlowSecrets
from display_server.broker.store import Store
from display_server.broker.tables import ProviderSignIn
from display_server.broker_link.cookies import hash_of

#: Random bytes in the cookie.
SECRET_BYTES = 32
#: Largest number of sign-ins that have begun. Beyond it, the oldest ones end. Anybody can begin one.
BEGUN_MAX = 10_000


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """A sign-in that a browser has brought back. `begun_s` is in seconds since the epoch.

    `unlocks` is the hash of the web session whose screen it unlocks; None: it signs in. `fresh` says whether
    the provider had to ask for the password.
    """

    secrets: FlowSecrets
    provider: str
    redirect: str
    begun_s: float
    fresh: bool
    unlocks: bytes | None


class ProviderSignIns:
    """The sign-ins in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    async def begin(
        self, provider: str, redirect: str, *, fresh: bool, unlocks: bytes | None
    ) -> tuple[str, FlowSecrets]:
        """Stores that a sign-in begins. Returns the value for the browser's cookie, and what it stands for.

        `redirect` is where the provider sends the browser back to.
        """
        cookie = secrets.token_urlsafe(SECRET_BYTES)
        async with self._store.begin() as db:
            db.add(
                ProviderSignIn(
                    id_hash=hash_of(cookie),
                    provider=provider,
                    redirect=redirect,
                    begun_s=self._now_s(),
                    fresh=fresh,
                    unlocks=unlocks,
                )
            )
            await db.flush()
            if (await db.scalar(select(func.count()).select_from(ProviderSignIn)) or 0) > BEGUN_MAX:
                oldest = select(ProviderSignIn.id_hash).order_by(ProviderSignIn.begun_s.desc())
                await db.execute(
                    delete(ProviderSignIn).where(ProviderSignIn.id_hash.in_(oldest.offset(BEGUN_MAX)))
                )
        return cookie, FlowSecrets.of(cookie)

    async def take(self, cookie: str, state: str) -> BegunSignIn | None:
        """Returns the sign-in that a browser continues, once: nobody can continue it a second time.

        Returns None when there is none, when its time is over, or when the state is not its own; then it can
        still be continued with the right one.
        """
        derived = FlowSecrets.of(cookie)
        if not cookie or not derived.is_state(state):
            return None
        async with self._store.begin() as db:
            taken = await db.execute(
                delete(ProviderSignIn)
                .where(ProviderSignIn.id_hash == hash_of(cookie))
                .returning(
                    ProviderSignIn.provider,
                    ProviderSignIn.redirect,
                    ProviderSignIn.begun_s,
                    ProviderSignIn.fresh,
                    ProviderSignIn.unlocks,
                )
            )
            row = taken.one_or_none()
        if row is None:
            return None
        begun = BegunSignIn(derived, *row)
        return begun if 0 <= self._now_s() - begun.begun_s < FLOW_VALID_S else None

    async def delete_expired(self) -> None:
        now = self._now_s()
        async with self._store.begin() as db:
            await db.execute(
                delete(ProviderSignIn).where(
                    or_(ProviderSignIn.begun_s <= now - FLOW_VALID_S, ProviderSignIn.begun_s > now)
                )
            )
