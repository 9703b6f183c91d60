"""RTP packets, as another implementation parses them."""

from __future__ import annotations

import numpy as np
import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, unwrap_rtx
from aiortc.rtp import RtpPacket as TheirPacket
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.packets import (
    PAYLOAD_MAX_BYTES,
    RtpPacket,
    h264_payloads,
    nal_units,
    vp8_payloads,
)
from display_server.agent.transport.webrtc.session_description import MEDIA_ID, TRANSPORT_SEQUENCE

NOISE = np.random.default_rng(1).integers(1, 256, 40_000, np.uint8).tobytes()

units = st.lists(
    st.builds(
        lambda kind, size: bytes([0x60 | kind]) + NOISE[:size],
        st.sampled_from([1, 5, 6, 7, 8]),
        st.one_of(st.integers(1, 60), st.integers(1000, 1300), st.integers(1, 9000)),
    ),
    min_size=1,
    max_size=12,
)


@given(units)
def test_h264_units_are_restored(sent: list[bytes]) -> None:
    payloads = h264_payloads(b"".join(b"\x00\x00\x00\x01" + unit for unit in sent))
    assert max(map(len, payloads)) <= PAYLOAD_MAX_BYTES
    received = b"".join(h264_depayload(payload) for payload in payloads)
    assert list(nal_units(received)) == sent


def test_small_units_share_a_packet() -> None:
    """SPS, PPS and a small slice are lost together or not at all."""
    assert len(h264_payloads(b"\x00\x00\x01\x67abc\x00\x00\x01\x68d\x00\x00\x01\x65xyz")) == 1


@pytest.mark.parametrize("size", [1, PAYLOAD_MAX_BYTES - 4, PAYLOAD_MAX_BYTES, 40_000])
def test_vp8_frames_are_restored(size: int) -> None:
    payloads = vp8_payloads(NOISE[:size], 0x12345)
    assert max(map(len, payloads)) <= PAYLOAD_MAX_BYTES
    assert b"".join(vp8_depayload(payload) for payload in payloads) == NOISE[:size]
    assert [payload[0] >> 4 & 1 for payload in payloads] == [1] + [0] * (len(payloads) - 1)


def test_another_implementation_parses_header_and_extensions() -> None:
    known = HeaderExtensionsMap()
    known.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=3, uri=TRANSPORT_SEQUENCE),
                RTCRtpHeaderExtensionParameters(id=9, uri=MEDIA_ID),
            ]
        )
    )
    packet = RtpPacket(102, 65_535, 0xFFFF_0000, 0xDEAD_BEEF, True, b"payload")
    theirs = TheirPacket.parse(packet.serialised({3: b"\x12\x34", 9: b"video"}), known)
    assert (theirs.payload_type, theirs.sequence_number, theirs.timestamp) == (102, 65_535, 0xFFFF_0000)
    assert (theirs.ssrc, theirs.marker, theirs.payload) == (0xDEAD_BEEF, 1, b"payload")
    assert theirs.extensions.transport_sequence_number == 0x1234
    assert theirs.extensions.mid == "video"


def test_another_implementation_restores_retransmissions() -> None:
    packet = RtpPacket(102, 7, 90_000, 1, True, b"payload")
    again = TheirPacket.parse(packet.retransmitted(103, 99, 2).serialised({}), HeaderExtensionsMap())
    assert (again.payload_type, again.sequence_number, again.ssrc) == (103, 99, 2)
    original = unwrap_rtx(again, payload_type=102, ssrc=1)
    assert (original.sequence_number, original.payload, original.marker) == (7, b"payload", 1)
