"""The file in which Xvfb keeps its framebuffer (`Xvfb -fbdir`): its header, and freeing pixels not on screen.

This module does not import numpy, because the supervisor uses it and must start quickly.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from display_server.errors import CaptureError

SCREEN_FILE = "Xvfb_screen0"
#: The XWD header: 25 words, big-endian on every host (X11/XWDFile.h).
_HEADER = struct.Struct(">25I")
_FILE_VERSION, _Z_PIXMAP, _LITTLE_ENDIAN = 7, 2, 0
#: Size of one entry of the colour map, which follows the header.
_COLOUR_BYTES = 12
#: Masks of red, green and blue in a pixel with 8 bits per channel.
_MASKS_8_BIT = (0xFF0000, 0xFF00, 0xFF)
#: Bytes to read for the header and the colour map, which are far shorter than this.
_HEAD_BYTES = 64 * 1024
#: Mode of fallocate: FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE.
_PUNCH_HOLE = 3
#: The hidden part of a row is only freed from this many bytes on: a shorter one may hold no whole page.
_HOLE_MIN_BYTES = 8192
#: Memory is freed when the file takes more than this ratio of what the screen needs.
_SLACK_RATIO = 1.25


@dataclass(frozen=True, slots=True)
class FramebufferLayout:
    """Where the pixels are in an XWD file. `stride_bytes` is from one row to the next: at least width × 4."""

    offset_bytes: int
    stride_bytes: int
    width_px: int
    height_px: int


def parse_header(data: bytes, size_bytes: int | None = None) -> FramebufferLayout:
    """Returns the layout of an XWD file, of which `data` is the whole or the beginning.

    If `data` is only the beginning, `size_bytes` is the size of the whole file. Raises CaptureError unless
    the file holds a complete framebuffer with 32 bits per pixel and 8 bits per channel, little-endian.
    """
    if len(data) < _HEADER.size:
        raise CaptureError("The framebuffer file is too short to hold a header.")
    words = _HEADER.unpack_from(data)
    header_bytes, version, pixmap_format, depth, width, height, _, byte_order = words[:8]
    bits_per_pixel, stride = words[11:13]
    masks = words[14:17]
    colours = words[19]
    if version != _FILE_VERSION or pixmap_format != _Z_PIXMAP or header_bytes < _HEADER.size:
        raise CaptureError("The framebuffer file is not in the XWD format, version 7.")
    if (bits_per_pixel, byte_order, masks) != (32, _LITTLE_ENDIAN, _MASKS_8_BIT) or depth not in (24, 32):
        raise CaptureError(
            f"Only 24-bit screens can be captured, but this one has depth {depth},"
            f" {bits_per_pixel} bits per pixel and the colour masks {masks[0]:x} {masks[1]:x} {masks[2]:x}."
        )
    if not width or not height or stride < width * 4:
        raise CaptureError(
            f"The framebuffer file has impossible sizes: {width}×{height} pixels, {stride} bytes per row."
        )
    offset = header_bytes + colours * _COLOUR_BYTES
    if (len(data) if size_bytes is None else size_bytes) < offset + height * stride:
        raise CaptureError("The framebuffer file is shorter than its header says.")
    return FramebufferLayout(offset, stride, width, height)


def release_hidden_pixels(file: Path, width_px: int, height_px: int) -> None:
    """Frees the memory of all pixels outside the top left `width_px` × `height_px`. They become black.

    Call this only while the X server is grabbed and its screen has that size, so that no program draws there.
    Does nothing if little memory would be freed. Raises OSError if the file system cannot punch holes, and
    CaptureError if the file is not an Xvfb framebuffer.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        state = os.fstat(descriptor)
        layout = parse_header(os.pread(descriptor, _HEAD_BYTES, 0), state.st_size)
        shown_bytes = layout.offset_bytes + width_px * height_px * 4
        if state.st_blocks * 512 <= shown_bytes * _SLACK_RATIO:
            return
        if (hidden_bytes := layout.stride_bytes - width_px * 4) >= _HOLE_MIN_BYTES:
            for row in range(height_px):
                _punch_hole(
                    descriptor, layout.offset_bytes + row * layout.stride_bytes + width_px * 4, hidden_bytes
                )
        if hidden_rows := layout.height_px - height_px:
            start = layout.offset_bytes + height_px * layout.stride_bytes
            _punch_hole(descriptor, start, hidden_rows * layout.stride_bytes)
    finally:
        os.close(descriptor)


def _punch_hole(descriptor: int, start: int, length: int) -> None:
    if _libc.fallocate(descriptor, _PUNCH_HOLE, start, length):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
