"""A simulated link with one bottleneck, and a sender on it, in simulated time.

The receiver reports like a browser: every 50 ms it sends transport-wide feedback on what arrived since, in
the format of the wire, so that parser, estimator and pacer are tested together.
"""

from __future__ import annotations

import math
import random
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.feedback import parse_feedback
from display_server.agent.transport.webrtc.pacer import Group, Pacer

PACKET_BYTES = 1200
FEEDBACK_S = 0.05
STEP_S = 0.001
TICKS_PER_S = 4000


def write_feedback(
    base: int, arrivals: Sequence[int | None], *, reference: int | None = None, runs: bool = False
) -> bytes:
    """Returns a transport-wide report on arrivals in ticks of 250 µs; None stands for a missing packet.

    `reference` (in 64 ms) is by default that of the first arrival. Statuses are written as vectors or as
    `runs`.
    """
    if reference is None:
        reference = next((ticks for ticks in arrivals if ticks is not None), 0) // 256
    now, symbols, deltas = reference * 256, [], b""
    for ticks in arrivals:
        if ticks is None:
            symbols.append(0)
            continue
        delta, now = ticks - now, ticks
        small = 0 <= delta <= 255
        symbols.append(1 if small else 2)
        deltas += struct.pack("!B" if small else "!h", delta)
    body = struct.pack("!IIHH", 1, 2, base & 0xFFFF, len(arrivals))
    body += ((reference & 0xFFFFFF) << 8).to_bytes(4, "big") + _chunks(symbols, runs) + deltas
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    return struct.pack("!BBH", 0x80 | 0x20 * bool(padding) | 15, 205, len(body) // 4) + body


def _chunks(symbols: list[int], runs: bool) -> bytes:
    chunks, start = b"", 0
    while start < len(symbols):
        rest = symbols[start : start + 0x1FFF]
        if runs:
            length = next((n for n, symbol in enumerate(rest) if symbol != rest[0]), len(rest))
            chunk = rest[0] << 13 | length
        elif 2 not in rest[:14]:
            length, chunk = 14, 0x8000
            for index, symbol in enumerate(rest[:14]):
                chunk |= symbol << 13 - index
        else:
            length, chunk = 7, 0xC000
            for index, symbol in enumerate(rest[:7]):
                chunk |= symbol << 12 - 2 * index
        chunks += struct.pack("!H", chunk)
        start += length
    return chunks


class Bottleneck:
    """A first-in, first-out queue that is served at `capacity_bps(now_s)`. A packet is lost if it would make
    the queue longer than `queue_bytes`.
    """

    def __init__(self, capacity_bps: Callable[[float], float], queue_bytes: int) -> None:
        self._capacity_bps, self._queue_bytes = capacity_bps, queue_bytes
        self._free_s = 0.0
        self._waiting: deque[tuple[float, int]] = deque()  # when it leaves the queue, size
        self._waiting_bytes = 0

    def queueing_s(self, now_s: float) -> float:
        return max(0.0, self._free_s - now_s)

    def send(self, size_bytes: int, now_s: float) -> float | None:
        """Returns when the packet has passed the bottleneck, or None if it is lost."""
        while self._waiting and self._waiting[0][0] <= now_s:
            self._waiting_bytes -= self._waiting.popleft()[1]
        if self._waiting_bytes + size_bytes > self._queue_bytes:
            return None
        begin_s = max(self._free_s, now_s)
        self._free_s = begin_s + size_bytes * 8 / self._capacity_bps(begin_s)
        self._waiting.append((self._free_s, size_bytes))
        self._waiting_bytes += size_bytes
        return self._free_s


class SimulatedLink:
    """A link through a bottleneck, which other links may share."""

    def __init__(
        self,
        capacity_bps: float | Callable[[float], float],
        *,
        delay_s: float = 0.015,
        queue_bytes: int = 1_000_000,
        loss: float = 0.0,
        jitter_s: float = 0.0,
        bunch_s: float = 0.0,
        stall_s: float = 0.0,
        clock_s: float = 1000.0,
        seed: int = 1,
        bottleneck: Bottleneck | None = None,
    ) -> None:
        """`delay_s` is the one-way delay without the queue, `clock_s` what the receiver's clock shows at 0.

        To simulate Wi-Fi packets arrive together every `bunch_s`, and nothing arrives for `stall_s` of each
        second. `bottleneck` is that of another link, if it is shared; it has capacity and queue then.
        """
        self.capacity_bps = capacity_bps if callable(capacity_bps) else lambda _: capacity_bps
        self.bottleneck = bottleneck or Bottleneck(self.capacity_bps, queue_bytes)
        self.delay_s, self.loss, self.jitter_s = delay_s, loss, jitter_s
        self._bunch_s, self._stall_s = bunch_s, stall_s
        self._clock_ticks = round(clock_s * TICKS_PER_S)
        self._random = random.Random(seed)
        self._arriving: deque[tuple[float, int]] = deque()  # arrival, sequence
        self._reported = 0  # every lower sequence number has been reported
        self._next_report_s = FEEDBACK_S
        self._reports: deque[tuple[float, bytes]] = deque()  # when it reaches the sender
        self.delivered_bytes = 0
        self.dropped = 0
        self.mute = False  # reports are lost

    def queueing_s(self, now_s: float) -> float:
        """Returns how long a packet sent now would wait."""
        return self.bottleneck.queueing_s(now_s)

    def send(self, sequence: int, size_bytes: int, now_s: float) -> None:
        through_s = self.bottleneck.send(size_bytes, now_s)
        if through_s is None:
            self.dropped += 1
            return
        if self._random.random() >= self.loss:
            arrival_s = through_s + self.delay_s + self._random.random() * self.jitter_s
            if self._bunch_s:
                arrival_s = math.ceil(arrival_s / self._bunch_s) * self._bunch_s
            arrival_s = max(arrival_s, math.floor(arrival_s) + self._stall_s)
            before_s = self._arriving[-1][0] if self._arriving else 0.0
            self._arriving.append((max(before_s, arrival_s), sequence))
            self.delivered_bytes += size_bytes

    def feedback(self, now_s: float) -> list[bytes]:
        """Returns the reports that reach the sender by now."""
        while self._next_report_s <= now_s:
            self._report(self._next_report_s)
            self._next_report_s += FEEDBACK_S
        back: list[bytes] = []
        while self._reports and self._reports[0][0] <= now_s:
            back.append(self._reports.popleft()[1])
        return back

    def _report(self, at_s: float) -> None:
        arrived: dict[int, int] = {}
        while self._arriving and self._arriving[0][0] <= at_s:
            arrival_s, sequence = self._arriving.popleft()
            arrived[sequence] = self._clock_ticks + int(arrival_s * TICKS_PER_S)
        if not arrived:
            return
        base, self._reported = self._reported, max(arrived) + 1
        if not self.mute:
            report = write_feedback(base, [arrived.get(n) for n in range(base, self._reported)])
            self._reports.append((at_s + self.delay_s, report))


@dataclass(frozen=True, slots=True)
class Bytes:
    """A packet of which only the size matters."""

    size_bytes: int


def frame_of(size_bytes: int, *, keyframe: bool = False) -> Group[Bytes]:
    """Returns a frame of as many packets as `size_bytes` need."""
    whole, rest = divmod(max(1, size_bytes), PACKET_BYTES)
    sizes = [PACKET_BYTES] * whole + ([rest] if rest else [])
    return Group(tuple(Bytes(size) for size in sizes), keyframe)


@dataclass(frozen=True, slots=True)
class Moment:
    """Figures of every 50 ms. `queueing_s` is the true queue, `seen_s` the estimated one."""

    at_s: float
    capacity_bps: float
    estimate_bps: float
    target_bps: float
    sent_bps: float
    queueing_s: float
    seen_s: float
    loss_ratio: float


#: Returns the bytes of the next frame, from time and target rate.
Source = Callable[[float, float], int]


class Session:
    """A source of frames, the pacer and the estimator on one link. `run` may be called again to continue."""

    def __init__(
        self,
        link: SimulatedLink,
        *,
        source: Source | None = None,
        fps: float = 60.0,
        max_bps: float = 150e6,
        start_bps: float = 2e6,
    ) -> None:
        """By default every frame takes its part of the target rate, give or take a fifth."""
        self.link = link
        self.estimator = BandwidthEstimator(max_bps=max_bps, start_bps=start_bps)
        self.pacer: Pacer[Bytes] = Pacer(self.estimator.target_bps)
        self.source = source or self._fill
        self._fps = fps
        self._random = random.Random(7)
        self._sequence = 0
        self.step = 0
        self._next_frame_s = 0.0

    def _fill(self, now_s: float, target_bps: float) -> int:
        return int(target_bps / 8 / self._fps * self._random.uniform(0.8, 1.2))

    def run(self, seconds: float) -> list[Moment]:
        moments: list[Moment] = []
        sent_bytes, every = 0, round(FEEDBACK_S / STEP_S)
        for step in range(self.step, self.step + round(seconds / STEP_S)):
            now_s = step * STEP_S
            for datagram in self.link.feedback(now_s):
                for feedback in parse_feedback(datagram):
                    self.estimator.on_feedback(feedback, now_s)
                self.pacer.retarget(self.estimator.target_bps, now_s, self.estimator.probe)
            if now_s >= self._next_frame_s:
                self._next_frame_s += 1 / self._fps
                size_bytes = self.source(now_s, self.estimator.target_bps)
                if size_bytes:
                    self.pacer.retarget(self.estimator.target_bps, now_s, self.estimator.probe)
                    self.pacer.add(frame_of(size_bytes, keyframe=self.pacer.keyframe_wanted), now_s)
            for departure in self.pacer.take_due(now_s):
                size_bytes = departure.packet.size_bytes
                self.estimator.on_packet_sent(self._sequence, size_bytes, now_s, departure.probe)
                self.link.send(self._sequence, size_bytes, now_s)
                self._sequence += 1
                sent_bytes += size_bytes
            if step % every == every - 1:
                moments.append(self._moment(now_s, sent_bytes))
                sent_bytes = 0
        self.step += round(seconds / STEP_S)
        return moments

    def _moment(self, now_s: float, sent_bytes: int) -> Moment:
        estimator = self.estimator
        return Moment(
            now_s,
            self.link.capacity_bps(now_s),
            estimator.estimate_bps,
            estimator.target_bps,
            sent_bytes * 8 / FEEDBACK_S,
            self.link.queueing_s(now_s),
            estimator.queueing_s,
            estimator.loss_ratio,
        )
