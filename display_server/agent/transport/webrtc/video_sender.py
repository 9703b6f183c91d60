"""The RTP stream of one viewer's motion: packets, what is sent again, what the way carries. Time comes in."""

from __future__ import annotations

import secrets
import struct
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.feedback import FeedbackError, parse_feedback, split
from display_server.agent.transport.webrtc.pacer import Group, Pacer
from display_server.agent.transport.webrtc.packets import RtpPacket, h264_payloads, vp8_payloads
from display_server.agent.transport.webrtc.session_description import (
    MEDIA_ID,
    PLAYOUT_DELAY,
    TRANSPORT_SEQUENCE,
    Offer,
    OfferedCodec,
)
from display_server.protocol.video_format import Codec, EncodedFrame

#: Packets kept for those that got lost: a keyframe of a 5 MP monitor, and what follows within a round trip.
HISTORY_MAX = 2_048
#: A packet is sent again this often at most, s.
REPEAT_AFTER_S = 0.02
#: Keyframes that are asked for follow each other at most so often, s: a storm of requests is one request.
KEYFRAME_EVERY_S = 0.3
#: What is lost comes again a round trip later, and stops all that follows for as long. Where such a share is
#: lost on a way so long, s, each packet goes twice, if both together take this share of the target at most.
LOSSY, LONG_S, ROOM = 0.005, 0.02, 0.8
#: A browser may hold frames back so long to smooth them, in 10 ms. None would make Chromium drop frames.
PLAYOUT_MAX = 5
CLOCK_HZ = 90_000

_RTPFB, _PSFB = 205, 206
_NACK, _PLI, _FIR = 1, 1, 4


@dataclass(slots=True)
class Counts:
    frames: int = 0
    packets: int = 0
    bytes: int = 0
    repeated: int = 0
    doubled: int = 0
    keyframes_asked: int = 0


class VideoSender:
    """`rtcp` takes what comes, `add` a frame, `due` gives datagrams that are to go now."""

    def __init__(self, offer: Offer, codec: OfferedCodec, *, start_bps: float, max_bps: float) -> None:
        self._codec = codec
        self._extensions: Mapping[str, int] = offer.extensions
        self._mid = offer.mid.encode()
        self.estimator = BandwidthEstimator(start_bps=start_bps, max_bps=max_bps)
        self._pacer: Pacer[RtpPacket] = Pacer(self.estimator.target_bps)
        self.ssrc = secrets.randbits(32)
        self.repair_ssrc = secrets.randbits(32)
        # In the lower half: SRTP's count of wraps starts at 0 on both sides.
        self._sequence = secrets.randbits(15)
        self._repair_sequence = secrets.randbits(15)
        self._transport_sequence = 0
        self._picture_id = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._history: OrderedDict[int, RtpPacket] = OrderedDict()
        self._repeated_s: dict[int, float] = {}
        self._twice = False
        self._keyframe_asked = False
        self._keyframe_s = -1e9
        self.counts = Counts()

    @property
    def backlog_s(self) -> float:
        """How long what waits will take to be sent."""
        return self._pacer.queue_s

    def keyframe_wanted(self, now_s: float) -> bool:
        """Whether the next frame is to be one that needs no other."""
        asked = self._keyframe_asked or self._pacer.keyframe_wanted
        return asked and now_s - self._keyframe_s >= KEYFRAME_EVERY_S

    def add(self, frame: EncodedFrame, captured_s: float, now_s: float) -> None:
        if frame.keyframe:
            self._keyframe_asked = False
            self._keyframe_s = now_s
        if self._codec.name == Codec.H264.value:
            payloads = h264_payloads(frame.data)
        else:
            payloads = vp8_payloads(frame.data, self._picture_id)
            self._picture_id = self._picture_id + 1 & 0x7FFF
        timestamp = self._timestamp + int(captured_s * CLOCK_HZ) & 0xFFFF_FFFF
        packets = []
        for index, payload in enumerate(payloads):
            last = index == len(payloads) - 1
            packet = RtpPacket(self._codec.payload_type, self._sequence, timestamp, self.ssrc, last, payload)
            self._sequence = self._sequence + 1 & 0xFFFF
            self._remember(packet)
            packets.append(packet)
        if self._goes_twice():
            self.counts.doubled += len(packets)
            packets += [self._again(packet) for packet in packets]
        self.counts.frames += 1
        # Also without feedback: a way that fell silent gets a trickle.
        self._pacer.retarget(self.estimator.target_bps, now_s, self.estimator.probe)
        self._pacer.add(Group(tuple(packets), frame.keyframe), now_s)

    def due(self, now_s: float) -> Iterator[bytes]:
        """What is to be sent now, each with its number for the feedback."""
        for departure in self._pacer.due(now_s):
            data = departure.packet.serialised(self._headers())
            self.estimator.sent(self._transport_sequence, len(data), now_s, departure.probe)
            self._transport_sequence = self._transport_sequence + 1 & 0xFFFF
            self.counts.packets += 1
            self.counts.bytes += len(data)
            yield data

    @property
    def next_due_s(self) -> float | None:
        return self._pacer.next_due_s

    def rtcp(self, datagram: bytes, now_s: float) -> None:
        """A compound RTCP packet. What is malformed is dropped: it came through an authenticated channel, and
        tells only of what got lost."""
        try:
            for feedback in parse_feedback(datagram):
                self.estimator.feedback(feedback, now_s)
                self._pacer.retarget(self.estimator.target_bps, now_s, self.estimator.probe)
            for kind, form, body in split(datagram):
                if kind == _RTPFB and form == _NACK:
                    self._lost(body, now_s)
                elif kind == _PSFB and form in (_PLI, _FIR):
                    self.counts.keyframes_asked += 1
                    self._keyframe_asked = True
        except (FeedbackError, struct.error):
            return

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _goes_twice(self) -> bool:
        way = self.estimator
        both_bps = way.acked_bps if self._twice else 2 * way.acked_bps
        lossy = way.loss_share > LOSSY and way.round_trip_s > LONG_S
        self._twice = lossy and self._codec.repair is not None and both_bps < ROOM * way.target_bps
        return self._twice

    def _again(self, packet: RtpPacket) -> RtpPacket:
        """The same in the stream of what was lost, where there is one."""
        if self._codec.repair is None:
            return packet
        again = packet.retransmitted(self._codec.repair, self._repair_sequence, self.repair_ssrc)
        self._repair_sequence = self._repair_sequence + 1 & 0xFFFF
        return again

    def _headers(self) -> dict[int, bytes]:
        headers = {}
        if (number := self._extensions.get(TRANSPORT_SEQUENCE)) is not None:
            headers[number] = struct.pack("!H", self._transport_sequence)
        if (number := self._extensions.get(PLAYOUT_DELAY)) is not None:
            headers[number] = PLAYOUT_MAX.to_bytes(3, "big")
        if (number := self._extensions.get(MEDIA_ID)) is not None:
            headers[number] = self._mid
        return headers

    def _remember(self, packet: RtpPacket) -> None:
        self._history[packet.sequence] = packet
        if len(self._history) > HISTORY_MAX:
            gone, _ = self._history.popitem(last=False)
            self._repeated_s.pop(gone, None)

    def _lost(self, body: bytes, now_s: float) -> None:
        for first, mask in struct.iter_unpack("!HH", body[8 : 8 + (len(body) - 8) // 4 * 4]):
            for offset in [0, *(bit + 1 for bit in range(16) if mask >> bit & 1)]:
                self._repeat(first + offset & 0xFFFF, now_s)

    def _repeat(self, sequence: int, now_s: float) -> None:
        packet = self._history.get(sequence)
        if packet is None or now_s - self._repeated_s.get(sequence, -1e9) < REPEAT_AFTER_S:
            return
        self._repeated_s[sequence] = now_s
        self.counts.repeated += 1
        self._pacer.repeat(self._again(packet), now_s)
