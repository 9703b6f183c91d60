"""The RTP stream of one viewer: packetization, retransmission, pacing. Pure: the caller passes the time."""

from __future__ import annotations

import secrets
import struct
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.feedback import FeedbackError, parse_feedback, split_compound
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

#: Packets kept for retransmission: a keyframe of a 5 MP monitor, and what follows within a round trip.
PACKETS_KEPT = 2_048
#: Shortest time between two retransmissions of a packet, s.
RETRANSMIT_EVERY_S = 0.02
#: Shortest time between two keyframes on request, s: a storm of requests counts as one.
KEYFRAME_EVERY_S = 0.3
# A lost packet arrives a round trip later, and the frames after it wait for it. On long and lossy links each
# packet is therefore sent twice.
#: Loss ratio from which on packets are duplicated …
DUPLICATE_LOSS = 0.005
#: … if the round trip is longer than this, s, …
DUPLICATE_ROUND_TRIP_S = 0.02
#: … and both copies together take less than this fraction of the target rate.
DUPLICATE_ROOM = 0.8
#: Longest playout delay that a browser may add to smooth the frame intervals, in units of 10 ms. With 0
#: Chromium drops frames.
PLAYOUT_MAX = 5
#: RTP clock rate of video, Hz.
CLOCK_HZ = 90_000

#: RTCP packet types: transport-layer and payload-specific feedback (RFC 4585).
_RTPFB, _PSFB = 205, 206
#: Their formats: lost packets; two requests for a keyframe.
_NACK, _PLI, _FIR = 1, 1, 4


@dataclass(slots=True)
class SenderCounts:
    """Totals of one stream."""

    frames: int = 0
    packets: int = 0
    bytes: int = 0
    retransmitted: int = 0
    duplicated: int = 0
    keyframes_requested: int = 0


class VideoSender:
    """Takes frames (`add_frame`) and RTCP (`on_rtcp`), and gives the datagrams to be sent (`take_due`)."""

    def __init__(self, offer: Offer, codec: OfferedCodec, *, start_bps: float, max_bps: float) -> None:
        self._codec = codec
        self._extensions: Mapping[str, int] = offer.extensions
        self._mid = offer.mid.encode()
        self.estimator = BandwidthEstimator(start_bps=start_bps, max_bps=max_bps)
        self._pacer: Pacer[RtpPacket] = Pacer(self.estimator.target_bps)
        self.ssrc = secrets.randbits(32)
        self.repair_ssrc = secrets.randbits(32)
        # In the lower half, because SRTP counts wrap-arounds from 0 on both sides.
        self._sequence = secrets.randbits(15)
        self._repair_sequence = secrets.randbits(15)
        self._transport_sequence = 0
        self._picture_id = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._kept: OrderedDict[int, RtpPacket] = OrderedDict()
        self._retransmitted_s: dict[int, float] = {}
        self._duplicating = False
        self._keyframe_requested = False
        self._keyframe_s = -1e9
        self.counts = SenderCounts()

    @property
    def backlog_s(self) -> float:
        """How long the queued packets will take to be sent, s."""
        return self._pacer.queue_s

    def keyframe_wanted(self, now_s: float) -> bool:
        """Returns whether the next frame should be a keyframe."""
        requested = self._keyframe_requested or self._pacer.keyframe_wanted
        return requested and now_s - self._keyframe_s >= KEYFRAME_EVERY_S

    def add_frame(self, frame: EncodedFrame, captured_s: float, now_s: float) -> None:
        """Packetizes and queues a frame that was captured at `captured_s`."""
        if frame.keyframe:
            self._keyframe_requested = False
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
            self._keep(packet)
            packets.append(packet)
        if self._should_duplicate():
            self.counts.duplicated += len(packets)
            packets += [self._retransmission_of(packet) for packet in packets]
        self.counts.frames += 1
        # Needed without feedback, too: a link that fell silent gets a trickle only.
        self._pacer.retarget(self.estimator.target_bps, now_s, self.estimator.probe)
        self._pacer.add(Group(tuple(packets), frame.keyframe), now_s)

    def take_due(self, now_s: float) -> Iterator[bytes]:
        """Yields the datagrams to be sent now, numbered for the feedback."""
        for departure in self._pacer.take_due(now_s):
            data = departure.packet.serialised(self._headers())
            self.estimator.on_packet_sent(self._transport_sequence, len(data), now_s, departure.probe)
            self._transport_sequence = self._transport_sequence + 1 & 0xFFFF
            self.counts.packets += 1
            self.counts.bytes += len(data)
            yield data

    @property
    def next_due_s(self) -> float | None:
        """When to call `take_due`; None while nothing is queued."""
        return self._pacer.next_due_s

    def on_rtcp(self, datagram: bytes, now_s: float) -> None:
        """Takes a compound RTCP packet. Malformed ones are ignored: they come through an authenticated
        channel, and only report losses.
        """
        try:
            for feedback in parse_feedback(datagram):
                self.estimator.on_feedback(feedback, now_s)
                self._pacer.retarget(self.estimator.target_bps, now_s, self.estimator.probe)
            for packet_type, form, body in split_compound(datagram):
                if packet_type == _RTPFB and form == _NACK:
                    self._on_nack(body, now_s)
                elif packet_type == _PSFB and form in (_PLI, _FIR):
                    self.counts.keyframes_requested += 1
                    self._keyframe_requested = True
        except (FeedbackError, struct.error):
            return

    # ── private ───────────────────────────────────────────────────────────────────────────────────────

    def _should_duplicate(self) -> bool:
        """Decides anew for each frame whether its packets are sent twice."""
        link = self.estimator
        both_bps = link.acked_bps if self._duplicating else 2 * link.acked_bps
        lossy = link.loss_ratio > DUPLICATE_LOSS and link.round_trip_s > DUPLICATE_ROUND_TRIP_S
        room = both_bps < DUPLICATE_ROOM * link.target_bps
        self._duplicating = lossy and room and self._codec.repair is not None
        return self._duplicating

    def _retransmission_of(self, packet: RtpPacket) -> RtpPacket:
        """Returns the packet as it is sent again: in the retransmission stream, if there is one."""
        if self._codec.repair is None:
            return packet
        retransmission = packet.retransmitted(self._codec.repair, self._repair_sequence, self.repair_ssrc)
        self._repair_sequence = self._repair_sequence + 1 & 0xFFFF
        return retransmission

    def _headers(self) -> dict[int, bytes]:
        headers = {}
        if (number := self._extensions.get(TRANSPORT_SEQUENCE)) is not None:
            headers[number] = struct.pack("!H", self._transport_sequence)
        if (number := self._extensions.get(PLAYOUT_DELAY)) is not None:
            headers[number] = PLAYOUT_MAX.to_bytes(3, "big")
        if (number := self._extensions.get(MEDIA_ID)) is not None:
            headers[number] = self._mid
        return headers

    def _keep(self, packet: RtpPacket) -> None:
        self._kept[packet.sequence] = packet
        if len(self._kept) > PACKETS_KEPT:
            oldest, _ = self._kept.popitem(last=False)
            self._retransmitted_s.pop(oldest, None)

    def _on_nack(self, body: bytes, now_s: float) -> None:
        for first, mask in struct.iter_unpack("!HH", body[8 : 8 + (len(body) - 8) // 4 * 4]):
            for offset in [0, *(bit + 1 for bit in range(16) if mask >> bit & 1)]:
                self._retransmit(first + offset & 0xFFFF, now_s)

    def _retransmit(self, sequence: int, now_s: float) -> None:
        packet = self._kept.get(sequence)
        if packet is None or now_s - self._retransmitted_s.get(sequence, -1e9) < RETRANSMIT_EVERY_S:
            return
        self._retransmitted_s[sequence] = now_s
        self.counts.retransmitted += 1
        self._pacer.retransmit(self._retransmission_of(packet), now_s)
