"""Binary frames of kind 3 (PROTOCOL.md §7): one copy's content, in pieces, either way."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from display_server.errors import ProtocolError

KIND_CLIPBOARD = 3
#: Content per frame, bytes: below a viewer's limit of frames, and small beside a picture on a slow line.
PIECE_BYTES = 64 * 1024
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_HEAD = struct.Struct("<BBHIII")


class Format(IntEnum):
    TEXT = 1  # UTF-8, lines end with \n
    PNG = 2


class Failure(IntFlag):
    """Why an answer has no content."""

    NONE = 0
    UNAVAILABLE = 1  # the program that offered it hangs or is gone
    TOO_LARGE = 2
    DENIED = 4


@dataclass(frozen=True, slots=True)
class Piece:
    failure: Failure
    format: Format
    serial: int
    total: int
    offset: int
    data: bytes


def pieces(kind: Format, serial: int, content: bytes) -> Iterator[bytes]:
    """The frames of one copy, at least one."""
    for offset in range(0, max(1, len(content)), PIECE_BYTES):
        head = _HEAD.pack(KIND_CLIPBOARD, 0, kind, serial, len(content), offset)
        yield head + content[offset : offset + PIECE_BYTES]


def failed(kind: Format, serial: int, failure: Failure) -> bytes:
    """The frame that stands for content which cannot be had."""
    return _HEAD.pack(KIND_CLIPBOARD, failure, kind, serial, 0, 0)


def parse_piece(data: bytes) -> Piece:
    """Raises ProtocolError unless it is one well-formed piece of a viewer's copy."""
    if len(data) < _HEAD.size:
        raise ProtocolError("a clipboard frame is shorter than its head")
    kind, flags, format_number, serial, total, offset = _HEAD.unpack_from(data)
    content = data[_HEAD.size :]
    if kind != KIND_CLIPBOARD or flags:
        raise ProtocolError(f"no viewer sends clipboard frames of kind {kind}, flags {flags}")
    if format_number not in (Format.TEXT, Format.PNG):
        raise ProtocolError(f"there is no clipboard format {format_number}")
    if offset + len(content) > total or (not content and total):
        raise ProtocolError(f"a clipboard frame of {len(content)} bytes at {offset} does not fit {total}")
    return Piece(Failure.NONE, Format(format_number), serial, total, offset, content)


class Assembly:
    """Puts a viewer's pieces together. A new copy takes the place of an unfinished one."""

    def __init__(self) -> None:
        self._first: Piece | None = None
        self._content = bytearray()

    def add(self, piece: Piece, max_bytes: int) -> bytes | None:
        """The whole content with its last piece, else None. Raises ProtocolError."""
        if piece.total > max_bytes:
            raise ProtocolError(f"a copy of {piece.total} bytes is over the limit of {max_bytes}")
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
        raise ProtocolError("a clipboard picture is not PNG")
    if kind is Format.TEXT:
        try:
            content.decode()
        except UnicodeDecodeError as error:
            raise ProtocolError("clipboard text is not UTF-8") from error
