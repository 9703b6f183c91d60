"""Clipboard frames: content is split into pieces and joined again; malformed pieces are refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.protocol.clipboard import (
    PNG_SIGNATURE,
    Failure,
    Format,
    PieceAssembler,
    encode_failure,
    encode_pieces,
    parse_piece,
)
from display_server.protocol.errors import ProtocolError
from display_server.protocol.limits import CLIPBOARD_PIECE_MAX_BYTES

LIMIT = 1 << 20


def frame(
    kind: int = 3,
    flags: int = 0,
    kind_of_content: int = 1,
    serial: int = 1,
    total: int = 2,
    offset: int = 0,
    data: bytes = b"ab",
) -> bytes:
    return struct.pack("<BBHIII", kind, flags, kind_of_content, serial, total, offset) + data


@given(
    st.integers(0, 3 * CLIPBOARD_PIECE_MAX_BYTES + 1), st.sampled_from(Format), st.integers(0, 0xFFFF_FFFF)
)
def test_encoded_pieces_are_joined_again(size: int, kind: Format, serial: int) -> None:
    content = ((PNG_SIGNATURE if kind is Format.PNG else b"") + b"x" * size) if size else b""
    if kind is Format.PNG and not content:
        content = PNG_SIGNATURE
    assembler = PieceAssembler()
    results = [assembler.add(parse_piece(part), LIMIT) for part in encode_pieces(kind, serial, content)]
    assert results[-1] == content
    assert all(result is None for result in results[:-1])


def test_new_content_replaces_unfinished_content() -> None:
    assembler = PieceAssembler()
    first, *_ = encode_pieces(Format.TEXT, 1, b"x" * (CLIPBOARD_PIECE_MAX_BYTES + 1))
    assert assembler.add(parse_piece(first), LIMIT) is None
    (second,) = encode_pieces(Format.TEXT, 2, b"y")
    assert assembler.add(parse_piece(second), LIMIT) == b"y"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x03", "header"),
        (frame(kind=2), "kind"),
        (frame(flags=1), "flags"),
        (frame(kind_of_content=3), "format"),
        (frame(kind_of_content=0), "format"),
        (frame(total=1), "does not fit"),
        (frame(offset=1), "does not fit"),
        (frame(data=b""), "does not fit"),
    ],
)
def test_a_malformed_frame_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        parse_piece(data)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([frame(total=4, offset=2)], "continue"),
        ([frame(total=4), frame(total=4, offset=2, serial=2)], "continue"),
        ([frame(total=4), frame(total=5, offset=2)], "continue"),
        ([frame(total=6), frame(total=6, offset=4)], "continue"),
        ([frame(), frame(offset=2, total=4)], "continue"),
        ([frame(total=LIMIT + 1)], "exceeds the limit"),
        ([frame(data=b"\xff\xfe")], "UTF-8"),
        ([frame(kind_of_content=2)], "not PNG"),
    ],
)
def test_wrong_content_is_refused(frames: list[bytes], message: str) -> None:
    assembler = PieceAssembler()
    *valid, wrong = frames
    for data in valid:
        assembler.add(parse_piece(data), LIMIT)
    with pytest.raises(ProtocolError, match=message):
        assembler.add(parse_piece(wrong), LIMIT)


def test_a_failure_has_no_content() -> None:
    assert encode_failure(Format.PNG, 9, Failure.TOO_LARGE) == struct.pack("<BBHIII", 3, 2, 2, 9, 0, 0)
