"""A process that records acts while its database fails now and then, until it is killed.

`python -m tests.fakes.killed_audit FOLDER FIRST SEED` prints the number of each act once it is recorded, in
the database or in the spool.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.trail import AuditTrail
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.store import Store
from tests.fakes.audit_chain import entry


class FailingStore(Store):
    """A store whose transactions fail while `away` is true."""

    away = False

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        if self.away:
            raise StorageError(StorageFault.FULL, self.database.name)
        async with super().begin() as db:
            yield db


async def main() -> None:
    folder, first, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    draw = random.Random(seed)
    store = await FailingStore.open(folder / "lightbox.db")
    assert isinstance(store, FailingStore)
    trail = AuditTrail(store, folder / "audit-spool")
    number = first
    while True:
        store.away = draw.random() < 0.6
        for _ in range(draw.randrange(1, 6)):
            await trail.close(entry(number))
            print(number, flush=True)
            number += 1


if __name__ == "__main__":
    asyncio.run(main())
