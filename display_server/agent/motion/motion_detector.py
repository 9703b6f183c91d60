"""When a part of a monitor goes as video, and when it comes back to exact tiles. Time comes in.

    tiles ──(hot, and more than tiles can bring)──► motion ──(rests, or tiles can bring it again)──► tiles

Small regions, and all under the policy `exact`, never leave the tiles.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np

from display_server.agent.motion.activity import Activity, Mask, Tiles
from display_server.agent.motion.region import Region, largest_region


class MotionPolicy(Enum):
    """`exact`: tiles alone, which slow down instead. `adaptive`: video where tiles cannot keep up.
    `economy`: video for whatever moves at video rate, within a cap."""

    EXACT = "exact"
    ADAPTIVE = "adaptive"
    ECONOMY = "economy"


#: A region below this stays on tiles: 512 × 512 px.
TILES_MIN = 64
#: Tiles are overloaded where they would need this share of what the way carries …
LOAD_MAX = 0.9
#: … or where more than this share of the pictures had to wait, each so long, s, …
LATE_MAX = 0.6
LATE_S = 0.02
#: … of at least so many within this time, s.
LATE_OF = 6
LATE_WITHIN_S = 0.6
#: And of grey pictures fewer than so many a second reached the viewer: above that a stack is read well, and
#: each slice exact. A film has to keep its pace: of colour at least this share of the pictures.
FLUENT_PER_S = 20.0
STEADY = 0.9
#: What moves is of colour where so much of what was coded is.
COLOURED = 0.5
#: A viewer starves that took in time at most this share of at least so many pictures within this time, s,
#: and fewer than are fluent. In colour nothing more is waited for then.
STARVED_TAKEN, STARVED_OF, STARVED_WITHIN_S = 0.5, 3, 0.2
#: A picture that waited so long, s, hides others.
STALE_S = 0.04
#: Tiles take over again while something moves only if they need this share of the way at most, so long, s.
LOAD_LEAVE = 0.5
LEAVE_AFTER_S = 4.0
#: A motion that came back at once after tiles took over waits longer each time, s at most.
LEAVE_AFTER_MAX_S = 60.0
#: Rest: nothing of weight changed for so long, s, or for so many of its usual intervals.
REST_MIN_S, REST_MAX_S = 0.06, 0.2
REST_INTERVALS = 2.5
#: A picture in which less than this share of the region changed moves nothing: a caret, a clock.
WEIGHT = 0.05
#: So many tiles outside a region are in motion: it no longer fits, and is replaced after this time, s.
OUTGROWN_MIN = 16
REFIT_S = 0.5
#: And one that is larger than what moves after this, s, if less than half of it does.
SHRINK_S = 2.0


@dataclass(frozen=True, slots=True)
class LinkEstimate:
    """What a viewer's way has shown to carry."""

    rate_bytes_per_s: float | None
    payload_bytes: float  # of a changed tile, as coded of late
    coloured: float = 0.0  # share of such tiles that are in colour


class MotionDetector:
    """Of one viewer and monitor. Call `on_frame` with each new picture, then `choose_region`."""

    def __init__(self, tiles: int, columns: int, policy: MotionPolicy) -> None:
        self._activity = Activity(tiles)
        self._columns = columns
        self._policy = policy
        self.region: Region | None = None
        self._members: Mask = np.zeros(tiles, np.bool_)
        self._pictures: deque[tuple[float, float, bool]] = deque(maxlen=120)
        self._moved_s = -np.inf
        self._interval_s = 1 / 30
        self._began_s = -np.inf
        self._ended_s = -np.inf
        self._unfit_s: float | None = None
        self._loose_s: float | None = None
        self._light_s: float | None = None
        self._leave_after_s = LEAVE_AFTER_S
        #: Bytes a second that tiles would have needed when they came late for the last time.
        self._too_much = np.inf

    def on_frame(self, tiles: Tiles, waited_s: float, now_s: float, *, viewer_ready: bool) -> None:
        """A new picture, in which these tiles differ; so long it had to wait, and whether the viewer can take
        it as tiles now.
        """
        self._activity.changed(tiles, now_s)
        self._pictures.append((now_s, waited_s, viewer_ready))
        if self.region is None:
            return
        if np.count_nonzero(self._members[tiles]) >= WEIGHT * self.region.count:
            between = now_s - self._moved_s
            if between < REST_MAX_S:
                self._interval_s += (between - self._interval_s) * 0.2
            self._moved_s = now_s

    def choose_region(self, way: LinkEstimate, now_s: float) -> Region | None:
        """The region that is to go as video now."""
        before = self.region
        if before is None:
            self._enter(way, now_s)
        elif now_s >= self.rest_deadline_s:
            self._leave(now_s)
        else:
            self._adapt(way, now_s)
        return self.region

    @property
    def rest_deadline_s(self) -> float:
        """When what is in motion will be at rest, unless it moves before."""
        rest_s = min(REST_MAX_S, max(REST_MIN_S, REST_INTERVALS * self._interval_s))
        return self._moved_s + rest_s

    def stop(self, now_s: float) -> None:
        """Video is no way at the moment, or the picture another one."""
        if self.region is not None:
            self._leave(now_s)

    def is_starved(self, now_s: float) -> bool:
        """Whether something moves of which the viewer took few of the latest pictures."""
        taken = [
            taken and waited_s <= STALE_S
            for at_s, waited_s, taken in self._pictures
            if now_s - at_s <= STARVED_WITHIN_S
        ]
        return (
            len(taken) >= STARVED_OF
            and sum(taken) <= STARVED_TAKEN * len(taken)
            and sum(taken) < FLUENT_PER_S * STARVED_WITHIN_S
            and int(np.count_nonzero(self._activity.hot(now_s))) >= TILES_MIN
        )

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _enter(self, way: LinkEstimate, now_s: float) -> None:
        if self._policy is MotionPolicy.EXACT:
            return
        hot = self._activity.hot(now_s)
        if np.count_nonzero(hot) < TILES_MIN:
            return
        region = largest_region(hot, self._columns)
        if region is None or region.count < TILES_MIN:
            return
        if self._policy is MotionPolicy.ADAPTIVE and not self._overloaded(hot, way, now_s):
            return
        if now_s - self._ended_s < LEAVE_AFTER_S and self._light_s is not None:
            self._leave_after_s = min(LEAVE_AFTER_MAX_S, 2 * self._leave_after_s)
        self._begin(region, now_s)

    def _overloaded(self, hot: Mask, way: LinkEstimate, now_s: float) -> bool:
        demand = self._demand(hot, way, now_s)
        if way.rate_bytes_per_s is not None and demand > LOAD_MAX * way.rate_bytes_per_s:
            self._too_much = np.inf
            return True
        if self._late(way, now_s):
            self._too_much = demand
            return True
        return False

    def _late(self, way: LinkEstimate, now_s: float) -> bool:
        """Whether the way has room, but the viewer does not keep up."""
        if way.coloured >= COLOURED and self.is_starved(now_s):
            return True
        recent = [
            (waited_s, taken) for at_s, waited_s, taken in self._pictures if now_s - at_s <= LATE_WITHIN_S
        ]
        late = sum(waited_s > LATE_S for waited_s, _ in recent)
        taken = sum(taken for _, taken in recent)
        enough = STEADY * len(recent) if way.coloured >= COLOURED else FLUENT_PER_S * LATE_WITHIN_S
        return (
            len(recent) >= LATE_OF
            and late > LATE_MAX * len(recent)
            and taken < enough
            and now_s - self._pictures[0][0] >= LATE_WITHIN_S
        )

    def _demand(self, tiles: Mask, way: LinkEstimate, now_s: float) -> float:
        """Bytes a second that tiles would take."""
        return float(self._activity.rates_per_s(now_s)[tiles].sum()) * way.payload_bytes

    def _adapt(self, way: LinkEstimate, now_s: float) -> None:
        assert self.region is not None
        hot = self._activity.hot(now_s)
        box = largest_region(hot, self._columns)
        # 1. what moves outgrew the region
        outside = np.count_nonzero(hot & ~self._members)
        outgrown = box is not None and outside >= OUTGROWN_MIN and not self.region.contains(box)
        self._unfit_s = (self._unfit_s if self._unfit_s is not None else now_s) if outgrown else None
        loose = box is not None and 2 * box.count < self.region.count and box.count >= TILES_MIN
        self._loose_s = (self._loose_s if self._loose_s is not None else now_s) if loose else None
        refit = self._unfit_s is not None and now_s - self._unfit_s >= REFIT_S
        shrink = self._loose_s is not None and now_s - self._loose_s >= SHRINK_S
        if box is not None and (refit or shrink):
            self._begin(box, now_s, fitted=True)
            return
        # 2. the way carries it as tiles again, and the viewer takes it
        if self._policy is MotionPolicy.ADAPTIVE and way.rate_bytes_per_s is not None:
            bearable = LOAD_LEAVE * min(way.rate_bytes_per_s, self._too_much)
            light = self._demand(self._members, way, now_s) < bearable
            self._light_s = (self._light_s if self._light_s is not None else now_s) if light else None
            if self._light_s is not None and now_s - max(self._light_s, self._began_s) >= self._leave_after_s:
                self._leave(now_s, light=True)

    def _begin(self, region: Region, now_s: float, *, fitted: bool = False) -> None:
        """`fitted`: what moves goes on, in a better region."""
        self.region = region
        self._members.fill(False)
        self._members[region.tiles(self._columns)] = True
        if not fitted:
            self._moved_s, self._interval_s = now_s, 1 / 30
        self._began_s = now_s
        self._unfit_s = self._loose_s = self._light_s = None

    def _leave(self, now_s: float, *, light: bool = False) -> None:
        self.region = None
        self._ended_s = now_s
        self._pictures.clear()
        self._light_s = now_s if light else None
        if not light:
            self._leave_after_s = LEAVE_AFTER_S
