"""Motion on hosts that capture and encode few frames a second: it is detected all the same.

The viewer is to see at least 15 frames/s while something moves, or exact frames only, and exact content at
most 500 ms after rest. Time, capture and encoders are simulated.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest

from display_server.agent.motion.motion_detector import (
    VIDEO_FLUENT_PER_S,
    VIDEO_RETRY_S,
    VIDEO_TRIAL_S,
    LinkEstimate,
    MotionDetector,
    MotionPolicy,
)
from display_server.agent.motion.region import Region

pytestmark = pytest.mark.slow

COLUMNS, ROWS = 30, 17
STACK = Region(2, 1, 16, 16)
GREY = LinkEstimate(rate_bytes_per_s=200e6, payload_bytes=600)
COLOUR = LinkEstimate(rate_bytes_per_s=200e6, payload_bytes=600, coloured=0.8)
NARROW = LinkEstimate(rate_bytes_per_s=0.2e6, payload_bytes=600, coloured=0.8)
EXACT_WITHIN_S = 0.5


@dataclass
class SlowHost:
    """The pipeline of a host that needs this long for each step, and content that changes at `content_per_s`.

    Tiles are encoded before the next capture, video beside it.
    """

    link: LinkEstimate
    capture_s: float = 0.005
    tiles_s: float = 0.01
    video_s: float = 0.01
    content_per_s: float = 30.0
    policy: MotionPolicy = MotionPolicy.ADAPTIVE
    now_s: float = 100.0
    #: When video frames were encoded, and when exact frames were sent.
    video: list[float] = field(default_factory=list)
    exact: list[float] = field(default_factory=list)
    #: When the region became video, and when tiles again.
    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.detector = MotionDetector(COLUMNS * ROWS, COLUMNS, self.policy)
        self._encoder_free_s = self.now_s

    def play(self, seconds: float) -> None:
        """The content moves for this time."""
        start_s = self.now_s
        until_s = start_s + seconds
        changes_s = (start_s + number / self.content_per_s for number in itertools.count())
        damaged_s = next(changes_s)
        while damaged_s < until_s:
            begin_s = max(self.now_s, damaged_s)
            self.now_s = begin_s + self.capture_s
            delay_s = self.now_s - damaged_s
            damaged_s = next(change_s for change_s in changes_s if change_s > begin_s)
            self._observe(STACK.tiles(COLUMNS), begin_s - (self.now_s - delay_s), delay_s)

    def rest(self) -> float:
        """Nothing moves any more. Returns after how long the detector gives up video."""
        begin_s = self.now_s
        while self.detector.region is not None:
            self.now_s = max(self.now_s, self.detector.rest_deadline_s)
            self._choose()
        return self.now_s - begin_s

    def _observe(
        self, tiles: np.ndarray[tuple[int], np.dtype[np.int32]], waited_s: float, delay_s: float
    ) -> None:
        self.detector.on_frame(tiles, waited_s, self.now_s, viewer_ready=True, delay_s=delay_s)
        if self._choose() is None:
            self.now_s += self.tiles_s
            self.exact.append(self.now_s)
        elif self.now_s >= self._encoder_free_s:
            self._encoder_free_s = self.now_s + self.video_s
            self.video.append(self._encoder_free_s)

    def _choose(self) -> Region | None:
        before = self.detector.region
        region = self.detector.choose_region(self.link, self.now_s, video_frames=len(self.video))
        if before is None and region is not None:
            self.begun.append(self.now_s)
        elif before is not None and region is None:
            self.ended.append(self.now_s)
        return region


@pytest.mark.parametrize("period_s", [0.08, 0.1, 0.12, 0.15])
@pytest.mark.parametrize("capture_fraction", [0.2, 0.9])
@pytest.mark.parametrize(("link", "within_s"), [(COLOUR, 0.7), (GREY, 1.2)], ids=["colour", "grey"])
def test_motion_is_detected_however_few_frames_the_host_makes(
    link: LinkEstimate, within_s: float, capture_fraction: float, period_s: float
) -> None:
    capture_s = capture_fraction * period_s
    host = SlowHost(link, capture_s=capture_s, tiles_s=period_s - capture_s)
    host.play(within_s)
    assert host.detector.region == STACK


@pytest.mark.parametrize("period_s", [0.08, 0.1, 0.12, 0.15])
def test_the_economy_policy_detects_motion_as_well(period_s: float) -> None:
    host = SlowHost(COLOUR, capture_s=period_s, policy=MotionPolicy.ECONOMY)
    host.play(0.8)
    assert host.detector.region == STACK


@pytest.mark.parametrize("tiles_s", [0.08, 0.12, 0.15, 0.3])
def test_video_replaces_tiles_that_take_too_long_to_encode(tiles_s: float) -> None:
    host = SlowHost(COLOUR, tiles_s=tiles_s)
    host.play(10.0)
    assert len(host.begun) == 1
    assert not host.ended
    since_s = host.begun[0] + 0.1
    assert sum(at_s > since_s for at_s in host.video) >= VIDEO_FLUENT_PER_S * (host.now_s - since_s)


@pytest.mark.parametrize(
    ("capture_s", "video_s"), [(0.08, 0.01), (0.15, 0.01), (0.01, 0.1), (0.1, 0.2)], ids=str
)
@pytest.mark.parametrize("link", [COLOUR, GREY], ids=["colour", "grey"])
def test_exact_tiles_replace_video_that_the_host_cannot_make_fluently(
    link: LinkEstimate, capture_s: float, video_s: float
) -> None:
    """Few lossy frames are worse than few exact ones. Video is tried again later."""
    host = SlowHost(link, capture_s=capture_s, tiles_s=0.06, video_s=video_s)
    host.play(VIDEO_TRIAL_S + VIDEO_RETRY_S)
    assert len(host.begun) == 1
    assert host.ended[0] - host.begun[0] <= VIDEO_TRIAL_S + 0.3
    host.play(60.0)
    lossy_s = sum(end - begin for begin, end in zip(host.begun, host.ended, strict=False))
    assert lossy_s <= 0.15 * (host.now_s - 100.0)
    exact_before_s = [at_s for at_s in host.exact if host.ended[0] < at_s <= host.ended[0] + VIDEO_RETRY_S]
    assert len(exact_before_s) >= 0.8 * VIDEO_RETRY_S / (capture_s + 0.06)


def test_slow_video_stays_where_the_link_is_too_slow_for_tiles() -> None:
    host = SlowHost(NARROW, capture_s=0.1)
    host.play(20.0)
    assert len(host.begun) == 1
    assert not host.ended


@pytest.mark.parametrize("policy", MotionPolicy)
@pytest.mark.parametrize("capture_s", [0.01, 0.08, 0.15])
def test_slow_changes_are_no_motion(policy: MotionPolicy, capture_s: float) -> None:
    host = SlowHost(COLOUR, capture_s=capture_s, content_per_s=4.0, policy=policy)
    host.play(10.0)
    assert not host.begun


@pytest.mark.parametrize("content_per_s", [10.0, 12.0])
def test_video_of_slow_content_is_not_blamed_on_the_host(content_per_s: float) -> None:
    host = SlowHost(COLOUR, content_per_s=content_per_s, policy=MotionPolicy.ECONOMY)
    host.play(20.0)
    assert len(host.begun) == 1
    assert not host.ended


@pytest.mark.parametrize("period_s", [0.02, 0.08, 0.1, 0.12, 0.15])
def test_content_is_exact_soon_after_rest(period_s: float) -> None:
    host = SlowHost(NARROW, capture_s=period_s / 2, tiles_s=period_s / 2)
    host.play(3.0)
    assert host.detector.region == STACK
    assert host.rest() + host.capture_s + host.tiles_s <= EXACT_WITHIN_S
