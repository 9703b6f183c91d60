"""The value of the property that holds the caret's position."""

from __future__ import annotations

import struct

import pytest

from display_server.desktop.x11.caret import Caret, parse_caret


@pytest.mark.parametrize(
    ("value", "caret"),
    [
        (struct.pack("=4i", 10, -20, 1, 17), (10, -20, 1, 17)),
        (struct.pack("=4i", 10, 20, 0, 0), None),
        (struct.pack("=4i", 10, 20, 0, -3), None),
        (struct.pack("=3i", 10, 20, 17), None),
        (b"", None),
    ],
)
def test_only_a_caret_with_a_height_counts(value: bytes, caret: Caret | None) -> None:
    assert parse_caret(value) == caret
