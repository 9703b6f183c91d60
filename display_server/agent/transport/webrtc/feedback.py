"""Parses transport-wide feedback in RTCP: which packets arrived, and when.

Source: draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1 (RTCP type 205, format 15); the
compound around it: RFC 3550, section 6. Nothing is kept between calls.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

#: RTCP's "transport layer feedback", and its format for transport-wide congestion control.
RTPFB = 205
TRANSPORT_WIDE = 15
#: Unit of the times between arrivals, s.
TICK_S = 250e-6
#: Unit of the reference time, a signed number of 24 bits: 64 ms, in ticks.
REFERENCE_TICKS = 256
#: After this time, 12.4 days, the reference time wraps, s.
CLOCK_PERIOD_S = 2**24 * REFERENCE_TICKS * TICK_S
#: Most statuses in one datagram: one for each sequence number. The limit is needed because a run of
#: 8191 takes only two bytes.
STATUSES_MAX = 2**16 - 1

HEADER = struct.Struct("!BBH")  # version, padding and format; type; length in words without the first
#: SSRCs of sender and media (not used), base sequence number, status count.
REPORT = struct.Struct("!8xHH")
#: Least size of a report: the above, reference time (24 bits) and feedback count (8 bits, not used).
REPORT_BYTES = REPORT.size + 4

#: Status symbols of a packet: not received, or received with an arrival time in one byte or two.
MISSING, SMALL, LARGE = 0, 1, 2


class FeedbackError(ValueError):
    """The datagram is malformed, or its feedback contradicts itself. None of it should be used."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Status of one packet. `arrival_s` is by the receiver's clock, and None if it has not arrived (yet)."""

    sequence: int  # 16 bits
    arrival_s: float | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """One report on consecutive packets from `base_sequence` on."""

    base_sequence: int
    packets: tuple[Arrival, ...]


def parse_feedback(datagram: bytes) -> list[Feedback]:
    """Returns all transport-wide reports in a decrypted compound RTCP datagram. Other packets are skipped.

    Raises FeedbackError.
    """
    reports: list[Feedback] = []
    statuses = 0
    for packet_type, form, body in split_compound(datagram):
        if packet_type == RTPFB and form == TRANSPORT_WIDE:
            count = _status_count(body)
            statuses += count
            if statuses > STATUSES_MAX:
                raise FeedbackError(f"{statuses} statuses in one datagram; {STATUSES_MAX} are possible")
            reports.append(_report(body, count))
    return reports


def split_compound(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields the packets of a compound: type, format (or count), and the body without header and padding.

    Raises FeedbackError.
    """
    if not datagram:
        raise FeedbackError("an empty datagram is not RTCP")
    start = 0
    while start < len(datagram):
        if start + HEADER.size > len(datagram):
            raise FeedbackError(f"{len(datagram) - start} bytes at the end are too short for an RTCP header")
        first, packet_type, words = HEADER.unpack_from(datagram, start)
        begin, end = start + HEADER.size, start + HEADER.size + 4 * words
        if first >> 6 != 2:
            raise FeedbackError(f"RTCP version {first >> 6} at byte {start}; only 2 is supported")
        if end > len(datagram):
            raise FeedbackError(f"an RTCP packet of {end - start} bytes has only {len(datagram) - start}")
        padding = datagram[end - 1] if first & 0x20 else 0
        if padding > end - begin or (first & 0x20 and not padding):
            raise FeedbackError(f"{padding} bytes of padding in a body of {end - begin}")
        yield packet_type, first & 0x1F, datagram[begin : end - padding]
        start = end


def _status_count(body: bytes) -> int:
    if len(body) < REPORT_BYTES:
        raise FeedbackError(f"a report has at least {REPORT_BYTES} bytes, not {len(body)}")
    _, count = REPORT.unpack_from(body)
    if not count:
        raise FeedbackError("the report covers no packet")
    return int(count)


def _report(body: bytes, count: int) -> Feedback:
    base, _ = REPORT.unpack_from(body)
    reference = int.from_bytes(body[REPORT.size : REPORT.size + 3], "big", signed=True)
    symbols, start = _symbols(body, count)
    ticks = reference * REFERENCE_TICKS
    packets: list[Arrival] = []
    for index, symbol in enumerate(symbols):
        sequence = (base + index) & 0xFFFF
        if symbol == MISSING:
            packets.append(Arrival(sequence, None))
            continue
        if symbol not in (SMALL, LARGE):
            raise FeedbackError(f"reserved status {symbol} of packet {sequence}")
        # A small step is one unsigned byte. A large one is two bytes, and may be negative.
        end = start + symbol
        if end > len(body):
            raise FeedbackError(f"the arrival time of packet {sequence} is missing")
        ticks += int.from_bytes(body[start:end], "big", signed=symbol == LARGE)
        packets.append(Arrival(sequence, ticks * TICK_S))
        start = end
    return Feedback(base, tuple(packets))


def _symbols(body: bytes, count: int) -> tuple[list[int], int]:
    """Returns `count` status symbols, and the offset at which the arrival times begin."""
    symbols: list[int] = []
    start = REPORT_BYTES
    while len(symbols) < count:
        if start + 2 > len(body):
            raise FeedbackError(f"the report has statuses of {len(symbols)} packets instead of {count}")
        chunk = int.from_bytes(body[start : start + 2], "big")
        start += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13] * min(chunk & 0x1FFF, count - len(symbols))
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[count:]  # the last vector may be padded
    return symbols, start
