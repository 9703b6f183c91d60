"""TileRepairs and SurfaceProof: wrong tiles are sent again, but not for ever, in simulated time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from display_server.agent.update.exactness import (
    FULL_REPORT_INTERVAL_MAX_S,
    FULL_REPORT_INTERVAL_S,
    SILENCE_S,
    Exactness,
)
from display_server.agent.update.repairs import REPAIR_DELAY_S, REPAIRS_MAX, TileRepairs
from tests.unit.agent.update.test_exactness import COUNT, Surface, proven_surface

WRONG = 666


def tiles(*numbers: int) -> NDArray[np.int32]:
    return np.array(numbers, np.int32)


def digests(*values: int) -> NDArray[np.uint64]:
    return np.array(values, np.uint64)


def repair_in_vain(surface: Surface, tile: int, now_s: float) -> tuple[int, int]:
    """Runs until nothing is due. Returns how often the tile was sent and how often it was given up."""
    sent = given_up = 0
    content = int(surface.digests[tile])
    while True:
        surface.digests[tile] = WRONG
        surface.touched = {tile}
        given_up += len(surface.report(now_s).given_up)
        due_s = surface.proof.repair_due_s()
        if due_s is None:
            return sent, given_up
        now_s = max(now_s, due_s)
        assert surface.proof.take_due_repairs(now_s).tolist() == [tile]
        surface.send({tile: content}, now_s)
        sent += 1


def test_the_first_repair_is_immediate_and_later_ones_wait_longer() -> None:
    repairs = TileRepairs(COUNT)
    delays = []
    for _ in range(REPAIRS_MAX):
        assert not len(repairs.on_wrong(tiles(2), digests(5), 10.0))
        due_s = repairs.due_s()
        assert due_s is not None
        delays.append(due_s - 10.0)
        assert not len(repairs.take_due(due_s - 0.001))
        assert repairs.take_due(due_s).tolist() == [2]
        assert repairs.due_s() is None
    assert delays == [0.0, *(REPAIR_DELAY_S * 2**n for n in range(REPAIRS_MAX - 1))]
    assert repairs.on_wrong(tiles(2), digests(5), 20.0).tolist() == [2]
    assert repairs.due_s() is None


def test_a_tile_that_stays_wrong_is_given_up_once() -> None:
    surface = proven_surface()
    assert repair_in_vain(surface, 3, 1.0) == (REPAIRS_MAX, 1)
    assert surface.proof.unrepaired == 1
    assert surface.state(2.0) is Exactness.UNVERIFIED
    surface.touched = {3}
    verdict = surface.report(3.0, full=True)
    assert not len(verdict.wrong)
    assert not len(verdict.given_up)
    assert not verdict.root_differs, "the tile that was given up explains the root"
    assert surface.proof.repair_due_s() is None
    assert surface.proof.verify_due_s() is None


def test_a_tile_that_was_given_up_is_repaired_again_when_its_content_changes() -> None:
    surface = proven_surface()
    repair_in_vain(surface, 3, 1.0)
    surface.send({3: 77}, 10.0)
    assert surface.proof.unrepaired == 0
    surface.report(10.1)
    assert surface.state(10.1) is Exactness.EXACT
    assert repair_in_vain(surface, 3, 11.0) == (REPAIRS_MAX, 1)


def test_a_tile_that_was_given_up_and_is_right_again_is_exact() -> None:
    surface = proven_surface()
    content = int(surface.digests[3])
    repair_in_vain(surface, 3, 1.0)
    surface.digests[3] = content
    surface.touched = {3}
    surface.report(10.0)
    assert surface.state(10.0) is Exactness.EXACT
    assert surface.proof.unrepaired == 0


def test_tiles_that_are_wrong_in_turn_are_not_sent_for_ever() -> None:
    """Each reading finds another tile wrong, as in a browser that alters random pixels of each reading."""
    surface = proven_surface()
    rng = np.random.default_rng(4)
    content = surface.digests.copy()
    sent = 0
    now_s = 1.0
    for _ in range(400):
        now_s += 0.5
        surface.digests[:] = content
        surface.digests[rng.integers(COUNT)] = WRONG
        surface.report(now_s, full=True)
        due = surface.proof.take_due_repairs(now_s).tolist()
        if due:
            surface.send({tile: int(content[tile]) for tile in due}, now_s)
            sent += len(due)
            last_sent_s = now_s
    assert sent <= COUNT * REPAIRS_MAX
    assert last_sent_s < now_s - 50
    assert surface.state(now_s) is Exactness.UNVERIFIED


def test_a_reset_allows_repairs_again() -> None:
    surface = proven_surface()
    repair_in_vain(surface, 3, 1.0)
    surface.send({}, 10.0, reset=True)
    surface.report(10.1)
    assert surface.state(10.1) is Exactness.EXACT
    assert repair_in_vain(surface, 3, 11.0)[0] == REPAIRS_MAX


def test_an_update_that_brings_the_tile_anyway_replaces_the_planned_repair() -> None:
    repairs = TileRepairs(COUNT)
    repairs.on_wrong(tiles(1), digests(5), 0.0)
    repairs.on_sent(tiles(1), digests(6))
    assert not len(repairs.take_due(9.0))


def test_full_reports_in_vain_become_rare() -> None:
    surface = proven_surface()
    now_s, intervals = 1.0, []
    surface.report(now_s, root=1)
    for _ in range(10):
        due_s = surface.proof.verify_due_s()
        assert due_s is not None
        intervals.append(due_s - now_s)
        now_s = max(now_s, due_s)
        assert surface.proof.on_verify_sent(now_s)
        surface.report(now_s, full=True, root=1)
    assert intervals[1] == 2 * FULL_REPORT_INTERVAL_S
    assert intervals[-1] == FULL_REPORT_INTERVAL_MAX_S


def test_an_altered_readback_proves_nothing_and_repairs_nothing() -> None:
    surface = Surface()
    surface.send({0: 1}, 0.0, reset=True)
    assert surface.proof.on_readback_checked(altered=True, now_s=0.1)
    assert not surface.proof.on_readback_checked(altered=True, now_s=0.2)
    assert surface.state(0.2) is Exactness.UNVERIFIED
    assert surface.proof.verify_due_s() is None
    surface.digests[0] = WRONG
    assert not len(surface.report(0.3, full=True).wrong)
    assert surface.proof.repair_due_s() is None
    assert surface.proof.mismatches == 0
    assert surface.proof.age_s(9.0) is None


def test_a_readback_that_is_no_longer_altered_is_proven_anew() -> None:
    surface = proven_surface()
    surface.proof.on_readback_checked(altered=True, now_s=1.0)
    surface.proof.on_readback_checked(altered=False, now_s=60.0)
    assert surface.state(60.0) is Exactness.REFINING
    due_s = surface.proof.verify_due_s()
    assert due_s is not None
    assert due_s <= 60.0
    assert surface.proof.on_verify_sent(60.0), "the whole surface is read"
    surface.report(60.1, full=True)
    assert surface.state(60.1) is Exactness.EXACT


def test_nothing_was_proven_before_the_first_proof() -> None:
    surface = Surface()
    assert surface.proof.age_s(17.0) is None
    surface.send({0: 1}, 17.0, reset=True)
    assert surface.proof.age_s(18.0) is None
    surface.report(18.5)
    assert surface.proof.age_s(19.0) == 0.5


def test_a_slow_start_is_refining_until_a_requested_report_is_overdue() -> None:
    surface = Surface()
    surface.send({0: 1}, 0.0, reset=True, ack=False)
    assert surface.state(60.0) is Exactness.REFINING, "the first update is still on its way"
    surface.proof.on_acked(1)
    surface.proof.on_verify_sent(60.0)
    assert surface.state(60.0 + SILENCE_S - 0.1) is Exactness.REFINING
    assert surface.state(60.0 + SILENCE_S) is Exactness.UNVERIFIED
