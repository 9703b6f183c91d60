"""The file in which Xvfb keeps its pixels (`-fbdir`): where they stand, and giving back what none shows.

Without numpy: the keeper, which must start quickly, uses it as well.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from display_server.errors import CaptureError

SCREEN_FILE = "Xvfb_screen0"
#: XWD's header: 25 words, most significant byte first whatever the host's order (X11/XWDFile.h).
_HEADER = struct.Struct(">25I")
_FILE_VERSION, _Z_PIXMAP, _LITTLE_ENDIAN = 7, 2, 0
_COLOUR_BYTES = 12
_MASKS_8_BIT = (0xFF0000, 0xFF00, 0xFF)
#: The header and its colours are far shorter than this, bytes.
_HEAD_BYTES = 64 * 1024
#: fallocate: FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE.
_PUNCH = 3
#: A gap shorter than this holds no whole page, bytes.
_GAP_BYTES = 8192
#: More than this beyond what is shown is given back, share.
_SLACK = 1.25


@dataclass(frozen=True, slots=True)
class Framebuffer:
    """Where the pixels stand in an XWD file. A row takes `stride_bytes`, which may be more than it shows."""

    offset_bytes: int
    stride_bytes: int
    width_px: int
    height_px: int


def parse_header(data: bytes, size_bytes: int | None = None) -> Framebuffer:
    """Raises CaptureError unless it is a whole picture of 32 bits a pixel, 8 bits a colour, little-endian.

    `data` is the file or its beginning; then `size_bytes` is the size of the whole.
    """
    if len(data) < _HEADER.size:
        raise CaptureError("The framebuffer's file is too short to hold a header.")
    words = _HEADER.unpack_from(data)
    header_bytes, version, pixmap_format, depth, width, height, _, byte_order = words[:8]
    bits_per_pixel, stride = words[11:13]
    masks = words[14:17]
    colours = words[19]
    if version != _FILE_VERSION or pixmap_format != _Z_PIXMAP or header_bytes < _HEADER.size:
        raise CaptureError("The framebuffer's file is not in the XWD format, version 7.")
    if (bits_per_pixel, byte_order, masks) != (32, _LITTLE_ENDIAN, _MASKS_8_BIT) or depth not in (24, 32):
        raise CaptureError(
            f"Only 24-bit screens can be captured; this one has depth {depth}, {bits_per_pixel} bits a pixel,"
            f" masks {masks[0]:x} {masks[1]:x} {masks[2]:x}."
        )
    if not width or not height or stride < width * 4:
        raise CaptureError(
            f"The framebuffer's file has impossible sizes: {width}×{height}, {stride} bytes a row."
        )
    offset = header_bytes + colours * _COLOUR_BYTES
    if (len(data) if size_bytes is None else size_bytes) < offset + height * stride:
        raise CaptureError("The framebuffer's file is shorter than its header says.")
    return Framebuffer(offset, stride, width, height)


def give_back(file: Path, width_px: int, height_px: int) -> None:
    """Gives the memory of all pixels outside of width × height back to the host; they become black.

    Only while the X server is grabbed and the screen that small: nobody may draw there meanwhile.
    Raises OSError where the file system cannot punch holes, CaptureError for a file that is none of Xvfb's.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        state = os.fstat(descriptor)
        layout = parse_header(os.pread(descriptor, _HEAD_BYTES, 0), state.st_size)
        shown_bytes = layout.offset_bytes + width_px * height_px * 4
        if state.st_blocks * 512 <= shown_bytes * _SLACK:
            return
        if (gap := layout.stride_bytes - width_px * 4) >= _GAP_BYTES:
            for row in range(height_px):
                _punch(descriptor, layout.offset_bytes + row * layout.stride_bytes + width_px * 4, gap)
        if rows := layout.height_px - height_px:
            start = layout.offset_bytes + height_px * layout.stride_bytes
            _punch(descriptor, start, rows * layout.stride_bytes)
    finally:
        os.close(descriptor)


def _punch(descriptor: int, start: int, length: int) -> None:
    if _libc.fallocate(descriptor, _PUNCH, start, length):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
