"""A pool: a limited number of desktops of one kind.

A desktop of a floating pool is started ahead, and belongs to whoever comes first until it ends. A desktop of
a dedicated pool is assigned to one person, who keeps it. The operator writes the pool as the table `pool` of
a desktop. Without one, each person has a desktop of their own, which is started when they open it and keeps
its home.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Literal

import msgspec

#: The largest number of desktops that one pool may have.
MAXIMUM_MAX = 1000
#: After which time without a viewer a floating desktop ends, unless the pool says otherwise, s.
UNATTENDED_S = 3600.0
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
    """What kind of pool it is, how many desktops it has, and when it stops to start more of them."""

    #: The most desktops that exist at the same time, those that are being ended included. In a dedicated pool
    #: also the most people who have one.
    maximum: int
    kind: Literal["floating", "dedicated"] = "floating"
    #: What happens to the home of a floating desktop when it ends. None: it is discarded. That of a dedicated
    #: one is always kept.
    home: Literal["kept", "discarded"] | None = None
    #: How many desktops wait to be opened, as far as `maximum` allows. Those of a floating pool wait for
    #: whoever comes first, those of a dedicated one for their own people. None: 1 or 0.
    spare: int | None = None
    #: Exceptions from `spare`. Where several apply, the first one counts.
    schedule: list[SpareTimes] = []
    #: What happens to the desktop of a person who signs out of their last browser. None: it ends if it is
    #: floating, and goes on if it is dedicated.
    at_sign_out: Literal["end", "keep"] | None = None
    #: A desktop that its person displays nowhere ends after this time, minutes. None: 60 if it is floating;
    #: for a dedicated one, the limit of all desktops applies alone.
    unattended_minutes: float | None = None
    #: The most desktops of the pool on one host. None: `maximum` applies alone.
    per_host: int | None = None
    #: The pool is restrained after this many failures …
    failures: int = 3
    #: … within this time, minutes.
    within_minutes: float = 10

    @property
    def dedicated(self) -> bool:
        return self.kind == "dedicated"

    @property
    def keeps_home(self) -> bool:
        """Whether people have the same home in their next desktop of the pool."""
        return self.dedicated or self.home == "kept"

    @property
    def usual_spare(self) -> int:
        """How many desktops wait outside of the schedule."""
        if self.spare is not None:
            return self.spare
        return 0 if self.keeps_home else min(1, self.maximum)

    @property
    def ends_at_sign_out(self) -> bool:
        return self.at_sign_out == "end" or (self.at_sign_out is None and not self.dedicated)

    @property
    def unattended_limit_s(self) -> float | None:
        """After which time without a viewer a desktop ends, s; None if the pool sets no limit of its own."""
        if self.unattended_minutes is not None:
            return self.unattended_minutes * 60
        return None if self.dedicated else UNATTENDED_S


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
    for spare in (pool.usual_spare, *(times.spare for times in pool.schedule)):
        if not 0 <= spare <= pool.maximum:
            raise ValueError(f"`spare` must be from 0 to `maximum`, which is {pool.maximum}, not {spare}")
    for times in pool.schedule:
        _ = times.starts, times.ends  # both are checked
        unknown = [day for day in times.days if day not in DAYS]
        if unknown or not times.days:
            raise ValueError(
                f"`days` must name some of {', '.join(DAYS)}, not {', '.join(unknown) or 'nothing'}"
            )
    if pool.dedicated and pool.home == "discarded":
        raise ValueError("a dedicated pool keeps homes until desktops are released; leave out `home`")
    waits = any((pool.usual_spare, *(times.spare for times in pool.schedule)))
    if pool.keeps_home and not pool.dedicated and waits:
        raise ValueError(
            '`spare` must be 0 with `home = "kept"`: a desktop that waits was started before its person is '
            "known, and so without their home"
        )
    if pool.per_host is not None and pool.per_host < 1:
        raise ValueError(f"`per_host` must be at least 1, not {pool.per_host}")
    if pool.failures < 1:
        raise ValueError(f"`failures` must be at least 1, not {pool.failures}")
    for key in ("unattended_minutes", "within_minutes"):
        minutes: float | None = getattr(pool, key)
        if minutes is not None and minutes <= 0:
            raise ValueError(f"`{key}` must be more than 0, not {minutes:g}")
