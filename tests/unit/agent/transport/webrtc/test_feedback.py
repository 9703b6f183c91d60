"""Transport-wide feedback: the forms of the draft, round trips, and malformed reports."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.feedback import (
    CLOCK_PERIOD_S,
    TICK_S,
    Arrival,
    FeedbackError,
    parse_feedback,
)
from tests.unit.agent.transport.webrtc.simulated_link import write_feedback

RECEIVER_REPORT = bytes.fromhex("81c90007 00000001 00000002 00000000 00000000 00000000 00000000 00000000")


def report(body: str, *, form: int = 15, padded: bool = False) -> bytes:
    """Returns an RTCP packet with the hexadecimal `body`, which begins with the base sequence number."""
    rest = bytes.fromhex("00000001 00000002" + body)
    return struct.pack("!BBH", 0x80 | 0x20 * padded | form, 205, len(rest) // 4) + rest


def arrivals(datagram: bytes) -> dict[int, int | None]:
    """Returns the arrivals in ticks by sequence number."""
    (feedback,) = parse_feedback(datagram)
    return {
        packet.sequence: None if packet.arrival_s is None else round(packet.arrival_s / TICK_S)
        for packet in feedback.packets
    }


def test_a_run_of_small_steps() -> None:
    # base 5, 4 packets, reference 0x000002 (128 ms), run of 4 × "small", steps of 1, 4, 0 and 255 ticks
    datagram = report("0005 0004 000002 00 2004 01 04 00 ff 0000")
    assert arrivals(datagram) == {5: 513, 6: 517, 7: 517, 8: 772}


def test_a_vector_of_one_bit_symbols() -> None:
    # base 65534, 4 packets, vector 1011 and ten symbols that do not count
    datagram = report("fffe 0004 000000 00 ac00 04 04 04 000000")
    assert arrivals(datagram) == {65534: 4, 65535: None, 0: 8, 1: 12}


def test_a_vector_of_two_bit_symbols() -> None:
    # small, large, missing; the large step is -40 ticks
    datagram = report("0000 0003 000001 00 d800 28 ffd8 000000")
    assert arrivals(datagram) == {0: 296, 1: 256, 2: None}


def test_reference_time_is_signed() -> None:
    assert arrivals(report("0000 0001 ffffff 00 2001 00 00")) == {0: -256}


def test_other_packets_are_skipped() -> None:
    nack = report("0001 0000", form=1)
    unknown_type = bytes.fromhex("80d00001 00000001")
    feedback = write_feedback(9, [0])
    assert len(parse_feedback(RECEIVER_REPORT + nack + unknown_type + feedback + feedback)) == 2
    assert parse_feedback(RECEIVER_REPORT) == []


REFUSED = {
    "nothing": b"",
    "half a header": RECEIVER_REPORT[:3],
    "half a packet": RECEIVER_REPORT[:-4],
    "version 1": b"\x41" + RECEIVER_REPORT[1:],
    "rest after the packet": RECEIVER_REPORT + b"\x80",
    "padding of 0": b"\xa1" + RECEIVER_REPORT[1:],
    "padding beyond the body": b"\xa1" + RECEIVER_REPORT[1:-1] + b"\xff",
    "body too short": report("0000 0001"),
    "no packet": report("0000 0000 000000 00"),
    "no statuses": report("0000 0001 000000 00"),
    "statuses end early": report("0000 0008 000000 00 2001 2001"),
    "no time": report("0000 0003 000000 00 2003 0101"),
    "half a large time": report("0000 0002 000000 00 4002 0001 00 000003", padded=True),
    "reserved status": report("0000 0001 000000 00 6001 0000"),
    "empty runs": report("0000 0001 000000 00 2000 2000"),
    "more statuses than numbers": report("0000 ffff 000000 00" + "1fff" * 8 + "0007 0000") * 2,
}


@pytest.mark.parametrize("datagram", REFUSED.values(), ids=REFUSED)
def test_malformed_reports_are_refused(datagram: bytes) -> None:
    with pytest.raises(FeedbackError):
        parse_feedback(datagram)


@st.composite
def reports(draw: st.DrawFn) -> tuple[int, list[int | None]]:
    """Base sequence number and arrivals in ticks, with all steps that the wire can represent and any gaps."""
    step = st.integers(0, 255) | st.integers(-(2**15), 2**15 - 1)
    fates = st.lists(st.none() | step, min_size=1, max_size=60)
    steps = draw(fates) + draw(st.sampled_from([[], [None] * 9000, [1] * 300, [1, None] * 50])) + draw(fates)
    ticks, known = draw(st.integers(-(2**30), 2**30)), []
    first = True
    for step_ticks in steps:
        if step_ticks is not None:
            ticks, first = (ticks if first else ticks + step_ticks), False
        known.append(None if step_ticks is None else ticks)
    return draw(st.integers(0, 0xFFFF)), known


@given(reports(), st.booleans(), st.booleans())
def test_round_trip(written: tuple[int, list[int | None]], runs: bool, compound: bool) -> None:
    base, ticks = written
    datagram = (RECEIVER_REPORT if compound else b"") + write_feedback(base, ticks, runs=runs)
    (feedback,) = parse_feedback(datagram)
    assert feedback.base_sequence == base
    assert feedback.packets == tuple(
        Arrival((base + index) & 0xFFFF, None if tick is None else tick * TICK_S)
        for index, tick in enumerate(ticks)
    )


def test_the_clock_wraps() -> None:
    assert arrivals(write_feedback(0, [2**31 - 1])) == {0: 2**31 - 1}
    assert arrivals(write_feedback(1, [2**31])) == {1: 2**31 - round(CLOCK_PERIOD_S / TICK_S)}


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(datagram: bytes) -> None:
    _parse_or_refuse(datagram)


@given(st.binary(max_size=120), st.integers(0, 31))
def test_any_body_is_parsed_or_refused(body: bytes, header: int) -> None:
    body += bytes(-len(body) % 4)
    _parse_or_refuse(struct.pack("!BBH", 0x80 | 0x20 * (header & 1) | 15, 205, len(body) // 4) + body)


@given(reports(), st.booleans(), st.data())
def test_damaged_reports_are_parsed_or_refused(
    written: tuple[int, list[int | None]], runs: bool, data: st.DataObject
) -> None:
    datagram = bytearray(write_feedback(*written, runs=runs))
    for _ in range(data.draw(st.integers(1, 3))):
        datagram[data.draw(st.integers(0, len(datagram) - 1))] = data.draw(st.integers(0, 255))
    _parse_or_refuse(bytes(datagram[: data.draw(st.integers(0, len(datagram)))]))


def _parse_or_refuse(datagram: bytes) -> None:
    """Only FeedbackError may be raised."""
    try:
        parsed = parse_feedback(datagram)
    except FeedbackError:
        return
    assert all(feedback.packets[0].sequence == feedback.base_sequence for feedback in parsed)
