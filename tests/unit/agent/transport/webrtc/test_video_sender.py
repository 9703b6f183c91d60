"""The RTP stream of one viewer: retransmissions, keyframes on request and duplicated packets."""

from __future__ import annotations

import struct

import pytest
from aiortc.rtp import HeaderExtensionsMap
from aiortc.rtp import RtpPacket as TheirPacket

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.session_description import (
    PLAYOUT_DELAY,
    TRANSPORT_SEQUENCE,
    Offer,
    OfferedCodec,
)
from display_server.agent.transport.webrtc.video_sender import (
    KEYFRAME_EVERY_S,
    RETRANSMIT_EVERY_S,
    VideoSender,
)
from display_server.protocol.video_format import EncodedFrame

CODEC = OfferedCodec(96, "vp8", {}, repair=97)
OFFER = Offer("0", "user", "password", (), (CODEC,), {TRANSPORT_SEQUENCE: 4, PLAYOUT_DELAY: 5})


def sender(codec: OfferedCodec = CODEC) -> VideoSender:
    return VideoSender(OFFER, codec, start_bps=8e6, max_bps=20e6)


def packets(stream: VideoSender, until_s: float) -> list[TheirPacket]:
    """Returns the packets that leave until then."""
    found: list[TheirPacket] = []
    now_s = 0.0
    while now_s < until_s:
        found += [TheirPacket.parse(data, HeaderExtensionsMap()) for data in stream.take_due(now_s)]
        now_s += 0.001
    return found


def rtcp(kind: int, form: int, body: bytes = b"") -> bytes:
    return struct.pack("!BBHII", 0x80 | form, kind, 2 + len(body) // 4, 1, 2) + body


def nack(sequence: int, mask: int = 0) -> bytes:
    return rtcp(205, 1, struct.pack("!HH", sequence, mask))


PLI = rtcp(206, 1)


def test_a_frame_is_sent_completely_and_in_order() -> None:
    stream = sender()
    stream.add_frame(EncodedFrame(bytes(range(256)) * 20, keyframe=True), 1.5, 0.0)
    sent = packets(stream, 0.2)
    assert len(sent) == 5
    assert [p.sequence_number - sent[0].sequence_number for p in sent] == list(range(5))
    assert [p.marker for p in sent] == [0, 0, 0, 0, 1]
    assert len({p.timestamp for p in sent}) == 1


def test_lost_packets_are_sent_again_in_the_retransmission_stream() -> None:
    stream = sender()
    stream.add_frame(EncodedFrame(bytes(5000), keyframe=True), 0.0, 0.0)
    sent = packets(stream, 0.1)
    stream.on_rtcp(nack(sent[1].sequence_number, mask=0b10), 0.1)
    again = packets(stream, 0.2)
    assert [p.payload_type for p in again] == [97, 97]
    assert [struct.unpack("!H", p.payload[:2])[0] for p in again] == [
        sent[1].sequence_number,
        sent[3].sequence_number,
    ]
    assert [p.payload[2:] for p in again] == [sent[1].payload, sent[3].payload]
    assert {p.ssrc for p in again} == {stream.repair_ssrc}


def test_without_a_retransmission_stream_the_packet_itself_is_sent_again() -> None:
    stream = sender(OfferedCodec(96, "vp8"))
    stream.add_frame(EncodedFrame(bytes(3000), keyframe=True), 0.0, 0.0)
    sent = packets(stream, 0.1)
    stream.on_rtcp(nack(sent[0].sequence_number), 0.1)
    assert [(p.sequence_number, p.payload) for p in packets(stream, 0.2)] == [
        (sent[0].sequence_number, sent[0].payload)
    ]


def test_a_packet_is_not_sent_again_twice_in_a_row() -> None:
    stream = sender()
    stream.add_frame(EncodedFrame(bytes(500), keyframe=True), 0.0, 0.0)
    number = packets(stream, 0.1)[0].sequence_number
    for _ in range(100):
        stream.on_rtcp(nack(number), 0.1)
    assert len(packets(stream, 0.2)) == 1
    stream.on_rtcp(nack(number), 0.1 + 2 * RETRANSMIT_EVERY_S)
    assert len(packets(stream, 0.3)) == 1


def test_a_storm_of_requests_causes_one_keyframe() -> None:
    stream = sender()
    stream.add_frame(EncodedFrame(bytes(500), keyframe=True), 0.0, 0.0)
    wanted = []
    now_s = 0.0
    while now_s < 3.0:
        stream.on_rtcp(PLI, now_s)
        wanted.append(stream.keyframe_wanted(now_s))
        stream.add_frame(EncodedFrame(bytes(500), keyframe=wanted[-1]), now_s, now_s)
        list(stream.take_due(now_s))
        now_s += 1 / 60
    assert 1 <= sum(wanted) <= 3.0 / KEYFRAME_EVERY_S
    assert stream.counts.keyframes_requested == len(wanted)


def test_no_keyframe_without_a_request() -> None:
    stream = sender()
    stream.add_frame(EncodedFrame(bytes(500), keyframe=True), 0.0, 0.0)
    assert not stream.keyframe_wanted(100.0)


@pytest.mark.parametrize("datagram", [b"", b"\x80", b"\x81\xcd\x00\x09short", nack(1)[:-2], b"\xff" * 40])
def test_malformed_rtcp_is_ignored(datagram: bytes) -> None:
    stream = sender()
    stream.add_frame(EncodedFrame(bytes(500), keyframe=True), 0.0, 0.0)
    stream.on_rtcp(datagram, 0.0)
    assert not stream.keyframe_wanted(10.0)
    assert stream.counts.retransmitted == 0


@pytest.mark.parametrize(
    ("lost", "round_trip_s", "acked_bps", "times"),
    [
        pytest.param(0.02, 0.06, 1e6, 2, id="lossy, long, with room"),
        pytest.param(0.001, 0.06, 1e6, 1, id="hardly lossy"),
        pytest.param(0.02, 0.005, 1e6, 1, id="short: what is lost is soon there again"),
        pytest.param(0.02, 0.06, 4e6, 1, id="no room for both"),
    ],
)
def test_packets_are_duplicated_on_long_lossy_links(
    monkeypatch: pytest.MonkeyPatch, lost: float, round_trip_s: float, acked_bps: float, times: int
) -> None:
    monkeypatch.setattr(BandwidthEstimator, "loss_ratio", lost)
    monkeypatch.setattr(BandwidthEstimator, "acked_bps", acked_bps)
    stream = sender()
    stream.estimator.round_trip_s = round_trip_s
    stream.add_frame(EncodedFrame(bytes(5000), keyframe=True), 0.0, 0.0)
    sent = packets(stream, 0.2)
    assert len(sent) == 5 * times
    originals = {p.sequence_number: p.payload for p in sent if p.ssrc == stream.ssrc}
    copies = {struct.unpack("!H", p.payload[:2])[0]: p.payload[2:] for p in sent if p.ssrc != stream.ssrc}
    assert len(originals) == 5
    assert copies == (originals if times == 2 else {})
