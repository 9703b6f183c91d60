"""RTP packets of video: H.264 (RFC 6184, packetization mode 1), VP8 (RFC 7741), sent again (RFC 4588)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: Payload of a packet at most: with IP, UDP, SRTP and extensions below what tunnels leave of 1,500 bytes.
PAYLOAD_MAX_BYTES = 1180
#: With the extensions that we send, about.
RTP_HEADER_BYTES = 28

_STAP_A, _FU_A = 24, 28
_START = b"\x00\x00\x01"
_ONE_BYTE_EXTENSIONS = 0xBEDE


def h264_payloads(access_unit: bytes) -> list[bytes]:
    """An Annex B access unit: small NAL units together, large ones in fragments."""
    payloads: list[bytes] = []
    together: list[bytes] = []
    size = 1
    for unit in nal_units(access_unit):
        if len(unit) > PAYLOAD_MAX_BYTES:
            payloads += _aggregated(together)
            together, size = [], 1
            payloads += _fragments(unit)
            continue
        if size + 2 + len(unit) > PAYLOAD_MAX_BYTES:
            payloads += _aggregated(together)
            together, size = [], 1
        together.append(unit)
        size += 2 + len(unit)
    return payloads + _aggregated(together)


def vp8_payloads(frame: bytes, picture_id: int) -> list[bytes]:
    """One VP8 frame; `picture_id` counts frames, 15 bits of it are sent."""
    descriptor = struct.pack("!BBH", 0x80, 0x80, 0x8000 | picture_id & 0x7FFF)
    room = PAYLOAD_MAX_BYTES - len(descriptor)
    payloads = [descriptor + frame[at : at + room] for at in range(0, len(frame), room)]
    if payloads:
        payloads[0] = bytes([0x90]) + payloads[0][1:]  # the partition starts here
    return payloads


def nal_units(stream: bytes) -> Iterator[bytes]:
    """Without start codes. Empty ones are left out."""
    start = stream.find(_START)
    while start >= 0:
        start += len(_START)
        following = stream.find(_START, start)
        unit = stream[start : following if following >= 0 else len(stream)]
        # The zero of a start code of four bytes, or trailing ones, belong to no unit.
        unit = unit.rstrip(b"\x00")
        if unit:
            yield unit
        start = following


def _aggregated(units: list[bytes]) -> list[bytes]:
    if len(units) < 2:
        return units
    importance = max(unit[0] & 0x60 for unit in units)
    return [bytes([importance | _STAP_A]) + b"".join(struct.pack("!H", len(u)) + u for u in units)]


def _fragments(unit: bytes) -> Iterator[bytes]:
    indicator, kind = unit[0] & 0x60 | _FU_A, unit[0] & 0x1F
    room = PAYLOAD_MAX_BYTES - 2
    for at in range(1, len(unit), room):
        first, last = at == 1, at + room >= len(unit)
        yield bytes([indicator, kind | first << 7 | last << 6]) + unit[at : at + room]


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """What stays the same each time that it is sent."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes

    @property
    def size_bytes(self) -> int:
        return RTP_HEADER_BYTES + len(self.payload)

    def serialised(self, extensions: Mapping[int, bytes]) -> bytes:
        """With one-byte header extensions (RFC 8285): values of 1 to 16 bytes by numbers 1 to 14."""
        first = 0x90 if extensions else 0x80
        header = struct.pack(
            "!BBHII",
            first,
            self.marker << 7 | self.payload_type,
            self.sequence,
            self.timestamp,
            self.ssrc,
        )
        if not extensions:
            return header + self.payload
        body = b"".join(bytes([n << 4 | len(value) - 1]) + value for n, value in extensions.items())
        body += bytes(-len(body) % 4)
        return header + struct.pack("!HH", _ONE_BYTE_EXTENSIONS, len(body) // 4) + body + self.payload

    def retransmitted(self, payload_type: int, sequence: int, ssrc: int) -> RtpPacket:
        """The same once more, in the stream that carries what was lost."""
        payload = struct.pack("!H", self.sequence) + self.payload
        return RtpPacket(payload_type, sequence, self.timestamp, ssrc, self.marker, payload)
