"""SurfaceProof: reports of a viewer against what was sent, in simulated time."""

from __future__ import annotations

import numpy as np
import pytest
from display_codecs import root_digest
from numpy.typing import NDArray

from display_server.agent.update.exactness import (
    FULL_REPORT_INTERVAL_S,
    REPORT_TIMEOUT_S,
    SILENCE_S,
    VERIFY_AT_REST_MAX_S,
    VERIFY_AT_REST_S,
    VERIFY_IN_MOTION_S,
    VERIFY_INTERVAL_S,
    Exactness,
    SurfaceProof,
    Verdict,
)
from display_server.protocol.errors import ProtocolError
from display_server.protocol.wire import DigestReport

COUNT, SEED = 6, 5
BLACK = np.full(COUNT, 1000, np.uint64)


class Surface:
    """A viewer's surface as digests, and the proof about it."""

    def __init__(self) -> None:
        self.proof = SurfaceProof(BLACK, SEED, 0.0)
        self.digests: NDArray[np.uint64] = BLACK.copy()
        self.read: NDArray[np.uint64] = np.zeros(COUNT, np.uint64)
        self.touched = set(range(COUNT))
        self.epoch = 0

    def send(self, tiles: dict[int, int], now_s: float, *, reset: bool = False, ack: bool = True) -> None:
        self.epoch += 1
        numbers = np.array(list(tiles), np.int32)
        values = np.array(list(tiles.values()), np.uint64)
        self.proof.on_sent(self.epoch, numbers, values, reset=reset, now_s=now_s)
        if reset:
            self.digests = BLACK.copy()
            self.touched = set(range(COUNT))
        self.digests[numbers] = values
        self.touched |= set(tiles)
        if ack:
            self.proof.on_acked(self.epoch)

    def report(
        self,
        now_s: float,
        *,
        full: bool = False,
        epoch: int | None = None,
        root: int | None = None,
        round_trip_s: float = 0.0,
    ) -> Verdict:
        tiles = sorted(range(COUNT) if full else self.touched)
        self.touched = set()
        self.read[tiles] = self.digests[tiles]
        report = DigestReport(
            0,
            self.epoch if epoch is None else epoch,
            full,
            root_digest(self.read, SEED) if root is None else root,
            np.array(tiles, np.uint16),
            self.read[tiles],
        )
        return self.proof.on_report(report, now_s, round_trip_s)

    def state(self, now_s: float, *, complete: bool = True) -> Exactness:
        return self.proof.state(complete=complete, now_s=now_s)


def proven_surface() -> Surface:
    surface = Surface()
    surface.send({0: 1, 1: 2}, 0.0, reset=True)
    surface.report(0.1)
    return surface


def test_only_a_report_about_the_newest_update_proves_exactness() -> None:
    surface = Surface()
    assert surface.state(0.0) is Exactness.REFINING
    surface.send({0: 1}, 0.0, reset=True)
    assert surface.state(0.0) is Exactness.REFINING
    assert len(surface.report(0.1).wrong) == 0
    assert surface.state(0.1) is Exactness.EXACT
    assert surface.state(0.1, complete=False) is Exactness.REFINING
    surface.send({1: 9}, 0.2)
    assert surface.state(0.2) is Exactness.REFINING
    surface.report(0.3)
    assert surface.state(0.3) is Exactness.EXACT
    assert surface.proof.age_s(0.5) == pytest.approx(0.2)


def test_without_reports_the_state_becomes_unverified() -> None:
    surface = proven_surface()
    assert surface.state(0.1 + SILENCE_S - 0.01) is Exactness.EXACT
    assert surface.state(0.1 + SILENCE_S) is Exactness.UNVERIFIED
    surface.report(7.0)
    assert surface.state(7.0) is Exactness.EXACT


def test_a_mismatch_is_unverified_until_it_is_repaired_and_counts_once() -> None:
    surface = proven_surface()
    surface.digests[3] = 666
    surface.touched = {3}
    assert surface.report(1.0).wrong.tolist() == [3]
    assert surface.state(1.0) is Exactness.UNVERIFIED
    surface.touched = {3}
    assert surface.report(1.1).wrong.tolist() == []  # it is known already
    surface.send({3: 1000}, 1.2, ack=False)
    assert surface.state(1.2) is Exactness.UNVERIFIED
    surface.proof.on_acked(surface.epoch)
    assert len(surface.report(1.3).wrong) == 0
    assert surface.state(1.3) is Exactness.EXACT
    assert surface.proof.mismatches == 1


def test_a_tile_that_stays_wrong_after_its_repair_counts_again() -> None:
    surface = proven_surface()
    for number in range(3):
        surface.digests[3] = 666
        surface.touched = {3}
        assert surface.report(1.0 + number).wrong.tolist() == [3]
        surface.send({3: 1000}, 1.5 + number)
    assert surface.proof.mismatches == 3
    surface.report(9.0)
    assert surface.state(9.0) is Exactness.EXACT


def test_a_root_that_differs_alone_requests_a_full_report() -> None:
    surface = proven_surface()
    assert surface.report(1.0, root=1).root_differs
    assert surface.state(1.0) is Exactness.UNVERIFIED
    assert surface.proof.verify_due_s() is not None
    assert surface.proof.on_verify_sent(1.0)
    surface.report(1.1, full=True)
    assert surface.state(1.1) is Exactness.EXACT
    assert surface.proof.verify_due_s() is None


def test_a_wrong_root_in_a_full_report_stays_unverified() -> None:
    surface = proven_surface()
    surface.report(1.0, root=1)
    surface.proof.on_verify_sent(1.0)
    assert surface.report(1.1, full=True, root=1).root_differs
    assert surface.state(1.1) is Exactness.UNVERIFIED
    assert surface.proof.verify_due_s() == pytest.approx(1.0 + 2 * FULL_REPORT_INTERVAL_S)


def test_a_report_is_compared_with_the_epoch_that_it_names() -> None:
    surface = proven_surface()
    surface.send({2: 7}, 1.0, ack=False)
    surface.report(1.1, epoch=1)  # tile 2 shows epoch 2, but the report names epoch 1
    assert surface.proof.mismatches == 1
    surface = proven_surface()
    surface.send({2: 7}, 1.0)
    verdict = surface.report(1.1, epoch=1)
    assert len(verdict.wrong) == 0
    assert surface.state(1.1) is Exactness.REFINING


def test_epochs_that_were_never_sent_are_refused() -> None:
    surface = proven_surface()
    with pytest.raises(ProtocolError, match="acknowledged"):
        surface.proof.on_acked(2)
    with pytest.raises(ProtocolError, match="reported"):
        surface.report(1.0, epoch=2)


def test_a_reset_forgets_wrong_tiles() -> None:
    surface = proven_surface()
    surface.digests[3] = 666
    surface.touched = {3}
    surface.report(1.0)
    surface.send({}, 1.1, reset=True)
    surface.report(1.2)
    assert surface.state(1.2) is Exactness.EXACT


def test_when_reports_are_requested_at_rest() -> None:
    surface = proven_surface()
    assert surface.proof.verify_due_s() is None
    surface.send({1: 5}, 10.0)
    assert surface.proof.verify_due_s() == pytest.approx(10.0 + VERIFY_AT_REST_S)
    assert not surface.proof.on_verify_sent(10.1)
    assert surface.proof.verify_due_s() == pytest.approx(10.1 + REPORT_TIMEOUT_S)
    surface.report(10.105)
    assert surface.proof.verify_due_s() is None
    surface.send({1: 6}, 10.11)
    assert surface.proof.verify_due_s() == pytest.approx(10.1 + VERIFY_INTERVAL_S)


def test_when_reports_are_requested_in_motion() -> None:
    surface = proven_surface()
    requested = []
    now_s = 10.0
    while now_s < 12.0:
        surface.send({1: int(now_s * 1000)}, now_s)
        at_s = surface.proof.verify_due_s()
        assert at_s is not None
        if at_s <= now_s:
            requested.append(now_s)
            surface.proof.on_verify_sent(now_s)
            surface.report(now_s)
        now_s += 0.016
    assert 7 <= len(requested) <= 11
    assert requested[0] >= 10.0 + VERIFY_IN_MOTION_S - 0.001


def requests_of_a_slow_viewer(report_s: float, round_trip_s: float = 0.0) -> list[float]:
    """Returns when a viewer that shows 20 frames per second is asked in four seconds of motion."""
    surface = proven_surface()
    requested: list[float] = []
    report_due_s: float | None = None
    for frame in range(80):
        now_s = 10.0 + frame * 0.05
        if report_due_s is not None and now_s >= report_due_s:
            surface.report(report_due_s, round_trip_s=round_trip_s)
            report_due_s = None
        surface.send({1: frame + 7}, now_s)
        at_s = surface.proof.verify_due_s()
        if report_due_s is None and at_s is not None and at_s <= now_s + 0.049:
            requested.append(at_s)
            surface.proof.on_verify_sent(at_s)
            report_due_s = at_s + report_s
    return requested


def test_a_viewer_that_takes_long_for_a_report_reads_for_a_small_part_of_its_time() -> None:
    quick, slow = requests_of_a_slow_viewer(0.005), requests_of_a_slow_viewer(0.1)
    assert len(quick) > 3 * len(slow)
    assert 3 <= len(slow) <= 6, "at most one eighth of four seconds, and never none"


def test_the_delay_of_a_link_does_not_count_as_the_viewers() -> None:
    assert len(requests_of_a_slow_viewer(0.1, round_trip_s=0.1)) > len(requests_of_a_slow_viewer(0.1))


def test_a_slow_viewer_is_asked_soon_after_motion_ended() -> None:
    surface = proven_surface()
    surface.send({1: 5}, 10.0)
    surface.proof.on_verify_sent(10.1)
    surface.report(12.0)
    surface.send({1: 6}, 13.0)
    assert surface.proof.verify_due_s() == pytest.approx(13.0 + VERIFY_AT_REST_MAX_S)


def test_proven_tiles_are_those_of_the_newest_update() -> None:
    surface = Surface()
    surface.send({0: 1, 1: 2}, 0.0, reset=True)
    assert surface.proof.proven_tiles == 0
    surface.report(0.1)
    assert surface.proof.proven_tiles == COUNT
    surface.send({2: 7}, 0.2)
    assert surface.proof.proven_tiles == COUNT - 1
    surface.digests[2] = 8  # not what was sent
    surface.report(0.3)
    assert surface.proof.proven_tiles == COUNT - 1
    surface.send({2: 7}, 0.4)
    surface.report(0.5)
    assert surface.proof.proven_tiles == COUNT
    assert surface.proof.verified_total == COUNT + 2
    surface.send({}, 0.6, reset=True)
    assert surface.proof.proven_tiles == 0


def test_after_a_resize_old_epochs_prove_nothing() -> None:
    surface = Surface()
    surface.send({0: 1}, 0.0, reset=True)
    surface.report(0.1)
    surface.send({0: 2}, 0.2, ack=False)
    other = np.full(COUNT + 3, 2000, np.uint64)
    surface.proof.on_resized(other, 0.3)
    assert surface.proof.state(complete=True, now_s=0.3) is Exactness.REFINING
    surface.proof.on_acked(2)  # of the former size
    late = DigestReport(0, 2, False, 1, np.array([5], np.uint16), np.array([9], np.uint64))
    assert len(surface.proof.on_report(late, 0.4).wrong) == 0
    assert surface.proof.verify_due_s() is None
    tiles = np.array([COUNT + 2], np.int32)
    surface.proof.on_sent(3, tiles, np.array([7], np.uint64), reset=True, now_s=0.5)
    surface.proof.on_acked(3)
    shown = other.copy()
    shown[tiles] = 7
    every = np.arange(COUNT + 3, dtype=np.uint16)
    surface.proof.on_report(DigestReport(0, 3, True, root_digest(shown, SEED), every, shown), 0.6)
    assert surface.proof.state(complete=True, now_s=0.6) is Exactness.EXACT
    assert surface.proof.mismatches == 0
    assert surface.proof.proven_tiles == COUNT + 3


def test_video_is_lossy_and_not_a_mismatch() -> None:
    surface = Surface()
    surface.send({0: 1, 1: 2}, 0.0, reset=True)
    surface.report(0.1)
    assert surface.proof.state(complete=True, now_s=0.1) is Exactness.EXACT
    surface.proof.cover(np.array([1], np.int32))
    assert surface.proof.state(complete=True, now_s=0.1) is Exactness.LOSSY
    surface.digests[1] = 77  # what video shows
    surface.touched = {1}
    verdict = surface.report(0.2)
    assert not len(verdict.wrong)
    assert not verdict.root_differs
    assert surface.proof.state(complete=True, now_s=0.2) is Exactness.LOSSY


def test_a_wrong_tile_is_found_while_other_tiles_are_lossy() -> None:
    surface = Surface()
    surface.send({0: 1, 1: 2}, 0.0, reset=True)
    surface.proof.cover(np.array([1], np.int32))
    surface.digests[0] = 99
    assert surface.report(0.1).wrong.tolist() == [0]
    assert surface.proof.state(complete=True, now_s=0.1) is Exactness.UNVERIFIED


def test_a_tile_is_lossy_until_an_update_sent_after_the_video_is_shown() -> None:
    surface = Surface()
    surface.send({0: 1, 1: 2}, 0.0, reset=True)
    surface.send({1: 3}, 0.05, ack=False)  # in flight when video began
    surface.proof.cover(np.array([1], np.int32))
    surface.proof.on_acked(surface.epoch)
    assert surface.proof.state(complete=True, now_s=0.1) is Exactness.LOSSY
    surface.send({1: 4}, 0.2)
    assert surface.proof.state(complete=True, now_s=0.2) is Exactness.REFINING
    surface.report(0.25)
    assert surface.proof.state(complete=True, now_s=0.25) is Exactness.EXACT


def test_a_reset_does_not_end_video() -> None:
    surface = Surface()
    surface.proof.cover(np.array([1], np.int32))
    surface.send({0: 1}, 0.0, reset=True)
    surface.report(0.1)
    assert surface.state(0.1) is Exactness.LOSSY
    surface.proof.uncover()
    assert surface.state(0.1) is Exactness.LOSSY
    surface.send({}, 0.2, reset=True)
    surface.report(0.3)
    assert surface.state(0.3) is Exactness.EXACT
