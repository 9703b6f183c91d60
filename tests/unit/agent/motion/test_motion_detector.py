"""When a part of a monitor goes as video."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from display_server.agent.motion.motion_detector import (
    LEAVE_AFTER_S,
    LinkEstimate,
    MotionDetector,
    MotionPolicy,
)
from display_server.agent.motion.region import Region

COLUMNS, ROWS = 30, 17
STACK = Region(2, 1, 16, 16)
SLOW = LinkEstimate(rate_bytes_per_s=2.5e6, payload_bytes=600)
QUICK = LinkEstimate(rate_bytes_per_s=200e6, payload_bytes=600)
IN_COLOUR = LinkEstimate(rate_bytes_per_s=200e6, payload_bytes=600, coloured=0.8)
CARET = np.array([0], np.int32)


class Desk:
    """A chooser, and what is drawn for it."""

    def __init__(self, policy: MotionPolicy) -> None:
        self.chooser = MotionDetector(COLUMNS * ROWS, COLUMNS, policy)
        self.now_s = 100.0

    def draw(
        self,
        region: Region,
        seconds: float,
        rate: float,
        way: LinkEstimate,
        *,
        waited_s: float = 0.0,
        taken: bool = True,
    ) -> list[Region | None]:
        chosen = []
        for _ in range(round(seconds * rate)):
            self.chooser.on_frame(region.tiles(COLUMNS), waited_s, self.now_s, viewer_ready=taken)
            chosen.append(self.chooser.choose_region(way, self.now_s))
            self.now_s += 1 / rate
        return chosen

    def rest(self, seconds: float, way: LinkEstimate, *, caret: bool = False) -> Region | None:
        until_s = self.now_s + seconds
        blink_s = self.now_s
        while self.now_s < until_s:
            if caret and self.now_s >= blink_s:
                self.chooser.on_frame(CARET, 0.0, self.now_s, viewer_ready=True)
                blink_s += 0.05
            self.chooser.choose_region(way, self.now_s)
            self.now_s += 0.005
        return self.chooser.region


def test_what_the_way_carries_stays_exact() -> None:
    assert set(Desk(MotionPolicy.ADAPTIVE).draw(STACK, 20, 60, QUICK)) == {None}


def test_what_it_cannot_carry_becomes_video_within_a_few_pictures() -> None:
    chosen = Desk(MotionPolicy.ADAPTIVE).draw(STACK, 1, 60, SLOW)
    assert chosen[-1] == STACK
    assert chosen.count(None) <= 4


def test_pictures_that_wait_tell_of_a_slow_viewer() -> None:
    chosen = Desk(MotionPolicy.ADAPTIVE).draw(STACK, 1, 15, QUICK, waited_s=0.03)
    assert chosen[-1] == STACK


def test_pictures_that_nobody_could_take_tell_the_same() -> None:
    desk = Desk(MotionPolicy.ADAPTIVE)
    assert desk.draw(STACK, 1, 30, QUICK, waited_s=0.2, taken=False)[-1] == STACK


@pytest.mark.parametrize(("way", "video"), [(QUICK, False), (IN_COLOUR, True)])
def test_a_film_keeps_its_pace_where_a_stack_stays_exact(way: LinkEstimate, video: bool) -> None:
    """Every fifth picture of 30 a second is lost."""
    desk = Desk(MotionPolicy.ADAPTIVE)
    for number in range(60):
        desk.draw(STACK, 1 / 30, 30, way, waited_s=0.04, taken=number % 5 > 0)
    assert (desk.chooser.region is not None) is video


@pytest.mark.parametrize(("way", "within_s"), [(IN_COLOUR, 0.25), (QUICK, 1.0)])
def test_a_film_that_stands_still_is_waited_for_less_than_a_stack(way: LinkEstimate, within_s: float) -> None:
    """Every fifth picture reaches the viewer."""
    desk = Desk(MotionPolicy.ADAPTIVE)
    began_s = desk.now_s
    for number in range(60):
        desk.draw(STACK, 1 / 30, 30, way, waited_s=0.03, taken=number % 5 == 0)
        if desk.chooser.region is not None:
            break
    assert desk.now_s - began_s <= within_s


def test_who_starves_is_known_before_it_is_decided() -> None:
    desk = Desk(MotionPolicy.ADAPTIVE)
    desk.draw(STACK, 0.2, 30, QUICK, waited_s=0.03, taken=False)
    assert desk.chooser.is_starved(desk.now_s)
    desk.rest(1.0, QUICK)
    assert not desk.chooser.is_starved(desk.now_s)


def test_who_takes_pictures_now_and_then_does_not_starve_of_a_caret() -> None:
    desk = Desk(MotionPolicy.ADAPTIVE)
    desk.draw(Region(0, 0, 1, 1), 0.5, 60, IN_COLOUR, waited_s=0.03, taken=False)
    assert not desk.chooser.is_starved(desk.now_s)


def test_what_the_viewer_could_not_take_stays_video_on_any_way() -> None:
    """The way has room for it, but that was not what was short."""
    desk = Desk(MotionPolicy.ADAPTIVE)
    desk.draw(STACK, 2, 30, IN_COLOUR, waited_s=0.04, taken=False)
    assert set(desk.draw(STACK, 30, 30, IN_COLOUR)) == {STACK}
    assert desk.draw(STACK, LEAVE_AFTER_S + 1, 12, IN_COLOUR)[-1] is None, "a third of it is bearable"


def test_a_film_that_keeps_its_pace_stays_exact() -> None:
    assert set(Desk(MotionPolicy.ADAPTIVE).draw(STACK, 10, 30, IN_COLOUR, waited_s=0.03)) == {None}


def test_late_but_fluent_pictures_stay_exact() -> None:
    """A busy viewer that still gets 27 exact slices a second has nothing to win by lossy ones."""
    assert set(Desk(MotionPolicy.ADAPTIVE).draw(STACK, 10, 27, QUICK, waited_s=0.04)) == {None}


def test_exact_is_never_left() -> None:
    assert set(Desk(MotionPolicy.EXACT).draw(STACK, 3, 60, SLOW, waited_s=0.1)) == {None}


def test_economy_takes_video_for_whatever_moves() -> None:
    assert Desk(MotionPolicy.ECONOMY).draw(STACK, 0.3, 30, QUICK)[-1] == STACK


@pytest.mark.parametrize("policy", MotionPolicy)
def test_small_things_stay_tiles(policy: MotionPolicy) -> None:
    assert set(Desk(policy).draw(Region(3, 3, 6, 6), 3, 60, SLOW, waited_s=0.1)) == {None}


def test_slow_changes_are_no_motion() -> None:
    assert set(Desk(MotionPolicy.ECONOMY).draw(STACK, 5, 4, SLOW)) == {None}


@pytest.mark.parametrize("rate", [15, 30, 60])
def test_rest_brings_tiles_back_whatever_blinks_beside(rate: int) -> None:
    desk = Desk(MotionPolicy.ADAPTIVE)
    assert desk.draw(STACK, 1, rate, SLOW)[-1] == STACK
    last_s = desk.now_s - 1 / rate
    assert desk.chooser.rest_deadline_s - last_s <= 0.2
    assert desk.rest(0.25, SLOW, caret=True) is None


def test_a_steady_motion_keeps_its_region() -> None:
    chosen = Desk(MotionPolicy.ECONOMY).draw(STACK, 30, 30, QUICK)
    assert set(chosen[10:]) == {STACK}


def test_a_region_follows_what_outgrows_it() -> None:
    desk = Desk(MotionPolicy.ECONOMY)
    desk.draw(STACK, 1, 30, QUICK)
    screen = Region(0, 0, COLUMNS, ROWS)
    chosen = desk.draw(screen, 2, 30, QUICK)
    assert chosen[-1] == screen
    assert len(set(chosen)) == 2


def test_tiles_return_when_the_way_has_become_wide() -> None:
    desk = Desk(MotionPolicy.ADAPTIVE)
    desk.draw(STACK, 1, 30, SLOW)
    chosen = desk.draw(STACK, LEAVE_AFTER_S + 1, 30, QUICK)
    assert chosen[0] == STACK
    assert chosen[-1] is None


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([5.0, 15.0, 30.0, 60.0]), st.sampled_from([SLOW, QUICK]), st.floats(0.05, 2)
        ),
        max_size=6,
    ),
    st.sampled_from(MotionPolicy),
)
def test_whatever_happened_rest_is_exact(
    parts: list[tuple[float, LinkEstimate, float]], policy: MotionPolicy
) -> None:
    desk = Desk(policy)
    for rate, way, seconds in parts:
        desk.draw(STACK, seconds, rate, way)
    assert desk.rest(0.3, SLOW, caret=True) is None
