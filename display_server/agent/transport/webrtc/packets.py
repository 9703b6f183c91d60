"""RTP packets: H.264 (RFC 6184, packetization mode 1), VP8 (RFC 7741), retransmissions (RFC 4588)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: Largest payload. With IP, UDP, SRTP and extensions a packet is below what tunnels leave of 1,500 bytes.
PAYLOAD_MAX_BYTES = 1180
#: Approximate size of the RTP header with the extensions that we send.
RTP_HEADER_BYTES = 28

_STAP_A, _FU_A = 24, 28
_START = b"\x00\x00\x01"
_ONE_BYTE_EXTENSIONS = 0xBEDE


def h264_payloads(access_unit: bytes) -> list[bytes]:
    """Packetizes an Annex B access unit: small NAL units share a packet, large ones are split."""
    payloads: list[bytes] = []
    aggregate: list[bytes] = []
    size = 1
    for unit in nal_units(access_unit):
        if len(unit) > PAYLOAD_MAX_BYTES:
            payloads += _aggregated(aggregate)
            aggregate, size = [], 1
            payloads += _fragments(unit)
            continue
        if size + 2 + len(unit) > PAYLOAD_MAX_BYTES:
            payloads += _aggregated(aggregate)
            aggregate, size = [], 1
        aggregate.append(unit)
        size += 2 + len(unit)
    return payloads + _aggregated(aggregate)


def vp8_payloads(frame: bytes, picture_id: int) -> list[bytes]:
    """Packetizes a VP8 frame. `picture_id` counts frames; 15 bits of it are sent."""
    descriptor = struct.pack("!BBH", 0x80, 0x80, 0x8000 | picture_id & 0x7FFF)
    room = PAYLOAD_MAX_BYTES - len(descriptor)
    payloads = [descriptor + frame[at : at + room] for at in range(0, len(frame), room)]
    if payloads:
        payloads[0] = bytes([0x90]) + payloads[0][1:]  # start of the partition
    return payloads


def nal_units(stream: bytes) -> Iterator[bytes]:
    """Yields the NAL units of an Annex B stream without start codes, except empty ones."""
    start = stream.find(_START)
    while start >= 0:
        start += len(_START)
        following = stream.find(_START, start)
        unit = stream[start : following if following >= 0 else len(stream)]
        # Trailing zeros, such as the first byte of a start code of four bytes, belong to no unit.
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
    """A packet without its header extensions, which differ each time that it is sent."""

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
        """Returns the bytes with one-byte header extensions (RFC 8285): values of 1 to 16 bytes, by numbers
        from 1 to 14.
        """
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
        """Returns the packet in the form for the retransmission stream."""
        payload = struct.pack("!H", self.sequence) + self.payload
        return RtpPacket(payload_type, sequence, self.timestamp, ssrc, self.marker, payload)
