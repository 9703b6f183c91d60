"""SDP (RFC 8866, 8829, 8841) of a viewer's offer of one video, with or without a data channel, and of the
agent's answer.

Rejected: the SDP and the codec registry of aiortc, which support neither High 4:4:4 nor our header
extensions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from display_server.protocol.errors import ProtocolError

#: Most lines of an offer.
LINES_MAX = 2_000
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
MEDIA_ID = "urn:ietf:params:rtp-hdrext:sdes:mid"
#: Header extensions that we support; others are not accepted.
EXTENSIONS = frozenset({TRANSPORT_SEQUENCE, PLAYOUT_DELAY, MEDIA_ID})
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})+")
_TOKEN = re.compile(r"[A-Za-z0-9+/]{4,256}")
_MID = re.compile(r"[A-Za-z0-9_-]{1,16}")
#: Our SCTP port. It exists within the channel only, not on the host.
SCTP_PORT = 5000
#: Longest message that we accept on the data channel, bytes; our clients send shorter ones.
MESSAGE_MAX_BYTES = 64


@dataclass(frozen=True, slots=True)
class OfferedCodec:
    """A codec of an offer: `name` in lower case, `parameters` of its fmtp line, and in `repair` the payload
    type of its retransmissions.
    """

    payload_type: int
    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    repair: int | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """The media section for data channels; `port` is the SCTP port of the other side."""

    mid: str
    port: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A parsed offer. `fingerprints` are (algorithm, value) pairs, `extensions` maps URIs to numbers."""

    mid: str
    user: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    codecs: tuple[OfferedCodec, ...]
    extensions: Mapping[str, int]
    channel: Channel | None = None


def parse_offer(text: str) -> Offer:
    """Parses the offer to receive one video, with or without a data channel. Raises ProtocolError."""
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        raise ProtocolError(f"an offer has at most {LINES_MAX} lines")
    begins = [number for number, line in enumerate(lines) if line.startswith("m=")]
    kinds = [lines[number].split(" ", 1)[0] for number in begins]
    if kinds not in (["m=video"], ["m=video", "m=application"]):
        raise ProtocolError("an offer has one video section, and at most a data channel after it")
    end = begins[1] if len(begins) > 1 else len(lines)
    attributes = _attributes(lines[:end])  # session attributes precede the first media section
    if "recvonly" not in attributes:
        raise ProtocolError("the video of an offer must be recvonly")
    try:
        return Offer(
            mid=_one(attributes, "mid", _MID),
            user=_one(attributes, "ice-ufrag", _TOKEN, least=4),
            password=_one(attributes, "ice-pwd", _TOKEN, least=22),
            fingerprints=tuple(_fingerprint(value) for value in attributes["fingerprint"]),
            codecs=tuple(_codecs(attributes)),
            extensions=_extensions(attributes.get("extmap", [])),
            channel=_channel(attributes, _attributes(lines[end:])) if len(begins) > 1 else None,
        )
    except (KeyError, ValueError, IndexError) as error:
        raise ProtocolError(f"the offer is malformed: {error!r}") from error


def _attributes(lines: Iterable[str]) -> dict[str, list[str]]:
    attributes: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            attributes.setdefault(name, []).append(value.strip())
    return attributes


def _one(attributes: Mapping[str, Sequence[str]], name: str, form: re.Pattern[str], least: int = 1) -> str:
    value = attributes[name][0]
    if not form.fullmatch(value) or len(value) < least:
        raise ValueError(f"{name} {value[:32]!r}")
    return value


def _channel(video: Mapping[str, Sequence[str]], channel: Mapping[str, Sequence[str]]) -> Channel:
    """Parses the data channel, which has to share the transport of the video."""
    mid, port = _one(channel, "mid", _MID), int(channel["sctp-port"][0])
    if not 1 <= port <= 65_535:
        raise ValueError(f"sctp-port {port}")
    if not any({video["mid"][0], mid} <= set(group.split()[1:]) for group in video["group"]):
        raise ValueError("the data channel is not bundled with the video")
    return Channel(mid, port)


def _fingerprint(value: str) -> tuple[str, str]:
    algorithm, digest = value.split()
    if not _FINGERPRINT.fullmatch(digest.upper()):
        raise ValueError("fingerprint")
    return algorithm.lower(), digest.upper()


def _codecs(attributes: Mapping[str, Sequence[str]]) -> Iterable[OfferedCodec]:
    parameters = {int(value.split(" ", 1)[0]): _fmtp(value) for value in attributes.get("fmtp", [])}
    names = {}
    for value in attributes["rtpmap"]:
        number, form = value.split(" ", 1)
        payload_type = int(number)
        if not 0 <= payload_type <= 127:
            raise ValueError(f"payload type {payload_type}")
        names[payload_type] = form.split("/")[0].lower()
    repairs = {
        int(parameters[kind]["apt"]): kind
        for kind, name in names.items()
        if name == "rtx" and "apt" in parameters.get(kind, {})
    }
    for kind, name in names.items():
        if name != "rtx":
            yield OfferedCodec(kind, name, parameters.get(kind, {}), repairs.get(kind))


def _fmtp(value: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in value.split(" ", 1)[1].split(";"))
    return {name.strip().lower(): setting.strip().lower() for name, _, setting in pairs}


def _extensions(values: Iterable[str]) -> dict[str, int]:
    numbers = {}
    for value in values:
        number, uri = value.split()[:2]
        # Numbers above 14 need two-byte headers; no browser offers our extensions with them.
        if uri in EXTENSIONS and 1 <= int(number.split("/")[0]) <= 14:
            numbers[uri] = int(number.split("/")[0])
    return numbers


@dataclass(frozen=True, slots=True)
class Answer:
    """The agent's answer; `str` gives its SDP. `candidates` are lines as after `a=candidate:`."""

    offer: Offer
    codec: OfferedCodec
    user: str
    password: str
    fingerprints: Sequence[tuple[str, str]]
    candidates: Sequence[str]
    ssrc: int
    repair_ssrc: int

    def __str__(self) -> str:
        codec, offer = self.codec, self.offer
        numbers = [codec.payload_type] + ([codec.repair] if codec.repair is not None else [])
        name = {"h264": "H264", "vp8": "VP8"}[codec.name]
        mids = [offer.mid] + ([offer.channel.mid] if offer.channel is not None else [])
        transport = [
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{self.user}",
            f"a=ice-pwd:{self.password}",
            *(f"a=fingerprint:{algorithm} {value}" for algorithm, value in self.fingerprints),
            "a=setup:active",
        ]
        lines = [
            "v=0",
            f"o=- {self.ssrc} 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            f"a=group:BUNDLE {' '.join(mids)}",
            "a=msid-semantic: WMS *",
            f"m=video 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, numbers))}",
            *transport,
            "a=rtcp:9 IN IP4 0.0.0.0",
            f"a=mid:{offer.mid}",
            *(f"a=extmap:{number} {uri}" for uri, number in offer.extensions.items()),
            "a=sendonly",
            "a=msid:motion motion",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            f"a=rtpmap:{codec.payload_type} {name}/90000",
            *(
                f"a=rtcp-fb:{codec.payload_type} {kind}"
                for kind in ("ccm fir", "nack", "nack pli", "transport-cc")
            ),
        ]
        if codec.parameters:
            settings = ";".join(f"{key}={value}" for key, value in codec.parameters.items())
            lines.append(f"a=fmtp:{codec.payload_type} {settings}")
        if codec.repair is not None:
            lines += [
                f"a=rtpmap:{codec.repair} rtx/90000",
                f"a=fmtp:{codec.repair} apt={codec.payload_type}",
                f"a=ssrc-group:FID {self.ssrc} {self.repair_ssrc}",
            ]
        for ssrc in [self.ssrc] + ([self.repair_ssrc] if codec.repair is not None else []):
            lines += [f"a=ssrc:{ssrc} cname:lightbox", f"a=ssrc:{ssrc} msid:motion motion"]
        lines += [f"a=candidate:{candidate}" for candidate in self.candidates]
        lines.append("a=end-of-candidates")
        if offer.channel is not None:
            lines += [
                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
                *transport,
                f"a=mid:{offer.channel.mid}",
                f"a=sctp-port:{SCTP_PORT}",
                f"a=max-message-size:{MESSAGE_MAX_BYTES}",
            ]
        return "\r\n".join([*lines, ""])
