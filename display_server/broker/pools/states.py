"""What the store keeps of each pool: maintenance, circuit breaker and versions."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import select

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import AuditEntry
from display_server.broker.pools.breaker import Breaker
from display_server.broker.pools.rollout import Rollout
from display_server.broker.store import Store
from display_server.broker.tables import PoolState


@dataclass(slots=True)
class KeptState:
    """The state of one pool."""

    maintenance: bool = False
    breaker: Breaker = Breaker()  # noqa: RUF009 - frozen
    rollout: Rollout = Rollout()  # noqa: RUF009 - frozen


class PoolStates:
    """The states of all pools in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> dict[str, KeptState]:
        """Returns the stored states by the desktop's name. Raises StorageError."""
        async with self._store.reading() as db:
            rows = (await db.scalars(select(PoolState))).all()
        return {
            row.desktop: KeptState(
                row.maintenance,
                msgspec.json.decode(row.breaker, type=Breaker),
                msgspec.json.decode(row.rollout, type=Rollout),
            )
            for row in rows
        }

    async def save(self, desktop: str, state: KeptState, entry: AuditEntry | None = None) -> None:
        """Stores a state, and records `entry` in the same transaction. Raises StorageError."""
        async with self._store.begin() as db:
            await db.merge(
                PoolState(
                    desktop=desktop,
                    maintenance=state.maintenance,
                    breaker=msgspec.json.encode(state.breaker).decode(),
                    rollout=msgspec.json.encode(state.rollout).decode(),
                )
            )
            if entry is not None:
                await db.flush()
                await append(db, entry)
