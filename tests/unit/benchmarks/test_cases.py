"""Tests the cases with a simulated desktop: the commands they send and the figures they compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.cases.case import Bench, Effort
from benchmarks.cases.exactness import PSNR_MAX_DB, frame_error
from benchmarks.cases.play import play
from benchmarks.cases.scroll_back import scroll_back
from benchmarks.cases.slow import slow
from benchmarks.content.frames import KINDS, frame
from benchmarks.content.player import DrawnFrame
from benchmarks.driver.browser import Observation, Quantiles, SeenFrame, SurfaceError
from benchmarks.driver.meter import Reading
from benchmarks.driver.streams import Wire
from benchmarks.links.link import LOOPBACK, parse_link
from benchmarks.peers.subject import SubjectFailedError
from benchmarks.run import CASES, QUICK_CASES, first_frame

POLLS = Quantiles(100, 1.0, 1.5, 3.0)
#: Number of the first frame.
FIRST = 10
#: Interval between two frames, and the delay after which a frame is seen, ms.
STEP_MS, LATE_MS = 20.0, 7.0
#: Cost of each pass: bytes, and CPU seconds of the agent, the X server and the browser.
DOWN_BYTES, AGENT_S, X_SERVER_S, BROWSER_S = 60_000, 0.2, 0.1, 0.5


class SimulatedDesktop:
    """Simulates bench, player and surface. Drops some frames, and changes every pixel of some by one
    level."""

    frame_rect = (0, 0, 1024, 1024)
    effort = Effort(seconds=0.2)
    link = LOOPBACK
    checksums: dict[int, tuple[int, int]] = {}  # noqa: RUF012 - never written to

    def __init__(
        self,
        *,
        dropped: Sequence[int] = (),
        altered: Sequence[int] = (),
        refined_ms: float | None = None,
        first_round: bool = True,
    ) -> None:
        self.player = self.surface = self
        self.first_round = first_round
        self.passes: list[bool] = []  # for each pass whether it was checked
        self.calls: list[str] = []
        self._dropped, self._altered, self._refined_ms = dropped, altered, refined_ms
        self._kind = "stack"
        self._drawn: list[DrawnFrame] = []

    def bench(self) -> Bench:
        return cast(Bench, self)

    def pause(self, ms: float) -> None:
        """Returns at once."""

    def meter(self) -> SimulatedMeter:
        return SimulatedMeter()

    def load(self, count: int, kind: str = "stack") -> range:
        self._kind = kind
        return range(FIRST, FIRST + count)

    def play(self, numbers: Sequence[int], rate: float) -> None:
        self.calls.append("play")
        self._drawn = [DrawnFrame(number, 1000 + index * STEP_MS) for index, number in enumerate(numbers)]

    def show(self, number: int) -> DrawnFrame:
        self._drawn.append(DrawnFrame(number, 1000 + len(self._drawn) * STEP_MS))
        return self._drawn[-1]

    def wait_for_end(self, timeout_s: float) -> list[DrawnFrame]:
        return self._drawn

    def blank(self) -> None:
        self.calls.append("blank")
        self._drawn = []

    def start(self, *at: object, size_px: object = None, expected: object = None) -> None:
        self.passes.append(expected is not None)

    def wait_for(self, number: int, timeout_s: float) -> bool:
        return number not in self._dropped

    settle = wait_for

    def stop(self) -> Observation:
        checked = self.passes[-1]
        shown = [drawn for drawn in self._drawn if drawn.number not in self._dropped]
        seen = [self._seen(drawn, checked, last=drawn is self._drawn[-1]) for drawn in shown]
        wrong = {drawn.number: self._alter(drawn.number) for drawn in shown if drawn.number in self._altered}
        return Observation(seen, [], 0, POLLS, POLLS, POLLS, wrong if checked else {})

    def _seen(self, drawn: DrawnFrame, checked: bool, *, last: bool) -> SeenFrame:
        at = drawn.epoch_ms + LATE_MS
        if not checked:
            return SeenFrame(drawn.number, at, None, None, 0)
        if drawn.number not in self._altered:
            return SeenFrame(drawn.number, at, True, at, 1)
        refined = last and self._refined_ms is not None
        return SeenFrame(drawn.number, at, False, at + (self._refined_ms or 0) if refined else None, 4)

    def _alter(self, number: int) -> NDArray[np.uint8]:
        source = frame(self._kind, number)
        altered: NDArray[np.uint8] = np.where(source < 255, source + 1, source - 1).ravel()
        return altered


class SimulatedMeter:
    def __init__(self) -> None:
        self._reads = 0

    def start(self) -> None:
        """There is nothing to read."""

    def wire(self) -> Wire:
        self._reads += 1
        return Wire(self._reads * DOWN_BYTES // 4, 0)

    def stop(self) -> Reading:
        spent = {"agent": AGENT_S, "x_server": X_SERVER_S, "browser": BROWSER_S, "content": 9.0}
        return Reading(0.5, DOWN_BYTES, 400, spent, 0.0)


def test_counts_frames_and_divides_cost_by_those_shown() -> None:
    figures = play("stack", 50)(SimulatedDesktop(dropped=[13, 14]).bench()).figures
    assert (figures["sent"], figures["shown"], figures["shown_fraction"]) == (10, 8, 0.8)
    assert figures["delay_p50_ms"] == LATE_MS
    assert figures["frame_interval_max_ms"] == 3 * STEP_MS
    assert figures["down_kb_per_slice"] == DOWN_BYTES / 1e3 / 8
    assert figures["server_ms_per_slice"] == pytest.approx((AGENT_S + X_SERVER_S) * 1e3 / 8)
    assert figures["x_server_cores"] == pytest.approx(X_SERVER_S / 0.2)
    assert figures["browser_cores"] == pytest.approx(BROWSER_S / 0.2)
    assert (figures["down_bytes"], figures["up_bytes"]) == (DOWN_BYTES, 400)
    assert figures["steady_mbps"] == pytest.approx(DOWN_BYTES / 4 * 8 / 0.1 / 1e6)
    assert figures["shown_per_s"] == pytest.approx(40)
    assert figures["steady_shown_per_s"] == pytest.approx(50), "both dropped frames were in the first half"


def test_clears_the_screen_before_each_pass() -> None:
    desktop = SimulatedDesktop()
    play("stack", 50)(desktop.bench())
    assert desktop.calls == ["blank", "play", "blank", "play", "blank"]


def test_over_a_link_the_transfer_time_of_an_exact_frame_is_subtracted() -> None:
    desktop = SimulatedDesktop(altered=[LAST], refined_ms=90)
    desktop.link = parse_link("20")
    figures = play("stack", 50)(desktop.bench()).figures
    transfer_ms = DOWN_BYTES * 8 / 20e3
    assert figures["exact_kb"] == DOWN_BYTES / 1e3
    assert figures["stop_to_exact_minus_transfer_ms"] == pytest.approx(LATE_MS + 90 - transfer_ms)
    assert "exact_kb" not in play("stack", 50)(SimulatedDesktop().bench()).figures


def test_keeps_frame_intervals_and_delays_for_the_report() -> None:
    series = play("stack", 50)(SimulatedDesktop(dropped=[13]).bench()).series
    assert series["frame_interval_ms"] == [STEP_MS, STEP_MS, 2 * STEP_MS, *[STEP_MS] * 5]
    assert series["delay_ms"] == [LATE_MS] * 9


def test_checks_in_a_separate_pass_of_the_first_round_only() -> None:
    first, second = SimulatedDesktop(), SimulatedDesktop(first_round=False)
    assert "exact_fraction" in play("stack", 50)(first.bench()).figures
    assert first.passes == [False, True]
    assert "exact_fraction" not in play("stack", 50)(second.bench()).figures
    assert second.passes == [False]


def test_measures_the_error_of_wrong_frames_against_their_source() -> None:
    figures = play("typing", 50)(SimulatedDesktop(altered=[12, 15]).bench()).figures
    assert figures["exact_fraction"] == 0.8
    assert figures["wrong_pixel_fraction"] == 1
    assert figures["max_error_levels"] == 1
    assert figures["psnr_db"] == pytest.approx(48.13, abs=0.01)


LAST = FIRST + 9


@pytest.mark.parametrize(
    ("faults", "at_rest", "stop_to_exact_ms"),
    [
        ({}, 1, LATE_MS),
        ({"altered": [LAST], "refined_ms": 900.0}, 1, LATE_MS + 900),
        ({"altered": [LAST]}, 0, None),
        ({"dropped": [LAST]}, 0, None),
    ],
    ids=["exact at once", "refined at rest", "never exact", "never shown"],
)
def test_reports_whether_and_when_the_last_frame_becomes_exact(
    faults: dict[str, Sequence[int]], at_rest: float, stop_to_exact_ms: float | None
) -> None:
    figures = play("stack", 50)(SimulatedDesktop(**faults).bench()).figures  # type: ignore[arg-type]
    assert figures["exact_at_rest"] == at_rest
    assert figures.get("stop_to_exact_ms") == stop_to_exact_ms


def test_a_frame_refined_at_rest_does_not_count_as_exact_in_motion() -> None:
    refined = play("stack", 50)(SimulatedDesktop(altered=[LAST], refined_ms=50).bench()).figures
    assert refined["exact_fraction"] == 0.9


def test_slow_motion_reports_cost_per_frame_for_each_role() -> None:
    figures = slow("stack", 10)(SimulatedDesktop().bench()).figures
    assert (figures["frames"], figures["missed"]) == (10, 0)
    assert figures["down_kb_per_frame"] == DOWN_BYTES / 1e3 / 10
    assert figures["server_ms_per_frame"] == pytest.approx(30)
    assert figures["agent_ms_per_frame"] == pytest.approx(20)
    assert figures["x_server_ms_per_frame"] == pytest.approx(10)
    assert figures["browser_ms_per_frame"] == pytest.approx(50)


def test_slow_motion_fails_if_a_frame_is_not_shown() -> None:
    with pytest.raises(SurfaceError, match="frame 5 of 10 was not seen"):
        slow("stack", 10)(SimulatedDesktop(dropped=[FIRST + 4]).bench())


def test_a_subject_that_shows_no_frame_fails_before_any_case() -> None:
    first_frame(SimulatedDesktop().bench())
    with pytest.raises(SubjectFailedError, match="did not appear on it"):
        first_frame(SimulatedDesktop(dropped=[FIRST]).bench())


def test_scrolling_back_is_compared_with_the_first_pass() -> None:
    desktop = SimulatedDesktop()
    figures = scroll_back(desktop.bench()).figures
    assert figures["back_ratio"] == 1
    assert desktop.passes == [False, True]


def test_equal_frames_have_no_error() -> None:
    image = frame("typing", 3)
    error = frame_error(image.ravel(), image)
    assert (error.pixel_fraction, error.max_levels, error.psnr_db) == (0, 0, PSNR_MAX_DB)


def test_every_kind_has_a_playing_and_a_slow_motion_case() -> None:
    for kind in KINDS:
        assert f"{kind}-slow" in CASES
        assert any(case.removeprefix(kind).isdigit() for case in CASES)
    assert set(QUICK_CASES) <= set(CASES)
