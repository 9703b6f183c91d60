"""Transport-wide feedback out of RTCP: which packets arrived, and when.

Source: draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1 (RTCP type 205, format 15); the
compound around it: RFC 3550, section 6. Bytes in, dataclasses out; nothing is kept between calls.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

#: RTCP's "transport layer feedback", and its format for transport-wide congestion control.
RTPFB = 205
TRANSPORT_WIDE = 15
#: Unit of the time between two arrivals, s.
TICK_S = 250e-6
#: The reference time counts 64 ms, signed, in 24 bits …
REFERENCE_TICKS = 256
#: … so that the receiver's clock, as told here, begins anew after 12.4 days, s.
CLOCK_PERIOD_S = 2**24 * REFERENCE_TICKS * TICK_S
#: Statuses in one datagram, at most: there are no more sequence numbers. A run of 8191 costs only two bytes.
STATUSES_MAX = 2**16 - 1

HEADER = struct.Struct("!BBH")  # version, padding, format · type · length in words after the first
#: Senders' and media's SSRC (not used), base sequence, status count.
REPORT = struct.Struct("!8xHH")
REPORT_BYTES = REPORT.size + 4  # and reference time (24 bits), feedback count (8 bits, not used)

# A packet's status symbol.
MISSING, SMALL, LARGE = 0, 1, 2


class FeedbackError(ValueError):
    """The datagram is no well-formed RTCP, or its feedback contradicts itself. Use nothing of it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet's fate. `arrival_s` is on the receiver's clock, and None if it has not arrived (yet)."""

    sequence: int  # 16 bits
    arrival_s: float | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """One report: a gapless run of sequence numbers from `base_sequence` on."""

    base_sequence: int
    packets: tuple[Arrival, ...]


def parse_feedback(datagram: bytes) -> list[Feedback]:
    """Every transport-wide report in a compound RTCP datagram (already decrypted); other packets are skipped.

    Raises FeedbackError.
    """
    reports: list[Feedback] = []
    statuses = 0
    for kind, form, body in split(datagram):
        if kind == RTPFB and form == TRANSPORT_WIDE:
            count = _status_count(body)
            statuses += count
            if statuses > STATUSES_MAX:
                raise FeedbackError(f"{statuses} statuses in one datagram; {STATUSES_MAX} are possible")
            reports.append(_report(body, count))
    return reports


def split(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The packets of a compound: type, format (or count), and the body without header and padding."""
    if not datagram:
        raise FeedbackError("an empty datagram is no RTCP")
    start = 0
    while start < len(datagram):
        if start + HEADER.size > len(datagram):
            raise FeedbackError(f"{len(datagram) - start} bytes at the end are no RTCP header")
        first, kind, words = HEADER.unpack_from(datagram, start)
        begin, end = start + HEADER.size, start + HEADER.size + 4 * words
        if first >> 6 != 2:
            raise FeedbackError(f"RTCP version {first >> 6} at byte {start}; only 2 is known")
        if end > len(datagram):
            raise FeedbackError(f"an RTCP packet of {end - start} bytes has only {len(datagram) - start}")
        padding = datagram[end - 1] if first & 0x20 else 0
        if padding > end - begin or (first & 0x20 and not padding):
            raise FeedbackError(f"{padding} bytes of padding in a body of {end - begin}")
        yield kind, first & 0x1F, datagram[begin : end - padding]
        start = end


def _status_count(body: bytes) -> int:
    if len(body) < REPORT_BYTES:
        raise FeedbackError(f"a report has at least {REPORT_BYTES} bytes, not {len(body)}")
    _, count = REPORT.unpack_from(body)
    if not count:
        raise FeedbackError("a report on no packet at all")
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
        # A small step is one unsigned byte; a large one is two, and may go back.
        end = start + symbol
        if end > len(body):
            raise FeedbackError(f"the arrival time of packet {sequence} is missing")
        ticks += int.from_bytes(body[start:end], "big", signed=symbol == LARGE)
        packets.append(Arrival(sequence, ticks * TICK_S))
        start = end
    return Feedback(base, tuple(packets))


def _symbols(body: bytes, count: int) -> tuple[list[int], int]:
    """`count` status symbols, and where the arrival times begin."""
    symbols: list[int] = []
    start = REPORT_BYTES
    while len(symbols) < count:
        if start + 2 > len(body):
            raise FeedbackError(f"statuses of {len(symbols)} packets, {count} were announced")
        chunk = int.from_bytes(body[start : start + 2], "big")
        start += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13] * min(chunk & 0x1FFF, count - len(symbols))
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[count:]  # the last vector is filled up
    return symbols, start
