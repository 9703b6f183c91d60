"""How many desktops of a pool ought to wait at a time. Pure."""

from __future__ import annotations

from datetime import datetime

from display_server.desktop.pool_settings import DAYS, PoolSettings, SpareTimes


def spare_at(pool: PoolSettings, local: datetime) -> int:
    """Returns the number for the server's local time `local`."""
    for times in pool.schedule:
        if _applies(times, local):
            return times.spare
    return pool.usual_spare


def _applies(times: SpareTimes, local: datetime) -> bool:
    start, end, now = times.starts, times.ends, local.time()
    today, yesterday = DAYS[local.weekday()], DAYS[local.weekday() - 1]
    if start < end:
        return today in times.days and start <= now < end
    return (today in times.days and now >= start) or (yesterday in times.days and now < end)
