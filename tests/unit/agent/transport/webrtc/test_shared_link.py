"""Windows of one device on one simulated link: together they use the link without making a queue."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.shared_link import SharedLink
from tests.examples import examples
from tests.unit.agent.transport.webrtc.simulated_link import STEP_S, Session, SimulatedLink

pytestmark = pytest.mark.slow

M = 1e6
#: Time from one change to the next, s.
SPELL_S = 2.0


@dataclass
class Spell:
    """Between two changes: the longest queue, s, and the fraction of the link that each window got."""

    queueing_s: float
    fractions: list[float] = field(default_factory=list)


class Device:
    """Windows that begin and end to send. Without `shared` their estimators do not know of each other."""

    def __init__(
        self, windows: int, capacity_bps: float, *, delay_s: float = 0.015, shared: bool = True
    ) -> None:
        first = SimulatedLink(capacity_bps, delay_s=delay_s)
        others = [
            SimulatedLink(capacity_bps, delay_s=delay_s, bottleneck=first.bottleneck, seed=number)
            for number in range(2, windows + 1)
        ]
        self.capacity_bps = capacity_bps
        self.links = [first, *others]
        self.sessions = [Session(link, start_bps=min(3 * M, capacity_bps)) for link in self.links]
        self._fill = [session.source for session in self.sessions]
        self._shared_link = SharedLink() if shared else None
        self.sending: list[int] = []
        for session in self.sessions:
            session.source = lambda now_s, target_bps: 0

    def begin(self, window: int, bps: float | None = None) -> None:
        """The window begins to send, at `bps` or as fast as it may."""
        self.sending.append(window)
        session = self.sessions[window]
        session.source = self._fill[window] if bps is None else lambda now_s, target_bps: int(bps / 8 / 60)
        if self._shared_link is not None:
            self._shared_link.join(session.estimator)

    def end(self, window: int) -> None:
        self.sending.remove(window)
        self.sessions[window].source = lambda now_s, target_bps: 0
        if self._shared_link is not None:
            self._shared_link.leave(self.sessions[window].estimator)

    def run(self, seconds: float = SPELL_S) -> Spell:
        before = [link.delivered_bytes for link in self.links]
        longest_s = 0.0
        for _ in range(round(seconds / STEP_S)):
            for session in self.sessions:
                session.run(STEP_S)
            longest_s = max(longest_s, self.links[0].queueing_s(self.sessions[0].step * STEP_S))
        delivered = [
            (link.delivered_bytes - then) * 8 / seconds / self.capacity_bps
            for link, then in zip(self.links, before, strict=True)
        ]
        return Spell(longest_s, [delivered[window] for window in self.sending])


def run_randomly(device: Device, spells: int, seed: int) -> list[Spell]:
    """Windows begin and end in random order, but one always sends. The first has measured the link."""
    dice = random.Random(seed)
    device.begin(0)
    device.run(5.0)
    spells_run = []
    for _ in range(spells):
        window = dice.randrange(len(device.sessions))
        if window not in device.sending:
            device.begin(window)
        elif len(device.sending) > 1:
            device.end(window)
        spells_run.append(device.run())
    return spells_run


# The first packets of the second window meet a queue: their arrivals are no measure of the rate.
@example(capacity_bps=9_271_644.0, windows=2, delay_s=0.03424687152508267, seed=383)
# A window leaves just after the other one measured its part of the link.
@example(capacity_bps=7_657_131.0, windows=2, delay_s=0.015625, seed=0)
@example(capacity_bps=4_436_227.5931181535, windows=3, delay_s=0.0034872363466826022, seed=49837)
# A window joins while the others reduce their rates: one arrival is no measure of the rate either.
@example(capacity_bps=6_432_392.850590562, windows=3, delay_s=0.002, seed=55026)
@examples(8)
@given(
    capacity_bps=st.floats(2 * M, 20 * M),
    windows=st.integers(2, 4),
    delay_s=st.floats(0.002, 0.04),
    seed=st.integers(0, 2**16),
)
def test_the_link_is_used_and_not_overfilled_whichever_windows_send(
    capacity_bps: float, windows: int, delay_s: float, seed: int
) -> None:
    spells = run_randomly(Device(windows, capacity_bps, delay_s=delay_s), 6, seed)
    assert max(spell.queueing_s for spell in spells) < 0.2
    assert sum(sum(spell.fractions) for spell in spells) / len(spells) > 0.7
    for spell in spells:
        assert min(spell.fractions) * len(spell.fractions) > 0.2, "no window is starved"


@pytest.mark.parametrize("windows", [2, 3])
def test_all_at_once_after_each_had_the_link_alone(windows: int) -> None:
    queues = {}
    for shared in (True, False):
        device = Device(windows, 10 * M, shared=shared)
        for window in range(windows):
            device.begin(window)
            device.run(5.0)
            device.end(window)
        for window in range(windows):
            device.begin(window)
        queues[shared] = device.run().queueing_s
    assert queues[True] < 0.08
    assert queues[True] < 0.75 * queues[False]


def test_a_window_that_ends_leaves_its_part_at_once() -> None:
    device = Device(2, 10 * M)
    device.begin(0)
    device.run(5.0)
    device.begin(1)
    device.run(5.0)
    device.end(1)
    (fraction,) = device.run(1.0).fractions
    assert fraction > 0.75


def test_the_others_use_what_a_window_with_little_to_send_leaves() -> None:
    device = Device(2, 10 * M)
    device.begin(0)
    device.run(5.0)
    device.begin(1, bps=0.5 * M)
    device.run(3.0)
    assert device.run().fractions[0] > 0.7
    device.end(1)
    assert device.run().queueing_s < 0.1, "an estimate that was not tried is not passed on"


def test_a_new_window_begins_with_what_is_known() -> None:
    link = SharedLink()
    one, other = (BandwidthEstimator(max_bps=20 * M, start_bps=bps) for bps in (12 * M, 1 * M))
    link.join(one)
    assert one.estimate_bps == 12 * M, "a single window keeps its own estimate"
    link.leave(one)
    link.join(other)
    assert other.estimate_bps == 12 * M
    link.join(other)
    assert link.members == [other]
    link.leave(one)
    assert other.estimate_bps == 12 * M


def test_nothing_is_known_of_another_link() -> None:
    link = SharedLink()
    old, new = (BandwidthEstimator(max_bps=20 * M, start_bps=bps) for bps in (12 * M, 1 * M))
    link.join(old)
    link.leave(old)
    link.on_connected()
    link.join(new)
    assert new.estimate_bps == 1 * M
    link.on_connected()  # of another window, while one sends
    link.join(old)
    assert (new.estimate_bps, old.estimate_bps) == (0.5 * M, 0.5 * M)


def test_the_limit_of_the_policy_applies_to_each() -> None:
    link = SharedLink()
    members: Sequence[BandwidthEstimator] = [
        BandwidthEstimator(max_bps=8 * M, start_bps=8 * M) for _ in range(2)
    ]
    for member in members:
        link.join(member)
    assert [member.estimate_bps for member in members] == [4 * M, 4 * M]
    link.leave(members[0])
    assert members[1].estimate_bps <= 8 * M


def test_windows_that_join_in_quick_succession_share_all_that_is_known() -> None:
    """Those that joined a moment ago have not tried their part, which is no reason to forget it."""
    device = Device(4, 10 * M)
    device.begin(0)
    device.run(5.0)
    known_bps = device.sessions[0].estimator.estimate_bps
    for window in (1, 2, 3):
        device.begin(window)
        device.run(0.02)
    estimates = [session.estimator.estimate_bps for session in device.sessions]
    assert estimates == pytest.approx([known_bps / 4] * 4, rel=0.05)


def test_the_remaining_window_does_not_fall_when_the_other_one_leaves() -> None:
    """Its own rates were measured beside the other window."""
    device = Device(2, 7.657131 * M, delay_s=0.015625)
    device.begin(0)
    device.run(5.0)
    device.begin(1)
    device.run(2.0)
    device.end(1)
    for _ in range(20):
        device.run(0.05)
        assert device.sessions[0].estimator.estimate_bps > 0.6 * device.capacity_bps
