"""Records acts, also while the database cannot be used.

Acts that open access are recorded in the transaction that opens it, with `append`: without the database,
neither happens. Acts that close access always happen. Without the database they go to the spool together with
what remains to be done there, and follow later.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.append import append, append_row
from display_server.broker.audit.effects import carry_out
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role, cleaned
from display_server.broker.audit.spool import (
    Content,
    Effect,
    Record,
    Spool,
    SpoolError,
    new_name,
    read_content,
    remove_all,
)
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.store import Store
from display_server.broker.tables import AuditRow

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: How many names of records are looked up at once.
NAMES_AT_ONCE = 500


class AuditTrail:
    """The audit of a process.

    `spool` is the file of the spool. Without one, acts that cannot be recorded are only counted. `now_s`
    returns wall-clock time, in seconds since the epoch.
    """

    def __init__(
        self, store: Store, spool: Path | None = None, *, now_s: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._spool = Spool(spool) if spool is not None else None
        self.now_s = now_s
        self._using_spool = asyncio.Lock()  # flock would block a thread of the pool for each waiting task
        self._pending = True  # until the spool was read once
        self._lost = 0  # acts that this process could not even count in the spool

    @property
    def pending(self) -> bool:
        """Whether acts wait outside of the chain."""
        return self._pending

    async def prepare(self) -> None:
        """Makes the spool while there is room for it. Raises StorageError."""
        if self._spool is not None:
            await _in_thread(self._spool, self._spool.create)

    async def record(self, entry: AuditEntry) -> None:
        """Records an act in a transaction of its own. Raises StorageError when that is not possible."""
        await self.chain_spooled()
        async with self._store.begin() as db:
            await append(db, entry)

    async def close(self, entry: AuditEntry, effect: Effect | None = None, *, keep: bool = True) -> None:
        """Records an act that closes access, or that was refused, and carries out its effect. Never fails.

        An effect that changes nothing, for example on a screen that is locked already, is not recorded.
        Without the database, the act goes to the spool unless `keep` is False, because it is there already.
        """
        record = Record(new_name(), cleaned(entry), effect)
        try:
            await self.chain_spooled()
            async with self._store.begin() as db:
                if await carry_out(db, record.effect):
                    await append_row(db, record.entry, spool_id=record.name)
        except (StorageError, SQLAlchemyError) as error:
            if not isinstance(error, StorageError):  # the store has logged the others
                log.error("act not chained", action=entry.action.value, error=str(error))
            if keep:
                await self._keep(record)

    async def chain_spooled(self) -> None:
        """Chains what is in the spool, in its order. Raises StorageError while that is not possible.

        Whoever decides about access calls this first, because the spool may have a lock or a sign-out.
        """
        if self._pending:
            async with self._using_spool:
                if self._pending:
                    await self._chain()

    async def examine(self) -> None:
        """Looks whether another process has left something in the spool, and chains it if possible."""
        try:
            if not self._pending and self._spool is not None:
                self._pending = not await asyncio.to_thread(self._spool.is_empty)
            await self.chain_spooled()
        except (OSError, StorageError, SQLAlchemyError) as error:
            log.debug("spool of the audit not chained yet", error=str(error))

    async def _keep(self, record: Record) -> None:
        self._pending = True
        async with self._using_spool:
            try:
                if self._spool is None:
                    raise OSError(errno.ENOENT, "there is no spool")
                await asyncio.to_thread(self._spool.add, record)
            except SpoolError as error:
                log.error("act not recorded", action=record.entry.action.value, cause=error.cause)
            except OSError as error:
                self._lost += 1
                log.error("act not recorded", action=record.entry.action.value, cause=error.strerror)
            else:
                log.warning("act kept in the spool of the audit", action=record.entry.action.value)

    async def _chain(self) -> None:
        spool, lost_here = self._spool, self._lost
        if spool is not None and not await _in_thread(spool, spool.is_empty):
            await self._chain_file(spool)
        if lost_here:
            async with self._store.begin() as db:
                await append(db, self._loss(lost_here))
            self._lost -= lost_here
        self._pending = self._lost > 0

    async def _chain_file(self, spool: Spool) -> None:
        async with contextlib.AsyncExitStack() as stack:
            async with self._store.begin() as db:  # first: during an outage the file is not even opened
                opened = stack.enter_context(contextlib.closing(await _in_thread(spool, spool.open)))
                content = read_content(await _in_thread(spool, opened.read))
                await self._chain_records(db, content)
                await self._chain_losses(db, content.batch, content.lost)
            # What remains in the spool after a failure here is not chained twice.
            await _in_thread(spool, lambda: remove_all(opened))
        log.info("spool of the audit chained", acts=len(content.records), lost=content.lost)

    async def _chain_records(self, db: AsyncSession, content: Content) -> None:
        known = await _known(db, [record.name for record in content.records])
        for record in content.records:
            if record.name not in known:
                await carry_out(db, record.effect)
                await append_row(db, record.entry, spool_id=record.name)

    async def _chain_losses(self, db: AsyncSession, batch: str, lost: int) -> None:
        """Records how many acts a batch has lost, without those that were recorded before."""
        prefix = f"{batch}-"
        found = await db.scalars(select(AuditRow.spool_id).where(AuditRow.spool_id.startswith(prefix)))
        before = max((int(name.removeprefix(prefix)) for name in found if name), default=0)
        if lost > before:
            await append_row(db, self._loss(lost - before), spool_id=f"{prefix}{lost}")

    def _loss(self, count: int) -> AuditEntry:
        return AuditEntry(
            self.now_s(),
            Action.AUDIT_LOST,
            Outcome.FAILED,
            role=Role.SERVER,
            reason=f"{count} acts could be kept neither in the database nor in the spool",
        )


async def _in_thread(spool: Spool, work: Callable[[], T]) -> T:
    """Runs work on the spool in a thread. Raises StorageError when its disk does not work."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        log.error("spool of the audit cannot be used", path=str(spool.path), error=error.strerror)
        raise StorageError(StorageFault.UNREADABLE, str(spool.path)) from error


async def _known(db: AsyncSession, names: Collection[str]) -> set[str]:
    """Returns which of these records were chained before the process was killed."""
    listed, known = list(names), set[str]()
    for start in range(0, len(listed), NAMES_AT_ONCE):
        part = listed[start : start + NAMES_AT_ONCE]
        known.update(
            name
            for name in await db.scalars(select(AuditRow.spool_id).where(AuditRow.spool_id.in_(part)))
            if name
        )
    return known
