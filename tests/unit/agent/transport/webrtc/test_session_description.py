"""Offers of browsers, and answers as browsers parse them."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.codec_choice import choose_codec
from display_server.agent.transport.webrtc.session_description import (
    PLAYOUT_DELAY,
    TRANSPORT_SEQUENCE,
    Answer,
    Channel,
    parse_offer,
)
from display_server.protocol.errors import ProtocolError
from display_server.protocol.video_format import Chroma, Codec

OFFER = """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 108 109 116 117 63 64
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 192.0.2.9 53211 typ host generation 0
a=candidate:2 1 tcp 1518149375 0b1c.local 9 typ host tcptype active
a=ice-ufrag:EsAw
a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y
a=ice-options:trickle
a=fingerprint:sha-256 DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:toffset
a=extmap:3 urn:3gpp:video-orientation
a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=recvonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 transport-cc
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:108 H264/90000
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
a=rtpmap:116 H264/90000
a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:63 H264/90000
a=fmtp:63 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=f4001f
a=rtpmap:64 rtx/90000
a=fmtp:64 apt=63
"""
ALL = frozenset({(Codec.H264, Chroma.YUV444), (Codec.H264, Chroma.YUV420), (Codec.VP8, Chroma.YUV420)})


def test_an_offer_of_chromium() -> None:
    offer = parse_offer(OFFER)
    assert (offer.mid, offer.user) == ("0", "EsAw")
    assert offer.fingerprints[0][0] == "sha-256"
    assert offer.extensions == {TRANSPORT_SEQUENCE: 4, PLAYOUT_DELAY: 5}
    assert [codec.payload_type for codec in offer.codecs] == [96, 103, 108, 116, 63]
    assert next(codec for codec in offer.codecs if codec.payload_type == 63).repair == 64


@pytest.mark.parametrize(
    ("encodable", "payload_type"),
    [
        (ALL, 63),
        (ALL - {(Codec.H264, Chroma.YUV444)}, 108),
        (frozenset({(Codec.VP8, Chroma.YUV420)}), 96),
    ],
)
def test_the_best_common_codec_is_chosen(
    encodable: frozenset[tuple[Codec, Chroma]], payload_type: int
) -> None:
    choice = choose_codec(parse_offer(OFFER).codecs, encodable)
    assert choice is not None
    assert choice[0].payload_type == payload_type
    assert choice[1:] in encodable


CHANNEL = """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y
a=setup:actpass
a=mid:1
a=sctp-port:5001
a=max-message-size:262144
"""
WITH_CHANNEL = OFFER.replace("BUNDLE 0", "BUNDLE 0 1") + CHANNEL


def test_an_offer_with_a_data_channel() -> None:
    offer = parse_offer(WITH_CHANNEL)
    assert offer.channel == Channel("1", 5001)
    assert (offer.mid, offer.codecs) == ("0", parse_offer(OFFER).codecs)
    assert parse_offer(OFFER).channel is None


@pytest.mark.parametrize(
    "text",
    [
        OFFER + CHANNEL,  # on a transport of its own
        CHANNEL + OFFER,
        WITH_CHANNEL + CHANNEL,
        WITH_CHANNEL.replace("sctp-port:5001", "sctp-port:0"),
        WITH_CHANNEL.replace("a=sctp-port:5001\n", ""),
        WITH_CHANNEL.replace("m=application", "m=audio"),
    ],
    ids=["not bundled", "before the video", "two", "no port", "no port at all", "another medium"],
)
def test_malformed_data_channels_are_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_offer(text)


def test_no_common_codec() -> None:
    assert choose_codec(parse_offer(OFFER).codecs, frozenset()) is None


@pytest.mark.parametrize("text", [OFFER, WITH_CHANNEL], ids=["video", "video and data channel"])
def test_another_implementation_parses_the_answer(text: str) -> None:
    offer = parse_offer(text)
    choice = choose_codec(offer.codecs, ALL)
    assert choice is not None
    text = str(
        Answer(
            offer=offer,
            codec=choice[0],
            user="abcd",
            password="x" * 22,
            fingerprints=[("sha-256", "AA:BB")],
            candidates=["1 1 udp 2130706431 127.0.0.1 40000 typ host"],
            ssrc=11,
            repair_ssrc=12,
        )
    )
    read = SessionDescription.parse(text)
    assert read.group[0].items == ["0", "1"][: len(read.media)]
    if offer.channel is not None:
        assert (read.media[1].kind, read.media[1].rtp.muxId) == ("application", "1")
        assert read.media[1].sctp_port == 5000
        assert read.media[1].ice == read.media[0].ice
    media = read.media[0]
    assert media.direction == "sendonly"
    assert [codec.payloadType for codec in media.rtp.codecs] == [63, 64]
    assert media.rtp.codecs[0].parameters["profile-level-id"] == "f4001f"
    assert [ssrc.ssrc for ssrc in media.ssrc] == [11, 12]
    assert media.ice_candidates[0].ip == "127.0.0.1"
    assert media.ice_candidates_complete


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a=recvonly", "a=sendrecv"),
        ("m=video", "m=audio"),
        ("a=mid:0", "a=mid:0 0"),
        ("a=ice-ufrag:EsAw", "a=ice-ufrag:E\nA"),
        ("a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y", "a=ice-pwd:short"),
        ("a=rtpmap:96 VP8", "a=rtpmap:960 VP8"),
        ("a=fingerprint:sha-256 DA", "a=fingerprint:sha-256 XX"),
    ],
)
def test_malformed_offers_are_refused(before: str, after: str) -> None:
    assert before in OFFER
    with pytest.raises(ProtocolError):
        parse_offer(OFFER.replace(before, after))


@given(st.lists(st.sampled_from(OFFER.splitlines()) | st.text(max_size=80), max_size=60))
def test_any_text_is_parsed_or_refused(lines: list[str]) -> None:
    try:
        parse_offer("\n".join(lines))
    except ProtocolError as error:
        assert str(error)  # noqa: PT017 - both outcomes are allowed
