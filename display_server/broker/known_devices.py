"""Known devices: browsers in which a person has signed in before.

Attempts from a known device have a budget of their own in the `SignInLimiter`, so that strangers who guess
passwords cannot keep the person out. The device is recognized by a long-lived random cookie. It is of no use
without the password.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from sqlalchemy import delete, select

from display_server.broker.store import Store
from display_server.broker.tables import Account, KnownDevice
from display_server.broker_link.cookies import hash_of

#: Random bytes in the cookie of a device.
SECRET_BYTES = 32
#: Validity of the cookie, s: 400 days, the longest that browsers accept. Each sign-in renews it.
COOKIE_S = 400 * 24 * 3600
#: Largest number of known devices per account. Beyond it, the one without a sign-in for longest is forgotten.
PER_ACCOUNT_MAX = 50


class KnownDevices:
    """The known devices in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    async def find(self, username: str, secret: str) -> str | None:
        """Returns a name of the device for the SignInLimiter, or None when this person has not used it."""
        if not secret:
            return None
        id_hash, oldest_s = hash_of(secret), self._now_s() - COOKIE_S
        async with self._store.reading() as db:
            found = await db.scalar(
                select(KnownDevice.id_hash)
                .join(Account, Account.id == KnownDevice.account_id)
                .where(
                    KnownDevice.id_hash == id_hash,
                    Account.username == username,
                    KnownDevice.signed_in_s > oldest_s,
                )
            )
        return id_hash.hex() if found else None

    async def record_sign_in(self, account: Account, secret: str) -> str:
        """Records that the person has signed in with this device. Returns the value for its cookie.

        That is `secret`, or a new value if the browser has none yet that was issued here.
        """
        now = self._now_s()
        async with self._store.begin() as db:
            issued = secret and await db.scalar(
                select(KnownDevice.id_hash).where(KnownDevice.id_hash == hash_of(secret)).limit(1)
            )
            if not issued:
                secret = secrets.token_urlsafe(SECRET_BYTES)
            await db.merge(KnownDevice(id_hash=hash_of(secret), account_id=account.id, signed_in_s=now))
            await db.flush()
            surplus = (
                await db.scalars(
                    select(KnownDevice.id_hash)
                    .where(KnownDevice.account_id == account.id)
                    .order_by(KnownDevice.signed_in_s.desc())
                    .offset(PER_ACCOUNT_MAX)
                )
            ).all()
            await db.execute(
                delete(KnownDevice).where(
                    KnownDevice.account_id == account.id, KnownDevice.id_hash.in_(surplus)
                )
            )
        return secret
