"""What the server waits for from one browser: the answer to a challenge, or the first code of an app.

Each is bound to the browser's cookie and to the account, and lasts some minutes. A challenge is used up by
its first answer, whether that is right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.tables import FactorCeremony


class Purpose(Enum):
    """What is under way. The values are stored."""

    APP = "app"  # payload: the encrypted secret that the person gives to their app
    REGISTRATION = "registration"  # payload: the challenge for a new passkey
    ASSERTION = "assertion"  # payload: the challenge for the use of a passkey


#: How long each may take, s.
LASTS_S: Mapping[Purpose, float] = {
    Purpose.APP: 900.0,
    Purpose.REGISTRATION: 300.0,
    Purpose.ASSERTION: 300.0,
}


async def begin(
    db: AsyncSession, owner: bytes, account_id: int, purpose: Purpose, payload: bytes, now_s: float
) -> None:
    """Stores what is awaited from a browser, in the place of anything else that was awaited from it."""
    await db.execute(delete(FactorCeremony).where(FactorCeremony.owner == owner))
    db.add(
        FactorCeremony(
            owner=owner, account_id=account_id, purpose=purpose.value, payload=payload, begun_s=now_s
        )
    )


async def take(
    db: AsyncSession, owner: bytes, account_id: int, purpose: Purpose, now_s: float
) -> bytes | None:
    """Returns the payload and forgets it, so that it is used once; None if there is none or it is too old."""
    row = (
        await db.execute(
            delete(FactorCeremony)
            .where(
                FactorCeremony.owner == owner,
                FactorCeremony.account_id == account_id,
                FactorCeremony.purpose == purpose.value,
            )
            .returning(FactorCeremony.payload, FactorCeremony.begun_s)
        )
    ).one_or_none()
    if row is None or not 0 <= now_s - row.begun_s < LASTS_S[purpose]:
        return None
    return bytes(row.payload)


async def read(
    db: AsyncSession, owner: bytes, account_id: int, purpose: Purpose, now_s: float
) -> bytes | None:
    """Returns the payload without using it up; None when there is none or it is too old."""
    row = await db.scalar(
        select(FactorCeremony).where(
            FactorCeremony.owner == owner,
            FactorCeremony.account_id == account_id,
            FactorCeremony.purpose == purpose.value,
        )
    )
    if row is None or not 0 <= now_s - row.begun_s < LASTS_S[purpose]:
        return None
    return row.payload


async def delete_expired(db: AsyncSession, now_s: float) -> None:
    """Deletes what can no longer be answered."""
    await db.execute(delete(FactorCeremony).where(FactorCeremony.begun_s <= now_s - max(LASTS_S.values())))
