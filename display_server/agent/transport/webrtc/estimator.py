"""How much the way to one viewer carries, from transport-wide feedback. Time comes in.

In the spirit of Google congestion control (draft-ietf-rmcat-gcc-02): a growing queue is seen by its delay
gradient (`trendline.py`) before anything is lost, and answered with 0.85 × what arrived. What differs:

- **A screen is idle most of the time.** Who sends little learns little: traffic limited by its source
  neither lowers the estimate nor raises it far beyond what was delivered.
- **Growth is by probes**, where the draft grows by 8 % a second: some packets of a frame leave at twice the
  rate, and how they arrive shows what the link carries. No padding is sent. Small frames cannot probe; then
  undisturbed growth doubles its pace every second.
- **A queue is drained on purpose.** The draft waits until 0.85 has emptied it, seconds after a deep fall;
  here `target_bps` goes below the estimate by as much as empties the queue in `DRAIN_S`.
- Loss below 10 % is no sign of congestion (as in the draft), nor does it end growth below 5 %.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from display_server.agent.transport.webrtc.feedback import Feedback
from display_server.agent.transport.webrtc.history import (
    PROBE_INSTANTS,
    Delays,
    History,
    Probe,
    Rate,
    Report,
    SentPacket,
    Train,
)
from display_server.agent.transport.webrtc.trendline import Trendline, Usage

START_BPS = 2e6
MIN_BPS = 150e3
#: What arrived is counted over so long, s: some frames at any frame rate.
ACKED_S = 0.3
#: While a queue stands the link is busy without a gap, and the newest arrivals tell its rate: s, instants.
BUSY_S = 0.02
BUSY_INSTANTS = 8
BUSY_QUEUE_S = 0.01
#: What was sent (and has been reported) is counted over so long, s.
OFFERED_S = 0.5
#: Nothing was sent for so long, s: arrivals before and after are of two bursts, and the gap is no rate.
PAUSE_S = 0.5

# Decrease.
BACKOFF = 0.85
#: A source that sends less than this share of the estimate is not held back by it …
LIMITED_SHARE = 0.7
#: … unless even that little queues for so long, s, or is lost to such a share.
QUEUE_MUCH_S = 0.1
LOSS_MUCH = 0.3
#: Such a queue, grown by so much since the report before, s, is overuse, whatever the trend still says: after
#: a deep fall arrivals are so slow that the trend takes several reports to see it.
RISING_S = 0.01
#: A queue that was never shorter since the report before, s: less is none.
STANDING_S = 0.008
#: A decrease works after a round trip and so long, s. Sooner comes another only if the rate fell further, to
FURTHER_SHARE = 0.7
REACTION_S = 0.1
LOSS_REACTION_S = 0.3
#: Loss over so many seconds, s, and at least so many packets: above HIGH it lowers, above SOME nothing grows.
LOSS_S = 1.0
LOSS_PACKETS = 20
LOSS_HIGH = 0.1
LOSS_SOME = 0.05

# Increase.
#: Of the estimate per s: until the first congestion, and later; the latter doubles every undisturbed second.
GROWTH_FIRST = 1.0
GROWTH = 0.08
#: One packet per response time, within these shares of the rate at which congestion was last seen.
PACKET_BITS = 1200 * 8
NEAR_SHARE = 0.8
BEYOND_SHARE = 1.15
#: That rate is outdated after so long, s.
CEILING_S = 5.0
#: The estimate never grows beyond so much of what arrived: by itself, and by a probe.
GROWTH_OF_ACKED = 1.5
PROBE_OF_ACKED = 2.0
#: Feedback further apart than this does not count as time to grow in, s.
GROWTH_LONGEST_S = 0.2

# Probes.
PROBE_PACE = 2.0
PROBE_S = 0.01
#: Arrived at less than this share of the pace: the link is full; a little less than what arrived is usable.
PROBE_FULL = 0.9
PROBE_USABLE = 0.95
#: From one probe that found the link full to the next, and until one that nobody reports on is given up, s.
PROBE_EVERY_S = 1.0
#: No probing on top of a queue, s.
PROBE_QUEUE_S = 0.015

# Queue.
#: Frames and jitter make this much by themselves, s.
QUEUE_FREE_S = 0.04
DRAIN_S = 0.3
DRAIN_SHARE_MIN = 0.1
#: Packets are under way and no feedback comes for so long (and two round trips), s: only a trickle is sent.
SILENCE_S = 0.5
#: Share of a new sample in the round trip.
ROUND_TRIP_GAIN = 0.125


class Phase(Enum):
    """The rate's own state (draft, section 5.5)."""

    HOLD = "hold"
    INCREASE = "increase"
    DECREASE = "decrease"


#: After a decrease the rate is held for one report; while a queue drains nothing is learnt about the link.
TRANSITIONS: dict[tuple[Phase, Usage], Phase] = {
    (Phase.HOLD, Usage.NORMAL): Phase.INCREASE,
    (Phase.HOLD, Usage.OVERUSE): Phase.DECREASE,
    (Phase.HOLD, Usage.UNDERUSE): Phase.HOLD,
    (Phase.INCREASE, Usage.NORMAL): Phase.INCREASE,
    (Phase.INCREASE, Usage.OVERUSE): Phase.DECREASE,
    (Phase.INCREASE, Usage.UNDERUSE): Phase.HOLD,
    (Phase.DECREASE, Usage.NORMAL): Phase.HOLD,
    (Phase.DECREASE, Usage.OVERUSE): Phase.DECREASE,
    (Phase.DECREASE, Usage.UNDERUSE): Phase.HOLD,
}


class BandwidthEstimator:
    """Of one connection. Tell it of every packet as it leaves and of every feedback; read `target_bps`."""

    def __init__(self, *, max_bps: float, min_bps: float = MIN_BPS, start_bps: float = START_BPS) -> None:
        """`max_bps` is the policy's cap."""
        if not 0 < min_bps <= max_bps:
            raise ValueError(f"the bounds are {min_bps:g} to {max_bps:g} bit/s; 0 < min ≤ max is needed")
        self.min_bps, self.max_bps = min_bps, max_bps
        self.estimate_bps = min(max(start_bps, min_bps), max_bps)
        self.phase = Phase.INCREASE
        #: How many senders known to us share the link, this one included.
        self.senders = 1
        #: Arrived while the link was last seen to be full; None before that, and when it is outdated.
        self.ceiling_bps: float | None = None
        self.queueing_s = 0.0
        self.round_trip_s = 0.0
        self.probe: Probe | None = None

        self._history = History()
        self._trend = Trendline()
        self._delays = Delays()
        self._acked = Rate(ACKED_S)
        self._busy = Rate(BUSY_S, BUSY_INSTANTS)
        self._offered = Rate(OFFERED_S)
        self._losses: deque[tuple[float, int, int]] = deque()  # reported at, received, lost
        self._congested = False
        self._undisturbed_s = 0.0
        self._train: Train | None = None
        self._probes = 0
        self._next_probe_s = self._raised_s = float("-inf")
        self._sent_s = self._resumed_s = float("-inf")
        self._full_s = self._decreased_s = self._loss_decreased_s = float("-inf")
        self._feedback_s: float | None = None
        self._waiting_s: float | None = None  # since when packets are under way without any feedback
        self._silent = False
        #: The last packet sent before `set_estimate`, until a later one is reported.
        self._assigned_after: int | None = None

    @property
    def settled(self) -> bool:
        """Whether the arrivals of at least ACKED_S were measured since the estimate was set, or sending
        resumed.
        """
        return (
            self._assigned_after is None
            and self._feedback_s is not None
            and self._feedback_s - self._resumed_s >= ACKED_S
        )

    @property
    def tried_bps(self) -> float:
        """The estimate as far as it was tried: a sender limited by its source has not tried all of it."""
        return min(self.estimate_bps, self.acked_bps / LIMITED_SHARE)

    @property
    def target_bps(self) -> float:
        """What may be sent now: the estimate, less what a standing queue needs to drain."""
        drain = max(0.0, self.queueing_s - QUEUE_FREE_S) / DRAIN_S
        share = DRAIN_SHARE_MIN if self._silent else max(DRAIN_SHARE_MIN, 1 - drain)
        return min(max(self.estimate_bps * share, self.min_bps), self.max_bps)

    @property
    def acked_bps(self) -> float:
        """What arrived, over the last ACKED_S before the newest arrival."""
        return self._acked.bps

    @property
    def loss_share(self) -> float:
        """Of the packets reported in the last LOSS_S; 0 while they are too few to tell."""
        received = sum(received for _, received, _ in self._losses)
        lost = sum(lost for _, _, lost in self._losses)
        return max(0, lost) / (received + lost) if received + lost >= LOSS_PACKETS else 0.0

    @property
    def usage(self) -> Usage:
        return self._trend.usage

    def limit(self, max_bps: float) -> None:
        """The policy's cap changed."""
        self.max_bps = max(max_bps, self.min_bps)
        self.estimate_bps = min(self.estimate_bps, self.max_bps)

    def set_estimate(self, bps: float) -> None:
        """Takes an estimate from a caller that knows more about the link.

        Rates measured so far do not hold for it: they were measured beside other senders, or fewer of them.
        """
        self.estimate_bps = min(max(bps, self.min_bps), self.max_bps)
        self.ceiling_bps = None
        self._no_probe()
        self._busy.restart()
        self._assigned_after = self._history.newest_sequence

    def sent(self, sequence: int, size_bytes: int, now_s: float, probe: int | None = None) -> None:
        """A packet leaves; `probe`: number of the probe it is part of. Sequence numbers follow each other."""
        self._history.sent(sequence, size_bytes, now_s, probe)
        if probe is not None and self._train is not None and self._train.probe.number == probe:
            self._train.sent(now_s)
        if self._waiting_s is None:
            self._waiting_s = now_s
        self._silent = now_s - self._waiting_s > SILENCE_S + 2 * self.round_trip_s

    def feedback(self, feedback: Feedback, now_s: float) -> None:
        report = self._history.match(feedback)
        met_s = self._delays.newest_s
        self._count(report, now_s)
        self._waiting_s, self._silent = None, False
        elapsed_s = min(now_s - self._feedback_s, GROWTH_LONGEST_S) if self._feedback_s is not None else 0.0
        self._feedback_s = now_s
        if report.received:
            self._time(report.received[-1][0], now_s)
            self.phase = TRANSITIONS[self.phase, self._judge_usage(met_s)]
            if self.phase is Phase.DECREASE:
                self._decrease(now_s)
            elif self.phase is Phase.INCREASE:
                self._increase(max(0.0, elapsed_s), now_s)
        self._heed_loss(now_s)
        self._judge_probe(now_s)
        self._wish_probe(now_s)

    # What a report tells.

    def _count(self, report: Report, now_s: float) -> None:
        train = self._train
        for packet, arrival_s in report.received:
            before_assignment = self._assigned_after is not None and packet.sequence <= self._assigned_after
            if packet.sent_s - self._sent_s > PAUSE_S or (
                self._assigned_after is not None and not before_assignment
            ):
                self._acked.restart()
                self._busy.restart()
                self._resumed_s = now_s
                self._assigned_after = None
            self._sent_s = max(self._sent_s, packet.sent_s)
            if not before_assignment:
                self._acked.add(arrival_s, packet.size_bytes)
                self._busy.add(arrival_s, packet.size_bytes)
            self._offered.add(packet.sent_s, packet.size_bytes)
            self._delays.add(packet.sent_s, arrival_s)
            if packet.probe is None:
                # A probe's own little queue is no news.
                self._trend.add(packet.sent_s, arrival_s)
            elif train is not None and train.probe.number == packet.probe:
                train.received(packet, arrival_s)
        for packet in report.lost:
            self._offered.add(packet.sent_s, packet.size_bytes)
            if train is not None and train.probe.number == packet.probe:
                train.lost()
        self._losses.append((now_s, len(report.received), len(report.lost) - report.found))
        while self._losses[0][0] < now_s - LOSS_S:
            self._losses.popleft()

    def _time(self, newest: SentPacket, now_s: float) -> None:
        sample_s = max(0.0, now_s - newest.sent_s)
        gain = ROUND_TRIP_GAIN if self.round_trip_s else 1.0
        self.round_trip_s += gain * (sample_s - self.round_trip_s)
        # The newest packet met this queue. It has been drained ever since, and what was sent later has been
        # added. So the queue now is known, though the packets in it have yet to arrive.
        met_s = self._delays.newest_s
        carried_bps = self.estimate_bps
        if met_s > BUSY_QUEUE_S and self._busy.full:
            carried_bps = min(carried_bps, max(self._busy.busy_bps, self.min_bps))
        added_s = (self._history.total_bytes - newest.total_bytes) * 8 / carried_bps
        self.queueing_s = max(0.0, met_s + added_s - sample_s)

    def _judge_usage(self, met_before_s: float) -> Usage:
        usage, standing_s = self._trend.usage, self._delays.standing_s()
        if self.queueing_s > QUEUE_MUCH_S and self._delays.newest_s > met_before_s + RISING_S:
            return Usage.OVERUSE
        # A trend without a queue is jitter.
        return Usage.NORMAL if usage is Usage.OVERUSE and standing_s < STANDING_S else usage

    # What follows from it.

    @property
    def _limited_by_link(self) -> bool:
        """Whether what happens on the way is due to how much is sent."""
        return (
            self._offered.bps >= LIMITED_SHARE * self.estimate_bps
            or self.queueing_s > QUEUE_MUCH_S
            or self.loss_share > LOSS_MUCH
        )

    def _decrease(self, now_s: float) -> None:
        if not self._limited_by_link or self._assigned_after is not None:
            return
        if self.queueing_s > QUEUE_MUCH_S and self._delays.newest_s > BUSY_QUEUE_S and self._busy.full:
            carried_bps = min(self._busy.busy_bps, self._acked.busy_bps)
        elif self.queueing_s > QUEUE_FREE_S or now_s - self._raised_s > ACKED_S + self.round_trip_s:
            carried_bps = self._acked.bps
            if now_s - self._resumed_s < ACKED_S:
                if not self._busy.full:
                    return  # too few arrivals since the rate was measured anew
                carried_bps = max(carried_bps, self._acked.busy_bps)
        else:
            # A probe raised the rate: the step shows in the trend, but not yet in what arrived.
            return
        fell_further = self.ceiling_bps is not None and carried_bps < FURTHER_SHARE * self.ceiling_bps
        if now_s - self._decreased_s < self.round_trip_s + REACTION_S and not fell_further:
            return
        self.estimate_bps = max(self.min_bps, min(self.estimate_bps, BACKOFF * carried_bps))
        self._decreased_s = now_s
        self._full(carried_bps, now_s)
        self._no_probe()

    def _full(self, carried_bps: float, now_s: float) -> None:
        """The link carries so much and no more."""
        self.ceiling_bps, self._congested = carried_bps, True
        self._undisturbed_s = 0.0
        self._full_s, self._next_probe_s = now_s, now_s + PROBE_EVERY_S

    def _increase(self, elapsed_s: float, now_s: float) -> None:
        if self.loss_share > LOSS_SOME:
            return
        estimate_bps, ceiling_bps = self.estimate_bps, self.ceiling_bps
        if ceiling_bps is not None and (
            estimate_bps > BEYOND_SHARE * ceiling_bps or now_s - self._full_s > CEILING_S
        ):
            self.ceiling_bps = ceiling_bps = None
        if ceiling_bps is not None and estimate_bps > NEAR_SHARE * ceiling_bps:
            grown_bps = estimate_bps + PACKET_BITS / (self.round_trip_s + REACTION_S) * elapsed_s
        else:
            self._undisturbed_s += elapsed_s
            later = min(GROWTH_FIRST, GROWTH * 2**self._undisturbed_s)
            growth = later if self._congested else GROWTH_FIRST
            grown_bps = estimate_bps * (1 + growth) ** elapsed_s
        self._raise(min(grown_bps, GROWTH_OF_ACKED * self._acked.bps))

    def _raise(self, to_bps: float) -> None:
        self.estimate_bps = min(max(self.estimate_bps, to_bps), self.max_bps)

    def _heed_loss(self, now_s: float) -> None:
        loss_share = self.loss_share
        due = now_s - self._loss_decreased_s > LOSS_REACTION_S + self.round_trip_s
        if loss_share > LOSS_HIGH and due and self._limited_by_link:
            self.estimate_bps = max(self.min_bps, self.estimate_bps * (1 - loss_share / 2))
            self._loss_decreased_s = now_s
            self._undisturbed_s = 0.0
            self._congested = True

    # Probes.

    def _judge_probe(self, now_s: float) -> None:
        train = self._train
        if train is None:
            return
        if train.complete:
            paces = train.measure()
            if paces is not None:
                self._learn(train.probe, *paces, now_s)
        elif train.last_sent_s is not None and now_s - train.last_sent_s <= PROBE_EVERY_S:
            return  # under way
        # A wish that nobody has fulfilled is judged anew: the estimate may have changed.
        self._no_probe()

    def _no_probe(self) -> None:
        self.probe = self._train = None

    def _learn(self, probe: Probe, sent_bps: float, arrived_bps: float, now_s: float) -> None:
        pace_bps = min(sent_bps, probe.rate_bps)
        if arrived_bps < PROBE_FULL * pace_bps:
            carried_bps = PROBE_USABLE * arrived_bps
            self._full(arrived_bps, now_s)
        else:
            carried_bps = min(pace_bps, arrived_bps)
            if self.ceiling_bps is not None and carried_bps > BEYOND_SHARE * self.ceiling_bps:
                # Jitter deceives short trains: what contradicts the ceiling is to be shown twice.
                self.ceiling_bps = None
                return
        # A short train gets more than its part of a link that others use as well. So one of n senders grows by
        # at most 1/n, and the sum of all of them by 1/n².
        self._raise(min(carried_bps, (1 + (PROBE_OF_ACKED - 1) / self.senders) * self._acked.bps))
        self._raised_s = now_s

    def _wish_probe(self, now_s: float) -> None:
        worth = 1.1 * self.estimate_bps
        if (
            self.probe is None
            and self.phase is Phase.INCREASE
            and now_s >= self._next_probe_s
            and self.queueing_s < PROBE_QUEUE_S
            and self.loss_share < LOSS_SOME
            and worth < self.max_bps
            and worth < PROBE_OF_ACKED * self._acked.bps
        ):
            self._probes += 1
            rate_bps = min(PROBE_PACE * self.estimate_bps, self.max_bps)
            size_bytes = max(int(rate_bps * PROBE_S / 8), PROBE_INSTANTS * PACKET_BITS // 8)
            self.probe = Probe(self._probes, rate_bps, size_bytes)
            self._train = Train(self.probe)
