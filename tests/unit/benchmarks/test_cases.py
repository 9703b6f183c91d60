"""The cases on a desktop that is played: what they ask of it, and what they make of what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.cases.case import Bench, Effort
from benchmarks.cases.exactness import PSNR_MAX_DB, wrongness
from benchmarks.cases.play import play
from benchmarks.cases.scroll_back import scroll_back
from benchmarks.cases.slow import slow
from benchmarks.content.frames import KINDS, frame
from benchmarks.content.stage import Shown
from benchmarks.driver.browser import Quantiles, Seen, SurfaceError, Watched
from benchmarks.driver.meter import Reading
from benchmarks.driver.streams import Wire
from benchmarks.links.link import LOOPBACK, parse_link
from benchmarks.peers.subject import SubjectFailedError
from benchmarks.run import CASES, QUICK_CASES, first_frame

POLLS = Quantiles(100, 1.0, 1.5, 3.0)
#: Frames begin at this number; one is drawn each STEP_MS and seen LATE_MS later.
FIRST, STEP_MS, LATE_MS = 10, 20.0, 7.0
#: What each pass costs.
DOWN_BYTES, AGENT_S, X_SERVER_S, BROWSER_S = 60_000, 0.2, 0.1, 0.5


class PlayedDesktop:
    """Bench, stage and surface in one. Drops some frames and spoils some by one level all over."""

    place = (0, 0, 1024, 1024)
    effort = Effort(seconds=0.2)
    link = LOOPBACK
    checksums: dict[int, tuple[int, int]] = {}  # noqa: RUF012 - never written to

    def __init__(
        self,
        *,
        dropped: Sequence[int] = (),
        spoilt: Sequence[int] = (),
        refined_ms: float | None = None,
        first_round: bool = True,
    ) -> None:
        self.stage = self.surface = self
        self.first_round = first_round
        self.passes: list[bool] = []  # whether each was checked
        self.order: list[str] = []
        self._dropped, self._spoilt, self._refined_ms = dropped, spoilt, refined_ms
        self._kind = "stack"
        self._drawn: list[Shown] = []

    def bench(self) -> Bench:
        return cast(Bench, self)

    def pause(self, ms: float) -> None:
        """No time passes here."""

    def meter(self) -> PlayedMeter:
        return PlayedMeter()

    def load(self, count: int, kind: str = "stack") -> range:
        self._kind = kind
        return range(FIRST, FIRST + count)

    def play(self, order: Sequence[int], rate: float) -> None:
        self.order.append("play")
        self._drawn = [Shown(number, 1000 + place * STEP_MS) for place, number in enumerate(order)]

    def still(self, number: int) -> Shown:
        self._drawn.append(Shown(number, 1000 + len(self._drawn) * STEP_MS))
        return self._drawn[-1]

    def played(self, timeout_s: float) -> list[Shown]:
        return self._drawn

    def blank(self) -> None:
        self.order.append("blank")
        self._drawn = []

    def start(self, *place: object, size_px: object = None, expected: object = None) -> None:
        self.passes.append(expected is not None)

    def wait_for(self, number: int, timeout_s: float) -> bool:
        return number not in self._dropped

    settle = wait_for

    def stop(self) -> Watched:
        checked = self.passes[-1]
        shown = [drawn for drawn in self._drawn if drawn.number not in self._dropped]
        seen = [self._seen(drawn, checked, last=drawn is self._drawn[-1]) for drawn in shown]
        wrong = {drawn.number: self._spoil(drawn.number) for drawn in shown if drawn.number in self._spoilt}
        return Watched(seen, [], 0, POLLS, POLLS, POLLS, wrong if checked else {})

    def _seen(self, drawn: Shown, checked: bool, *, last: bool) -> Seen:
        at = drawn.epoch_ms + LATE_MS
        if not checked:
            return Seen(drawn.number, at, None, None, 0)
        if drawn.number not in self._spoilt:
            return Seen(drawn.number, at, True, at, 1)
        refined = last and self._refined_ms is not None
        return Seen(drawn.number, at, False, at + (self._refined_ms or 0) if refined else None, 4)

    def _spoil(self, number: int) -> NDArray[np.uint8]:
        source = frame(self._kind, number)
        spoilt: NDArray[np.uint8] = np.where(source < 255, source + 1, source - 1).ravel()
        return spoilt


class PlayedMeter:
    def __init__(self) -> None:
        self._asked = 0

    def start(self) -> None:
        """Nothing is read."""

    def wire(self) -> Wire:
        self._asked += 1
        return Wire(self._asked * DOWN_BYTES // 4, 0)

    def stop(self) -> Reading:
        spent = {"agent": AGENT_S, "x_server": X_SERVER_S, "browser": BROWSER_S, "content": 9.0}
        return Reading(0.5, DOWN_BYTES, 400, spent, 0.0)


def test_frames_are_counted_and_costs_fall_on_those_that_were_shown() -> None:
    figures = play("stack", 50)(PlayedDesktop(dropped=[13, 14]).bench()).figures
    assert (figures["sent"], figures["shown"], figures["shown_share"]) == (10, 8, 0.8)
    assert figures["delay_p50_ms"] == LATE_MS
    assert figures["gap_max_ms"] == 3 * STEP_MS
    assert figures["down_kb_per_slice"] == DOWN_BYTES / 1e3 / 8
    assert figures["server_ms_per_slice"] == pytest.approx((AGENT_S + X_SERVER_S) * 1e3 / 8)
    assert figures["x_server_cores"] == pytest.approx(X_SERVER_S / 0.2)
    assert figures["browser_cores"] == pytest.approx(BROWSER_S / 0.2)
    assert (figures["down_bytes"], figures["up_bytes"]) == (DOWN_BYTES, 400)
    assert figures["moving_mbps"] == pytest.approx(DOWN_BYTES / 4 * 8 / 0.1 / 1e6)
    assert figures["shown_per_s"] == pytest.approx(40)
    assert figures["playing_per_s"] == pytest.approx(50), "both that were dropped were among the first half"


def test_each_pass_begins_with_an_empty_screen() -> None:
    desktop = PlayedDesktop()
    play("stack", 50)(desktop.bench())
    assert desktop.order == ["blank", "play", "blank", "play", "blank"]


def test_over_a_link_the_time_of_the_exact_bytes_is_told_apart() -> None:
    desktop = PlayedDesktop(spoilt=[LAST], refined_ms=90)
    desktop.link = parse_link("20")
    figures = play("stack", 50)(desktop.bench()).figures
    needed_ms = DOWN_BYTES * 8 / 20e3
    assert figures["exact_kb"] == DOWN_BYTES / 1e3
    assert figures["stop_to_exact_beyond_bytes_ms"] == pytest.approx(LATE_MS + 90 - needed_ms)
    assert "exact_kb" not in play("stack", 50)(PlayedDesktop().bench()).figures


def test_gaps_and_delays_are_kept_for_the_report() -> None:
    series = play("stack", 50)(PlayedDesktop(dropped=[13]).bench()).series
    assert series["gap_ms"] == [STEP_MS, STEP_MS, 2 * STEP_MS, *[STEP_MS] * 5]
    assert series["delay_ms"] == [LATE_MS] * 9


def test_checking_is_a_pass_of_its_own_in_the_first_round_alone() -> None:
    first, second = PlayedDesktop(), PlayedDesktop(first_round=False)
    assert "exact_share" in play("stack", 50)(first.bench()).figures
    assert first.passes == [False, True]
    assert "exact_share" not in play("stack", 50)(second.bench()).figures
    assert second.passes == [False]


def test_wrong_frames_are_judged_by_their_source() -> None:
    figures = play("typing", 50)(PlayedDesktop(spoilt=[12, 15]).bench()).figures
    assert figures["exact_share"] == 0.8
    assert figures["wrong_pixel_share"] == 1
    assert figures["max_error_levels"] == 1
    assert figures["psnr_db"] == pytest.approx(48.13, abs=0.01)


LAST = FIRST + 9


@pytest.mark.parametrize(
    ("faults", "at_rest", "stop_to_exact_ms"),
    [
        ({}, 1, LATE_MS),
        ({"spoilt": [LAST], "refined_ms": 900.0}, 1, LATE_MS + 900),
        ({"spoilt": [LAST]}, 0, None),
        ({"dropped": [LAST]}, 0, None),
    ],
    ids=["exact at once", "refined at rest", "never exact", "never shown"],
)
def test_it_is_told_whether_and_when_the_last_frame_becomes_exact(
    faults: dict[str, Sequence[int]], at_rest: float, stop_to_exact_ms: float | None
) -> None:
    figures = play("stack", 50)(PlayedDesktop(**faults).bench()).figures  # type: ignore[arg-type]
    assert figures["exact_at_rest"] == at_rest
    assert figures.get("stop_to_exact_ms") == stop_to_exact_ms


def test_what_is_refined_at_rest_was_not_exact_in_motion() -> None:
    refined = play("stack", 50)(PlayedDesktop(spoilt=[LAST], refined_ms=50).bench()).figures
    assert refined["exact_share"] == 0.9


def test_slow_motion_divides_by_all_frames_and_tells_each_role() -> None:
    figures = slow("stack", 10)(PlayedDesktop().bench()).figures
    assert (figures["frames"], figures["missed"]) == (10, 0)
    assert figures["down_kb_per_frame"] == DOWN_BYTES / 1e3 / 10
    assert figures["server_ms_per_frame"] == pytest.approx(30)
    assert figures["agent_ms_per_frame"] == pytest.approx(20)
    assert figures["x_server_ms_per_frame"] == pytest.approx(10)
    assert figures["browser_ms_per_frame"] == pytest.approx(50)


def test_slow_motion_without_a_frame_is_no_cost_but_a_failure() -> None:
    with pytest.raises(SurfaceError, match="frame 5 of 10 was not seen"):
        slow("stack", 10)(PlayedDesktop(dropped=[FIRST + 4]).bench())


def test_a_subject_that_shows_nothing_fails_before_any_case() -> None:
    first_frame(PlayedDesktop().bench())
    with pytest.raises(SubjectFailedError, match="did not come onto it"):
        first_frame(PlayedDesktop(dropped=[FIRST]).bench())


def test_scrolling_back_is_compared_with_the_way_there() -> None:
    desktop = PlayedDesktop()
    figures = scroll_back(desktop.bench()).figures
    assert figures["back_share"] == 1
    assert desktop.passes == [False, True]


def test_what_does_not_differ_has_no_error() -> None:
    picture = frame("typing", 3)
    error = wrongness(picture.ravel(), picture)
    assert (error.pixel_share, error.worst_levels, error.psnr_db) == (0, 0, PSNR_MAX_DB)


def test_every_kind_is_played_and_has_its_slow_motion() -> None:
    for kind in KINDS:
        assert f"{kind}-slow" in CASES
        assert any(case.removeprefix(kind).isdigit() for case in CASES)
    assert set(QUICK_CASES) <= set(CASES)
