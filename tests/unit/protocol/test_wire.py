"""Binary frames: updates, digest reports and pointer motions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from display_codecs import wire as reference
from hypothesis import given
from hypothesis import strategies as st

from display_server.protocol.close_codes import CloseCode
from display_server.protocol.errors import ProtocolError
from display_server.protocol.frame_kinds import FrameKind
from display_server.protocol.wire import PointerMotion, UpdateWriter, parse_pointer_motion, parse_report

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())


def test_an_update_is_serialized_as_specified() -> None:
    writer = UpdateWriter(3, 0x01020304, 0x1112131415161718, reset=True)
    writer.move(1, 2, 3, 4, -5, 6)
    writer.cached([7, 8], [9, 0x10203])
    writer.tiles([4], [b"abc"])
    writer.store([5, 6], [1, 2], [b"de", memoryview(b"f")])
    data = writer.finish(partial=True)
    assert len(data) == writer.size_bytes
    assert data == reference.update(
        reference.move(1, 2, 3, 4, -5, 6),
        reference.cached(7, 9),
        reference.cached(8, 0x10203),
        reference.tile(4, b"abc"),
        reference.store(5, 1, b"de"),
        reference.store(6, 2, b"f"),
        epoch=0x01020304,
        flags=reference.RESET | reference.PARTIAL,
        monitor=3,
        captured_us=0x1112131415161718,
    )


def test_an_update_may_be_empty() -> None:
    assert UpdateWriter(0, 1, 2, reset=False).finish(partial=False) == reference.update(
        epoch=1, captured_us=2
    )


@pytest.mark.parametrize("vector", VECTORS["reports"], ids=lambda vector: vector["name"])
def test_digest_reports_are_parsed(vector: dict[str, Any]) -> None:
    report = parse_report(bytes.fromhex(vector["hex"]), vector["tiles"])
    assert (report.monitor, report.epoch, report.full) == (
        vector["monitor"],
        vector["epoch"],
        vector["full"],
    )
    assert f"{report.root:016x}" == vector["root"]
    entries = zip(report.tiles.tolist(), report.digests.tolist(), strict=True)
    assert [[tile, f"{digest:016x}"] for tile, digest in entries] == vector["entries"]


@pytest.mark.parametrize("vector", VECTORS["motions"], ids=lambda vector: vector["name"])
def test_pointer_motions_are_parsed(vector: dict[str, Any]) -> None:
    motion = parse_pointer_motion(bytes.fromhex(vector["hex"]))
    assert motion == PointerMotion(vector["turn"], vector["step"], vector["x"], vector["y"])


@pytest.mark.parametrize("vector", VECTORS["malformed_motions"], ids=lambda vector: vector["name"])
def test_malformed_motions_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_pointer_motion(bytes.fromhex(vector["hex"]))
    assert caught.value.close_code == CloseCode.PROTOCOL_VIOLATION


@given(st.binary(max_size=12))
def test_any_datagram_is_a_motion_or_refused(data: bytes) -> None:
    try:
        assert len(data) == 10
        assert parse_pointer_motion(data).turn > 0
    except (AssertionError, ProtocolError):
        assert len(data) != 10 or data[:2] != bytes([FrameKind.POINTER_MOTION, 0]) or data[2:4] == bytes(2)


@pytest.mark.parametrize("vector", VECTORS["malformed_reports"], ids=lambda vector: vector["name"])
def test_malformed_reports_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        parse_report(bytes.fromhex(vector["hex"]), vector["tiles"])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_report_or_are_refused(data: bytes) -> None:
    try:
        report = parse_report(data, 4)
    except ProtocolError:
        return
    assert len(report.tiles) == len(report.digests) <= 4
