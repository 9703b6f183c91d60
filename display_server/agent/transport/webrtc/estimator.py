"""Estimates how much the link to one viewer carries, from transport-wide feedback. Pure: the caller passes
the time.

It follows Google congestion control (draft-ietf-rmcat-gcc-02): the delay gradient (`trendline.py`) shows a
growing queue before anything is lost, and the rate is then reduced to 0.85 × what arrived. The differences:

- **A screen is idle most of the time.** A sender with little to send learns little. Traffic limited by its
source
  neither lowers the estimate nor raises it far beyond what was delivered.
- **Growth is by probes**, where the draft grows by 8 % a second. Some packets of a frame leave at twice the
rate,
  and their arrival shows what the link carries. No padding is sent. Small frames cannot probe; then growth
  without congestion doubles its pace every second.
- **A queue is drained on purpose.** The draft waits until 0.85 × has emptied it, which takes seconds after a
deep
  fall. Here `target_bps` goes below the estimate by as much as empties the queue within `DRAIN_S`.
- Loss below 10 % is no sign of congestion (as in the draft), and below 5 % it does not end growth.
- **Connections of one device share the link** (`shared_link.py`). Rates are measured anew when their number
  changes, and probes raise each of them less.
"""

from __future__ import annotations

from collections import deque

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
from display_server.agent.transport.webrtc.rate_phases import TRANSITIONS, Phase
from display_server.agent.transport.webrtc.trendline import Trendline, Usage

#: Estimate before anything was measured, bit/s.
START_BPS = 2e6
#: Lowest estimate, bit/s.
MIN_BPS = 150e3
#: Arrivals of this time, s, give the received rate: some frames at any frame rate.
ACKED_S = 0.3
#: While a queue stands the link is busy without a pause, so that the newest arrivals give its rate. They are
#: those of this time, s, and at least this many.
BUSY_S, BUSY_INSTANTS = 0.02, 8
#: A queue of this length, s, keeps the link busy.
BUSY_QUEUE_S = 0.01
#: Packets sent (and reported) within this time, s, give the offered rate.
OFFERED_S = 0.5
#: After a pause of this length, s, arrivals before and after are of two bursts, and give no common rate.
PAUSE_S = 0.5

# Decrease.
#: A decrease goes to this fraction of what arrived.
BACKOFF = 0.85
#: A source that sends less than this fraction of the estimate is not limited by the link …
LIMITED_FRACTION = 0.7
#: … unless it makes a queue of this length, s, …
QUEUE_MUCH_S = 0.1
#: … or this fraction of its packets is lost.
LOSS_MUCH = 0.3
#: A long queue that has grown by this much since the last report, s, is overuse whatever the trend says.
#: After a deep fall of the link packets arrive so slowly that the trend notices only several reports later.
RISING_S = 0.01
#: A queue that was never shorter since the last report is standing; a shorter one than this, s, is none.
STANDING_S = 0.008
#: A decrease takes effect after a round trip and this time, s. Until then there is another one only if …
REACTION_S = 0.1
#: … the rate has fallen to this fraction.
FURTHER_FRACTION = 0.7
#: Time after a decrease for loss before the next one, s, in addition to a round trip.
LOSS_REACTION_S = 0.3
#: The loss ratio is measured over this time, s, …
LOSS_S = 1.0
#: … and at least this many packets.
LOSS_PACKETS = 20
#: A higher loss ratio lowers the estimate.
LOSS_HIGH = 0.1
#: A higher loss ratio ends growth.
LOSS_SOME = 0.05

# Increase.
#: Growth as a fraction of the estimate per s, until congestion is seen for the first time.
GROWTH_FIRST = 1.0
#: Growth later on, which doubles for each second without congestion.
GROWTH = 0.08
#: Near the rate of the last congestion the estimate grows by one packet of this size per response time, bits.
PACKET_BITS = 1200 * 8
#: Near means between these fractions of that rate.
NEAR_FRACTION, BEYOND_FRACTION = 0.8, 1.15
#: That rate is forgotten after this time, s.
CEILING_S = 5.0
#: The estimate never grows beyond this multiple of the received rate by itself …
GROWTH_OF_ACKED = 1.5
#: … or beyond this one by a probe, if there is one sender.
PROBE_OF_ACKED = 2.0
#: Longest time between reports that counts as time to grow in, s.
GROWTH_LONGEST_S = 0.2

# Probes.
#: Rate of a probe in multiples of the estimate.
PROBE_PACE = 2.0
#: Length of a probe, s.
PROBE_S = 0.01
#: The link is full if a probe arrived at less than this fraction of its rate.
PROBE_FULL = 0.9
#: Fraction of what arrived of such a probe that is usable.
PROBE_USABLE = 0.95
#: Time from a probe that found the link full to the next one, and until an unreported probe is given up, s.
PROBE_EVERY_S = 1.0
#: No probe is sent while the queue is longer than this, s.
PROBE_QUEUE_S = 0.015

# Queue.
#: Frames and jitter alone make a queue of this length, s.
QUEUE_FREE_S = 0.04
#: A longer queue is drained within this time, s.
DRAIN_S = 0.3
#: Lowest target as a fraction of the estimate.
DRAIN_FRACTION_MIN = 0.1
#: If packets are unreported for this time and two round trips, s, the lowest target applies.
SILENCE_S = 0.5
#: Weight of a new sample in the round trip time.
ROUND_TRIP_GAIN = 0.125


class BandwidthEstimator:
    """Estimates the rate of one connection. The caller reports every packet and feedback, and reads
    `target_bps`.
    """

    def __init__(self, *, max_bps: float, min_bps: float = MIN_BPS, start_bps: float = START_BPS) -> None:
        """`max_bps` is the limit that the policy sets."""
        if not 0 < min_bps <= max_bps:
            raise ValueError(f"the limits must be 0 < min ≤ max, not {min_bps:g} and {max_bps:g} bit/s")
        self.min_bps, self.max_bps = min_bps, max_bps
        self.estimate_bps = min(max(start_bps, min_bps), max_bps)
        self.phase = Phase.INCREASE
        #: Number of senders of this server that share the link, this one included.
        self.senders = 1
        #: What arrived when the link was last full, bit/s; None before that, and when it is outdated.
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
        self._losses: deque[tuple[float, int, int]] = deque()  # time of the report, received, lost
        self._congested = False
        self._undisturbed_s = 0.0
        self._train: Train | None = None
        self._probes = 0
        self._next_probe_s = self._raised_s = float("-inf")
        self._sent_s = self._resumed_s = float("-inf")
        self._full_s = self._decreased_s = self._loss_decreased_s = float("-inf")
        self._feedback_s: float | None = None
        self._waiting_s: float | None = None  # since when packets are unreported
        self._silent = False
        #: The last packet sent before `set_estimate`, until a later one is reported.
        self._assigned_after: int | None = None

    @property
    def settled(self) -> bool:
        """Whether arrivals were measured for ACKED_S since the estimate was set or sending resumed."""
        return (
            self._assigned_after is None
            and self._feedback_s is not None
            and self._feedback_s - self._resumed_s >= ACKED_S
        )

    @property
    def tried_bps(self) -> float:
        """The part of the estimate that was tried: a sender limited by its source has not tried all of it."""
        return min(self.estimate_bps, self.acked_bps / LIMITED_FRACTION)

    @property
    def target_bps(self) -> float:
        """The rate to send at: the estimate, less what a standing queue needs to drain."""
        drain = max(0.0, self.queueing_s - QUEUE_FREE_S) / DRAIN_S
        fraction = DRAIN_FRACTION_MIN if self._silent else max(DRAIN_FRACTION_MIN, 1 - drain)
        return min(max(self.estimate_bps * fraction, self.min_bps), self.max_bps)

    @property
    def acked_bps(self) -> float:
        """The received rate in the ACKED_S before the newest arrival."""
        return self._acked.bps

    @property
    def loss_ratio(self) -> float:
        """Loss ratio of the packets reported in the last LOSS_S; 0 while they are too few."""
        received = sum(received for _, received, _ in self._losses)
        lost = sum(lost for _, _, lost in self._losses)
        return max(0, lost) / (received + lost) if received + lost >= LOSS_PACKETS else 0.0

    @property
    def usage(self) -> Usage:
        return self._trend.usage

    def set_estimate(self, bps: float) -> None:
        """Takes an estimate from a caller that knows more about the link.

        Rates measured so far do not apply to it, because the number of other senders was different.
        """
        self.estimate_bps = min(max(bps, self.min_bps), self.max_bps)
        self.ceiling_bps = None
        self._cancel_probe()
        self._busy.restart()
        self._assigned_after = self._history.newest_sequence

    def on_packet_sent(self, sequence: int, size_bytes: int, now_s: float, probe: int | None = None) -> None:
        """Records a packet, which is part of the probe with this number. Sequence numbers are consecutive."""
        self._history.sent(sequence, size_bytes, now_s, probe)
        if probe is not None and self._train is not None and self._train.probe.number == probe:
            self._train.sent(now_s)
        if self._waiting_s is None:
            self._waiting_s = now_s
        self._silent = now_s - self._waiting_s > SILENCE_S + 2 * self.round_trip_s

    def on_feedback(self, feedback: Feedback, now_s: float) -> None:
        """Updates the estimate, the target and the wish for a probe."""
        report = self._history.match(feedback)
        met_s = self._delays.newest_s
        self._count(report, now_s)
        self._waiting_s, self._silent = None, False
        elapsed_s = min(now_s - self._feedback_s, GROWTH_LONGEST_S) if self._feedback_s is not None else 0.0
        self._feedback_s = now_s
        if report.received:
            self._measure_queue(report.received[-1][0], now_s)
            self.phase = TRANSITIONS[self.phase, self._judge_usage(met_s)]
            if self.phase is Phase.DECREASE:
                self._decrease(now_s)
            elif self.phase is Phase.INCREASE:
                self._increase(max(0.0, elapsed_s), now_s)
        self._react_to_loss(now_s)
        self._judge_probe(now_s)
        self._request_probe(now_s)

    # ── measuring ────────────────────────────────────────────────────────────────────────────────────

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
                # The little queue that a probe makes is not counted.
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

    def _measure_queue(self, newest: SentPacket, now_s: float) -> None:
        sample_s = max(0.0, now_s - newest.sent_s)
        gain = ROUND_TRIP_GAIN if self.round_trip_s else 1.0
        self.round_trip_s += gain * (sample_s - self.round_trip_s)
        # The newest packet met this queue, which has drained since, and later packets were added to it. So
        # the present queue is known, although the packets in it have yet to arrive.
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

    # ── adapting the rate ────────────────────────────────────────────────────────────────────────────

    @property
    def _limited_by_link(self) -> bool:
        """Whether delay and loss are due to how much is sent."""
        return (
            self._offered.bps >= LIMITED_FRACTION * self.estimate_bps
            or self.queueing_s > QUEUE_MUCH_S
            or self.loss_ratio > LOSS_MUCH
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
            # A probe has just raised the rate. The step shows in the trend, but not yet in what arrived.
            return
        fell_further = self.ceiling_bps is not None and carried_bps < FURTHER_FRACTION * self.ceiling_bps
        if now_s - self._decreased_s < self.round_trip_s + REACTION_S and not fell_further:
            return
        self.estimate_bps = max(self.min_bps, min(self.estimate_bps, BACKOFF * carried_bps))
        self._decreased_s = now_s
        self._on_link_full(carried_bps, now_s)
        self._cancel_probe()

    def _on_link_full(self, carried_bps: float, now_s: float) -> None:
        """Records that the link is full at this rate."""
        self.ceiling_bps, self._congested = carried_bps, True
        self._undisturbed_s = 0.0
        self._full_s, self._next_probe_s = now_s, now_s + PROBE_EVERY_S

    def _increase(self, elapsed_s: float, now_s: float) -> None:
        if self.loss_ratio > LOSS_SOME:
            return
        estimate_bps, ceiling_bps = self.estimate_bps, self.ceiling_bps
        if ceiling_bps is not None and (
            estimate_bps > BEYOND_FRACTION * ceiling_bps or now_s - self._full_s > CEILING_S
        ):
            self.ceiling_bps = ceiling_bps = None
        if ceiling_bps is not None and estimate_bps > NEAR_FRACTION * ceiling_bps:
            grown_bps = estimate_bps + PACKET_BITS / (self.round_trip_s + REACTION_S) * elapsed_s
        else:
            self._undisturbed_s += elapsed_s
            later = min(GROWTH_FIRST, GROWTH * 2**self._undisturbed_s)
            growth = later if self._congested else GROWTH_FIRST
            grown_bps = estimate_bps * (1 + growth) ** elapsed_s
        self._raise(min(grown_bps, GROWTH_OF_ACKED * self._acked.bps))

    def _raise(self, to_bps: float) -> None:
        self.estimate_bps = min(max(self.estimate_bps, to_bps), self.max_bps)

    def _react_to_loss(self, now_s: float) -> None:
        loss_ratio = self.loss_ratio
        due = now_s - self._loss_decreased_s > LOSS_REACTION_S + self.round_trip_s
        if loss_ratio > LOSS_HIGH and due and self._limited_by_link:
            self.estimate_bps = max(self.min_bps, self.estimate_bps * (1 - loss_ratio / 2))
            self._loss_decreased_s = now_s
            self._undisturbed_s = 0.0
            self._congested = True

    # ── probing ──────────────────────────────────────────────────────────────────────────────────────

    def _judge_probe(self, now_s: float) -> None:
        train = self._train
        if train is None:
            return
        if train.complete:
            paces = train.measure()
            if paces is not None:
                self._apply_probe(train.probe, *paces, now_s)
        elif train.last_sent_s is not None and now_s - train.last_sent_s <= PROBE_EVERY_S:
            return  # still in flight
        # A probe that was not sent is requested anew, because the estimate may have changed.
        self._cancel_probe()

    def _cancel_probe(self) -> None:
        self.probe = self._train = None

    def _apply_probe(self, probe: Probe, sent_bps: float, arrived_bps: float, now_s: float) -> None:
        pace_bps = min(sent_bps, probe.rate_bps)
        if arrived_bps < PROBE_FULL * pace_bps:
            carried_bps = PROBE_USABLE * arrived_bps
            self._on_link_full(arrived_bps, now_s)
        else:
            carried_bps = min(pace_bps, arrived_bps)
            if self.ceiling_bps is not None and carried_bps > BEYOND_FRACTION * self.ceiling_bps:
                # Short trains are misled by jitter, so a result that contradicts the ceiling has to be
                # repeated.
                self.ceiling_bps = None
                return
        # A short train gets more than its part of a link that others use as well. So one of n senders grows
        # by at most 1/n, and the sum of all of them by 1/n².
        self._raise(min(carried_bps, (1 + (PROBE_OF_ACKED - 1) / self.senders) * self._acked.bps))
        self._raised_s = now_s

    def _request_probe(self, now_s: float) -> None:
        worthwhile_bps = 1.1 * self.estimate_bps
        if (
            self.probe is None
            and self.phase is Phase.INCREASE
            and now_s >= self._next_probe_s
            and self.queueing_s < PROBE_QUEUE_S
            and self.loss_ratio < LOSS_SOME
            and worthwhile_bps < self.max_bps
            and worthwhile_bps < PROBE_OF_ACKED * self._acked.bps
        ):
            self._probes += 1
            rate_bps = min(PROBE_PACE * self.estimate_bps, self.max_bps)
            size_bytes = max(int(rate_bps * PROBE_S / 8), PROBE_INSTANTS * PACKET_BITS // 8)
            self.probe = Probe(self._probes, rate_bps, size_bytes)
            self._train = Train(self.probe)
