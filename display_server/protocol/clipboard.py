"""Clipboard frames of PROTOCOL.md §7: copied content in pieces, in both directions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from display_server.protocol.errors import ProtocolError
from display_server.protocol.frame_kinds import FrameKind
from display_server.protocol.limits import CLIPBOARD_PIECE_MAX_BYTES

#: The first bytes of every PNG file.
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_HEADER = struct.Struct("<BBHIII")  # kind, flags, format, serial, total, offset


class Format(IntEnum):
    TEXT = 1  # UTF-8, lines end with \n
    PNG = 2


class Failure(IntFlag):
    """Why an answer has no content."""

    NONE = 0
    UNAVAILABLE = 1  # the program that offered the content hangs, ended, or copied something else
    TOO_LARGE = 2
    DENIED = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """One frame: `data` starts at `offset` of a content of `total` bytes."""

    failure: Failure
    format: Format
    serial: int
    total: int
    offset: int
    data: bytes


def encode_pieces(kind: Format, serial: int, content: bytes) -> Iterator[bytes]:
    """Yields the frames that carry `content`; empty content is one frame without data."""
    for offset in range(0, max(1, len(content)), CLIPBOARD_PIECE_MAX_BYTES):
        header = _HEADER.pack(FrameKind.CLIPBOARD, 0, kind, serial, len(content), offset)
        yield header + content[offset : offset + CLIPBOARD_PIECE_MAX_BYTES]


def encode_failure(kind: Format, serial: int, failure: Failure) -> bytes:
    """Returns the frame that answers a request whose content cannot be delivered."""
    return _HEADER.pack(FrameKind.CLIPBOARD, failure, kind, serial, 0, 0)


def parse_piece(data: bytes) -> Piece:
    """Parses one frame of content that a viewer pastes. Raises ProtocolError."""
    if len(data) < _HEADER.size:
        raise ProtocolError("a clipboard frame is shorter than its header")
    kind, flags, format_number, serial, total, offset = _HEADER.unpack_from(data)
    content = data[_HEADER.size :]
    if kind != FrameKind.CLIPBOARD or flags:
        raise ProtocolError(f"a viewer does not send clipboard frames of kind {kind}, flags {flags}")
    if format_number not in (Format.TEXT, Format.PNG):
        raise ProtocolError(f"{format_number} is not a clipboard format")
    if offset + len(content) > total or (not content and total):
        raise ProtocolError(f"a clipboard frame of {len(content)} bytes at {offset} does not fit {total}")
    return Piece(Failure.NONE, Format(format_number), serial, total, offset, content)


class PieceAssembler:
    """Joins the pieces of a viewer's content. New content replaces one that is unfinished."""

    def __init__(self) -> None:
        self._first: Piece | None = None
        self._content = bytearray()

    def add(self, piece: Piece, max_bytes: int) -> bytes | None:
        """Returns the whole content after its last piece, otherwise None.

        Raises ProtocolError if the piece does not continue the one before, or if the content is larger than
        `max_bytes`, is text that is not UTF-8, or an image that is not PNG.
        """
        if piece.total > max_bytes:
            raise ProtocolError(f"clipboard content of {piece.total} bytes exceeds the limit of {max_bytes}")
        if piece.offset == 0:
            self._first, self._content = piece, bytearray()
        first = self._first
        if first is None or (piece.serial, piece.format, piece.total, piece.offset) != (
            first.serial,
            first.format,
            first.total,
            len(self._content),
        ):
            raise ProtocolError("a clipboard frame does not continue the one before it")
        self._content += piece.data
        if len(self._content) < piece.total:
            return None
        content, self._first, self._content = bytes(self._content), None, bytearray()
        _check(piece.format, content)
        return content


def _check(kind: Format, content: bytes) -> None:
    if kind is Format.PNG and not content.startswith(PNG_SIGNATURE):
        raise ProtocolError("a clipboard image is not PNG")
    if kind is Format.TEXT:
        try:
            content.decode()
        except UnicodeDecodeError as error:
            raise ProtocolError("clipboard text is not UTF-8") from error
