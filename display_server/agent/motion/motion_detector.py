"""When a part of a monitor is shown as video, and when as exact tiles again. Pure: the caller passes the
time.

    tiles ──(in motion, and more than tiles can deliver)──► video ──(rest, or tiles can deliver it)──► tiles

Small regions, and every region under the policy `exact`, always stay tiles. Wanted is that while something
moves the viewer shows at least 15 frames/s, or exact frames only. So tiles that are late, for whatever
reason, are replaced by video; and video that a slow host cannot make at that rate is replaced by tiles, if
the link carries them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np

from display_server.agent.motion.activity import Activity, Mask, Tiles
from display_server.agent.motion.region import Region, largest_region


class MotionPolicy(Enum):
    """When video may be used.

    `exact`: never; tiles come at a lower rate instead. `adaptive`: where tiles cannot keep up. `economy`: for
    everything that moves at the rate of video, within a bandwidth limit.
    """

    EXACT = "exact"
    ADAPTIVE = "adaptive"
    ECONOMY = "economy"


#: Smallest region, in tiles, that is shown as video: 512 × 512 px.
TILES_MIN = 64

# Tiles are overloaded.
#: Tiles that need more than this fraction of the link's rate overload the link.
LOAD_MAX = 0.9
#: A frame is late if its damage waited for longer than this, s.
LATE_S = 0.02
#: Tiles are late if more than this fraction of the recent frames is late.
LATE_FRACTION = 0.6
#: Frames of this time, s, are recent.
LATE_WITHIN_S = 0.6
#: A slow host is judged by this many frames, if it captured fewer in that time …
FRAMES_MIN = 3
#: … and captured them within this time, s.
FRAMES_WITHIN_S = 1.5
#: A viewer that gets this many exact frames of grey content a second is not late: a stack is read well then.
FLUENT_PER_S = 20.0
#: A viewer of coloured content is late below this fraction of its frames: a film has to keep its pace.
STEADY_FRACTION = 0.9
#: Content is coloured if this fraction of the tiles encoded lately is.
COLOURED_FRACTION = 0.5
#: Highest frame rate that is expected of content while a slow host hides it, frames/s.
FILM_PER_S = 30.0

# A viewer is starved.
#: A viewer is starved if it took at most this fraction of the recent frames in time.
STARVED_FRACTION = 0.5
#: Frames of this time, s, are recent.
STARVED_WITHIN_S = 0.2
#: A frame that waited for longer, s, has hidden another one: it was not taken in time.
STALE_S = 0.04

# Video ends.
#: Tiles replace video during a motion only if they need less than this fraction of the link's rate …
LOAD_LEAVE = 0.5
#: … for this time, s, which doubles each time that video is needed again at once …
LEAVE_AFTER_S = 4.0
#: … up to this time, s.
LEAVE_AFTER_MAX_S = 60.0
#: Shortest and longest time without a substantial change that counts as rest, s.
REST_MIN_S, REST_MAX_S = 0.06, 0.2
#: Rest in multiples of the mean interval between changes.
REST_INTERVALS = 2.5
#: A change of less than this fraction of the region, such as a caret or a clock, does not prevent rest.
SUBSTANTIAL_FRACTION = 0.05
#: Video below this rate, frames/s, is not fluent.
VIDEO_FLUENT_PER_S = 15.0
#: The rate of video is measured over this time, s.
VIDEO_TRIAL_S = 2.0
#: Frames that are remembered: captures are limited to 120 a second.
FRAMES_MAX = 300
#: After video was not fluent, tiles that are late because of the host stay for this time, s, twice as long
#: each time, up to the second value.
VIDEO_RETRY_S, VIDEO_RETRY_MAX_S = 10.0, 60.0

# The region changes.
#: The motion no longer fits the region if this many tiles outside the region move …
OUTGROWN_TILES = 16
#: … for this time, s.
REFIT_S = 0.5
#: A region that is more than twice as large as the motion is replaced after this time, s.
SHRINK_S = 2.0


@dataclass(frozen=True, slots=True)
class LinkEstimate:
    """What is known of the link to a viewer, and of the tiles that it was sent."""

    rate_bytes_per_s: float | None
    #: Mean size of a changed tile as encoded lately.
    payload_bytes: float
    #: Fraction of these tiles that are coloured.
    coloured: float = 0.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """A captured frame: when, how long its damage waited, whether the viewer could take it as tiles, and for
    how long before it changes could be seen.
    """

    at_s: float
    waited_s: float
    viewer_ready: bool
    visible_s: float


class MotionDetector:
    """Observes one monitor for one viewer. Call `on_frame` for each captured frame, then `choose_region`."""

    def __init__(self, tiles: int, columns: int, policy: MotionPolicy) -> None:
        self._activity = Activity(tiles)
        self._columns = columns
        self._policy = policy
        #: The region that is shown as video, or None.
        self.region: Region | None = None
        self._members: Mask = np.zeros(tiles, np.bool_)
        self._frames: deque[_Frame] = deque(maxlen=FRAMES_MAX)
        self._moved_s = -np.inf
        self._interval_s = 1 / FILM_PER_S
        self._began_s = -np.inf
        self._ended_s = -np.inf
        #: Since when the motion has outgrown the region, is much smaller, or could be tiles again.
        self._outgrown_s: float | None = None
        self._oversized_s: float | None = None
        self._light_s: float | None = None
        self._leave_after_s = LEAVE_AFTER_S
        #: Bytes per second that tiles would have needed when they were last late.
        self._late_demand = np.inf
        self._trial_s = -np.inf
        self._trial_frames = 0
        self._video_retry_s = VIDEO_RETRY_S
        self._host_limited_until_s = -np.inf

    def on_frame(
        self, tiles: Tiles, waited_s: float, now_s: float, *, viewer_ready: bool, delay_s: float = 0.0
    ) -> None:
        """Takes note of a new frame, in which these tiles differ from the frame before.

        `waited_s` is how long the damage waited for the host or for the viewer. `viewer_ready` tells whether
        the viewer can be sent tiles now. `delay_s` is the time from the first damage until now, which the
        host needed to get round to the capture and to make it.
        """
        visible_s = self._activity.changed(tiles, now_s, delay_s=delay_s)
        self._frames.append(_Frame(now_s, waited_s, viewer_ready, visible_s))
        if self.region is None:
            return
        if np.count_nonzero(self._members[tiles]) >= SUBSTANTIAL_FRACTION * self.region.count:
            interval_s = now_s - self._moved_s
            if interval_s < REST_MAX_S:
                self._interval_s += (interval_s - self._interval_s) * 0.2
            self._moved_s = now_s

    def choose_region(
        self, link: LinkEstimate, now_s: float, *, video_frames: int | None = None
    ) -> Region | None:
        """Returns the region to be shown as video now, or None.

        `video_frames` counts the video frames that were encoded so far; without it every captured frame
        counts.
        """
        if self.region is None:
            self._consider_video(link, now_s)
            self._begin_trial(now_s, video_frames)
        elif now_s >= self.rest_deadline_s:
            self._leave(now_s)
        elif self._video_is_slow(link, now_s, video_frames):
            self._host_limited_until_s = now_s + self._video_retry_s
            self._video_retry_s = min(VIDEO_RETRY_MAX_S, 2 * self._video_retry_s)
            self._leave(now_s)
        else:
            self._adapt(link, now_s)
        return self.region

    @property
    def rest_deadline_s(self) -> float:
        """When the motion counts as at rest unless a substantial change comes before."""
        rest_s = min(REST_MAX_S, max(REST_MIN_S, REST_INTERVALS * self._interval_s))
        return self._moved_s + rest_s

    def stop(self, now_s: float) -> None:
        """Ends video, because it is not available or the monitor has changed."""
        if self.region is not None:
            self._leave(now_s)

    def is_starved(self, now_s: float) -> bool:
        """Returns whether something moves and the viewer took few of the latest frames in time."""
        frames = self._recent(STARVED_WITHIN_S, now_s)
        taken = sum(frame.viewer_ready and frame.waited_s <= STALE_S for frame in frames)
        return (
            len(frames) >= FRAMES_MIN
            and taken <= STARVED_FRACTION * len(frames)
            and taken < FLUENT_PER_S * STARVED_WITHIN_S
            and int(np.count_nonzero(self._activity.hot(now_s))) >= TILES_MIN
        )

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _recent(self, within_s: float, now_s: float) -> list[_Frame]:
        """Returns the frames of this time, or the last FRAMES_MIN if a slow host captured fewer."""
        frames = [frame for frame in self._frames if now_s - frame.at_s <= max(within_s, FRAMES_WITHIN_S)]
        count = sum(now_s - frame.at_s <= within_s for frame in frames)
        return frames[-max(count, FRAMES_MIN) :]

    def _consider_video(self, link: LinkEstimate, now_s: float) -> None:
        if self._policy is MotionPolicy.EXACT:
            return
        hot = self._activity.hot(now_s)
        if np.count_nonzero(hot) < TILES_MIN:
            return
        region = largest_region(hot, self._columns)
        if region is None or region.count < TILES_MIN:
            return
        if self._policy is MotionPolicy.ADAPTIVE and not self._overloaded(hot, link, now_s):
            return
        if now_s - self._ended_s < LEAVE_AFTER_S and self._light_s is not None:
            self._leave_after_s = min(LEAVE_AFTER_MAX_S, 2 * self._leave_after_s)
        self._begin(region, now_s)

    def _overloaded(self, hot: Mask, link: LinkEstimate, now_s: float) -> bool:
        """Returns whether tiles need more than the link carries, or come late."""
        demand = self._demand(hot, link, now_s)
        if link.rate_bytes_per_s is not None and demand > LOAD_MAX * link.rate_bytes_per_s:
            self._late_demand = np.inf
            return True
        if self._late(link, now_s):
            self._late_demand = demand
            return True
        return False

    def _late(self, link: LinkEstimate, now_s: float) -> bool:
        """Returns whether the link has room, but the host or the viewer does not keep up."""
        recent = self._recent(LATE_WITHIN_S, now_s)
        taken = sum(frame.viewer_ready for frame in recent)
        coloured = link.coloured >= COLOURED_FRACTION
        if now_s < self._host_limited_until_s and taken >= STEADY_FRACTION * len(recent):
            return False  # the host is to blame, and video was no better
        if coloured and self.is_starved(now_s):
            return True
        enough = STEADY_FRACTION * _frames_due(recent) if coloured else FLUENT_PER_S * LATE_WITHIN_S
        late = sum(frame.waited_s > LATE_S for frame in recent)
        return (
            len(recent) >= FRAMES_MIN
            and late > LATE_FRACTION * len(recent)
            and taken < enough
            and now_s - self._frames[0].at_s >= LATE_WITHIN_S
        )

    def _demand(self, tiles: Mask, link: LinkEstimate, now_s: float) -> float:
        """Returns how many bytes a second these tiles would need."""
        return float(self._activity.rates_per_s(now_s)[tiles].sum()) * link.payload_bytes

    def _begin_trial(self, now_s: float, video_frames: int | None) -> None:
        self._trial_s = now_s
        self._trial_frames = video_frames or 0

    def _video_is_slow(self, link: LinkEstimate, now_s: float, video_frames: int | None) -> bool:
        """Returns whether this host cannot make fluent video, and the link carries the motion as tiles."""
        elapsed_s = now_s - self._trial_s
        if elapsed_s < VIDEO_TRIAL_S:
            return False
        recent = self._recent(elapsed_s, now_s)
        frames = len(recent) if video_frames is None else video_frames - self._trial_frames
        self._begin_trial(now_s, video_frames)
        slow = frames < VIDEO_FLUENT_PER_S * elapsed_s
        # Content that itself changes less often cannot be shown more often.
        content_is_slow = _frames_due(recent) < VIDEO_FLUENT_PER_S * elapsed_s
        if not slow or content_is_slow:
            self._video_retry_s = VIDEO_RETRY_S
            return False
        if self._policy is not MotionPolicy.ADAPTIVE or link.rate_bytes_per_s is None:
            return False
        return self._demand(self._members, link, now_s) < LOAD_MAX * link.rate_bytes_per_s

    def _adapt(self, link: LinkEstimate, now_s: float) -> None:
        """Fits the region to the motion, and returns to tiles when the link carries them again."""
        assert self.region is not None
        hot = self._activity.hot(now_s)
        box = largest_region(hot, self._columns)
        # 1. The motion outgrew the region, or fills less than half of the region.
        outside = np.count_nonzero(hot & ~self._members)
        outgrown = box is not None and bool(outside >= OUTGROWN_TILES) and not self.region.contains(box)
        self._outgrown_s = _since(self._outgrown_s, outgrown, now_s)
        oversized = box is not None and 2 * box.count < self.region.count and box.count >= TILES_MIN
        self._oversized_s = _since(self._oversized_s, oversized, now_s)
        refit = self._outgrown_s is not None and now_s - self._outgrown_s >= REFIT_S
        shrink = self._oversized_s is not None and now_s - self._oversized_s >= SHRINK_S
        if box is not None and (refit or shrink):
            self._begin(box, now_s, same_motion=True)
            return
        # 2. The link carries the motion as tiles again, and the viewer can take them.
        if self._policy is MotionPolicy.ADAPTIVE and link.rate_bytes_per_s is not None:
            bearable = LOAD_LEAVE * min(link.rate_bytes_per_s, self._late_demand)
            light = self._demand(self._members, link, now_s) < bearable
            self._light_s = _since(self._light_s, light, now_s)
            if self._light_s is not None and now_s - max(self._light_s, self._began_s) >= self._leave_after_s:
                self._leave(now_s, light=True)

    def _begin(self, region: Region, now_s: float, *, same_motion: bool = False) -> None:
        """Begins video. With `same_motion` the motion goes on in a region that fits it better."""
        self.region = region
        self._members.fill(False)
        self._members[region.tiles(self._columns)] = True
        if not same_motion:
            self._moved_s, self._interval_s = now_s, 1 / FILM_PER_S
        self._began_s = now_s
        self._outgrown_s = self._oversized_s = self._light_s = None

    def _leave(self, now_s: float, *, light: bool = False) -> None:
        """Ends video. `light`: the motion goes on, and the link carries it as tiles."""
        self.region = None
        self._ended_s = now_s
        self._frames.clear()
        self._light_s = now_s if light else None
        if not light:
            self._leave_after_s = LEAVE_AFTER_S


def _since(since_s: float | None, condition: bool, now_s: float) -> float | None:
    """Returns since when the condition has been true without interruption, or None."""
    if not condition:
        return None
    return since_s if since_s is not None else now_s


def _frames_due(frames: list[_Frame]) -> float:
    """Returns how many frames the content had in the time of these captured ones, as far as can be seen."""
    if len(frames) < 2:
        return len(frames)
    span_s = frames[-1].at_s - frames[0].at_s
    visible_s = sum(frame.visible_s for frame in frames[1:])
    rate_per_s = min(FILM_PER_S, (len(frames) - 1) / visible_s) if visible_s > 0 else FILM_PER_S
    return max(float(len(frames)), 1 + rate_per_s * span_s)
