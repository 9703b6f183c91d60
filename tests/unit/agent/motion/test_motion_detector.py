"""When a part of a monitor is shown as video."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.motion_detector import (
    LEAVE_AFTER_S,
    LinkEstimate,
    MotionDetector,
    MotionPolicy,
)
from display_server.agent.motion.region import Region
from tests.examples import examples

COLUMNS, ROWS = 30, 17
STACK = Region(2, 1, 16, 16)
SLOW = LinkEstimate(rate_bytes_per_s=2.5e6, payload_bytes=600)
QUICK = LinkEstimate(rate_bytes_per_s=200e6, payload_bytes=600)
IN_COLOUR = LinkEstimate(rate_bytes_per_s=200e6, payload_bytes=600, coloured=0.8)
CARET = np.array([0], np.int32)


class Scene:
    """A detector, and the content that is drawn in front of it."""

    def __init__(self, policy: MotionPolicy) -> None:
        self.detector = MotionDetector(COLUMNS * ROWS, COLUMNS, policy)
        self.now_s = 100.0

    def draw(
        self,
        region: Region,
        seconds: float,
        rate: float,
        link: LinkEstimate,
        *,
        waited_s: float = 0.0,
        viewer_ready: bool = True,
    ) -> list[Region | None]:
        chosen = []
        for _ in range(round(seconds * rate)):
            self.detector.on_frame(region.tiles(COLUMNS), waited_s, self.now_s, viewer_ready=viewer_ready)
            chosen.append(self.detector.choose_region(link, self.now_s))
            self.now_s += 1 / rate
        return chosen

    def rest(self, seconds: float, link: LinkEstimate, *, caret: bool = False) -> Region | None:
        until_s = self.now_s + seconds
        blink_s = self.now_s
        while self.now_s < until_s:
            if caret and self.now_s >= blink_s:
                self.detector.on_frame(CARET, 0.0, self.now_s, viewer_ready=True)
                blink_s += 0.05
            self.detector.choose_region(link, self.now_s)
            self.now_s += 0.005
        return self.detector.region


def test_tiles_that_the_link_carries_stay_exact() -> None:
    assert set(Scene(MotionPolicy.ADAPTIVE).draw(STACK, 20, 60, QUICK)) == {None}


def test_an_overloaded_link_gets_video_within_a_few_frames() -> None:
    chosen = Scene(MotionPolicy.ADAPTIVE).draw(STACK, 1, 60, SLOW)
    assert chosen[-1] == STACK
    assert chosen.count(None) <= 4


def test_frames_that_wait_make_it_video() -> None:
    chosen = Scene(MotionPolicy.ADAPTIVE).draw(STACK, 1, 15, QUICK, waited_s=0.03)
    assert chosen[-1] == STACK


def test_frames_that_the_viewer_cannot_take_make_it_video() -> None:
    scene = Scene(MotionPolicy.ADAPTIVE)
    assert scene.draw(STACK, 1, 30, QUICK, waited_s=0.2, viewer_ready=False)[-1] == STACK


@pytest.mark.parametrize(("link", "video"), [(QUICK, False), (IN_COLOUR, True)])
def test_a_film_keeps_its_pace_where_a_stack_stays_exact(link: LinkEstimate, video: bool) -> None:
    """The viewer misses every fifth of 30 frames a second."""
    scene = Scene(MotionPolicy.ADAPTIVE)
    for number in range(60):
        scene.draw(STACK, 1 / 30, 30, link, waited_s=0.04, viewer_ready=number % 5 > 0)
    assert (scene.detector.region is not None) is video


@pytest.mark.parametrize(("link", "within_s"), [(IN_COLOUR, 0.25), (QUICK, 1.0)])
def test_a_stalled_film_becomes_video_sooner_than_a_stack(link: LinkEstimate, within_s: float) -> None:
    """Every fifth frame reaches the viewer."""
    scene = Scene(MotionPolicy.ADAPTIVE)
    began_s = scene.now_s
    for number in range(60):
        scene.draw(STACK, 1 / 30, 30, link, waited_s=0.03, viewer_ready=number % 5 == 0)
        if scene.detector.region is not None:
            break
    assert scene.now_s - began_s <= within_s


def test_a_viewer_is_starved_before_video_begins() -> None:
    scene = Scene(MotionPolicy.ADAPTIVE)
    scene.draw(STACK, 0.2, 30, QUICK, waited_s=0.03, viewer_ready=False)
    assert scene.detector.is_starved(scene.now_s)
    scene.rest(1.0, QUICK)
    assert not scene.detector.is_starved(scene.now_s)


def test_a_caret_starves_nobody() -> None:
    scene = Scene(MotionPolicy.ADAPTIVE)
    scene.draw(Region(0, 0, 1, 1), 0.5, 60, IN_COLOUR, waited_s=0.03, viewer_ready=False)
    assert not scene.detector.is_starved(scene.now_s)


def test_video_for_a_slow_viewer_stays_on_any_link() -> None:
    """The link has room for tiles, but the viewer did not take them."""
    scene = Scene(MotionPolicy.ADAPTIVE)
    scene.draw(STACK, 2, 30, IN_COLOUR, waited_s=0.04, viewer_ready=False)
    assert set(scene.draw(STACK, 30, 30, IN_COLOUR)) == {STACK}
    assert scene.draw(STACK, LEAVE_AFTER_S + 1, 12, IN_COLOUR)[-1] is None, (
        "a third of the motion is bearable"
    )


def test_a_film_that_keeps_its_pace_stays_exact() -> None:
    assert set(Scene(MotionPolicy.ADAPTIVE).draw(STACK, 10, 30, IN_COLOUR, waited_s=0.03)) == {None}


def test_late_but_fluent_frames_stay_exact() -> None:
    """A busy viewer that still gets 27 exact slices a second gains nothing from lossy ones."""
    assert set(Scene(MotionPolicy.ADAPTIVE).draw(STACK, 10, 27, QUICK, waited_s=0.04)) == {None}


def test_the_exact_policy_never_uses_video() -> None:
    assert set(Scene(MotionPolicy.EXACT).draw(STACK, 3, 60, SLOW, waited_s=0.1)) == {None}


def test_the_economy_policy_uses_video_for_every_motion() -> None:
    assert Scene(MotionPolicy.ECONOMY).draw(STACK, 0.3, 30, QUICK)[-1] == STACK


@pytest.mark.parametrize("policy", MotionPolicy)
def test_small_regions_stay_tiles(policy: MotionPolicy) -> None:
    assert set(Scene(policy).draw(Region(3, 3, 6, 6), 3, 60, SLOW, waited_s=0.1)) == {None}


def test_slow_changes_are_no_motion() -> None:
    assert set(Scene(MotionPolicy.ECONOMY).draw(STACK, 5, 4, SLOW)) == {None}


@pytest.mark.parametrize("rate", [15, 30, 60])
def test_tiles_return_at_rest_although_a_caret_blinks(rate: int) -> None:
    scene = Scene(MotionPolicy.ADAPTIVE)
    assert scene.draw(STACK, 1, rate, SLOW)[-1] == STACK
    last_s = scene.now_s - 1 / rate
    assert scene.detector.rest_deadline_s - last_s <= 0.2
    assert scene.rest(0.25, SLOW, caret=True) is None


def test_a_steady_motion_keeps_its_region() -> None:
    chosen = Scene(MotionPolicy.ECONOMY).draw(STACK, 30, 30, QUICK)
    assert set(chosen[10:]) == {STACK}


def test_the_region_follows_a_motion_that_outgrows_it() -> None:
    scene = Scene(MotionPolicy.ECONOMY)
    scene.draw(STACK, 1, 30, QUICK)
    screen = Region(0, 0, COLUMNS, ROWS)
    chosen = scene.draw(screen, 2, 30, QUICK)
    assert chosen[-1] == screen
    assert len(set(chosen)) == 2


def test_tiles_return_when_the_link_has_become_fast() -> None:
    scene = Scene(MotionPolicy.ADAPTIVE)
    scene.draw(STACK, 1, 30, SLOW)
    chosen = scene.draw(STACK, LEAVE_AFTER_S + 1, 30, QUICK)
    assert chosen[0] == STACK
    assert chosen[-1] is None


@examples(50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([5.0, 15.0, 30.0, 60.0]), st.sampled_from([SLOW, QUICK]), st.floats(0.05, 2)
        ),
        max_size=6,
    ),
    st.sampled_from(MotionPolicy),
)
def test_rest_is_always_exact(parts: list[tuple[float, LinkEstimate, float]], policy: MotionPolicy) -> None:
    scene = Scene(policy)
    for rate, link, seconds in parts:
        scene.draw(STACK, seconds, rate, link)
    assert scene.rest(0.3, SLOW, caret=True) is None
