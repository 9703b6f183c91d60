"""How the lock of a screen is kept in the row of its web session."""

from __future__ import annotations

from display_server.broker.screen_lock import LockReason, LockState, ScreenLock
from display_server.broker.tables import WebSession


def lock_of(row: WebSession) -> ScreenLock:
    """Returns the lock that a row describes."""
    if row.locked_s is None:
        return ScreenLock(row.input_s, row.proved_s)
    return ScreenLock(row.input_s, row.proved_s, LockState.LOCKED, LockReason(row.lock_reason))


def write_lock(row: WebSession, lock: ScreenLock, now_s: float) -> None:
    """Writes a lock into its row. Only changes cause a write of the database."""
    row.input_s, row.proved_s = lock.input_s, lock.proved_s
    row.locked_s = (row.locked_s if row.locked_s is not None else now_s) if lock.locked else None
    row.lock_reason = lock.reason.value if lock.reason else None
