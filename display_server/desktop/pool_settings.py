"""A floating pool: desktops of one kind, started ahead, each for one person until it is thrown away.

The operator writes it as the table `pool` of a desktop. Without one, each person has a desktop of their own,
which is started when they open it and keeps its home.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Literal

import msgspec

#: The largest number of desktops that one pool may have.
MAXIMUM_MAX = 1000
#: Days of the week in the order of `datetime.weekday`.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class SpareTimes(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}
):
    """How many desktops wait at certain times. The times are the server's local time, as `07:30`.

    A range that ends at or before its start reaches into the next day, and belongs to the day on which it
    starts.
    """

    start: str
    end: str
    spare: int
    days: list[str] = msgspec.field(default_factory=lambda: list(DAYS))

    @property
    def starts(self) -> time:
        return parse_time(self.start)

    @property
    def ends(self) -> time:
        return parse_time(self.end)


class PoolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many desktops a floating pool has, and when it stops to start more of them."""

    #: The most desktops that exist at the same time, those that are being ended included.
    maximum: int
    #: How many desktops wait for a person, as far as `maximum` allows.
    spare: int = 1
    #: Exceptions from `spare`. Where several apply, the first one counts.
    schedule: list[SpareTimes] = []
    #: What happens to the desktop of a person who signs out of their last browser.
    at_sign_out: Literal["end", "keep"] = "end"
    #: A desktop that its person displays nowhere ends after this time, minutes.
    unattended_minutes: float = 60
    #: The pool is restrained after this many failures …
    failures: int = 3
    #: … within this time, minutes.
    within_minutes: float = 10


def parse_time(text: str) -> time:
    """Returns the time of `07:30`. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 07:30")
    return time(int(match[1]), int(match[2]))


def check_pool(pool: PoolSettings) -> None:
    """Raises ValueError with a sentence that names the wrong key."""
    if not 1 <= pool.maximum <= MAXIMUM_MAX:
        raise ValueError(f"`maximum` must be from 1 to {MAXIMUM_MAX}, not {pool.maximum}")
    for spare in (pool.spare, *(times.spare for times in pool.schedule)):
        if not 0 <= spare <= pool.maximum:
            raise ValueError(f"`spare` must be from 0 to `maximum`, which is {pool.maximum}, not {spare}")
    for times in pool.schedule:
        _ = times.starts, times.ends  # both are checked
        unknown = [day for day in times.days if day not in DAYS]
        if unknown or not times.days:
            raise ValueError(
                f"`days` must name some of {', '.join(DAYS)}, not {', '.join(unknown) or 'nothing'}"
            )
    if pool.failures < 1:
        raise ValueError(f"`failures` must be at least 1, not {pool.failures}")
    for key in ("unattended_minutes", "within_minutes"):
        minutes: float = getattr(pool, key)
        if minutes <= 0:
            raise ValueError(f"`{key}` must be more than 0, not {minutes:g}")
