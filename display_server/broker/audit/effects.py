"""Carries out what acts in the spool have left to be done in the database."""

from __future__ import annotations

from sqlalchemy import CursorResult, Delete, Update, delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.spool import Effect, EndDesktop, EndWebSession, LockScreen
from display_server.broker.lock_rows import lock_of, write_lock
from display_server.broker.screen_lock import LockEvent
from display_server.broker.tables import Session, WebSession


async def carry_out(db: AsyncSession, effect: Effect | None) -> bool:
    """Carries out an effect. Returns False when there was nothing to change."""
    match effect:
        case None:
            return True
        case LockScreen():
            row = await db.get(WebSession, bytes.fromhex(effect.web_session))
            if row is None or row.locked_s is not None:
                return False
            write_lock(row, lock_of(row).after(LockEvent(effect.event), effect.at_s), effect.at_s)
            await db.flush()
            return True
        case EndWebSession():
            found = delete(WebSession).where(WebSession.id_hash == bytes.fromhex(effect.web_session))
            return await _changes(db, found)
        case EndDesktop():
            values = {
                "state": effect.state,
                "error": effect.error,
                "ended_by": effect.ended_by,
                "changed_s": effect.at_s,
            }
            await _changes(db, update(Session).where(Session.id == effect.session).values(values))
            return True


async def _changes(db: AsyncSession, statement: Delete | Update) -> bool:
    result = await db.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount > 0
