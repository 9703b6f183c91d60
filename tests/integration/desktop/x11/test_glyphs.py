"""The glyphs of title bars, read with the function that Openbox reads them with."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from display_server.desktop.profiles.glyphs import GLYPHS, bitmap

#: What XReadBitmapFileData returns for a file that it can read.
BITMAP_SUCCESS = 0


@pytest.mark.parametrize(("text_percent", "side_px"), [(100, 8), (150, 16), (200, 24)])
@pytest.mark.parametrize("name", GLYPHS)
def test_xlib_reads_the_glyph_with_its_size(
    name: str, text_percent: int, side_px: int, tmp_path: Path
) -> None:
    file = tmp_path / f"{name}.xbm"
    file.write_text(bitmap(name, text_percent))
    width, height, hot_x, hot_y = (ctypes.c_uint(), ctypes.c_uint(), ctypes.c_int(), ctypes.c_int())
    data = ctypes.POINTER(ctypes.c_ubyte)()
    xlib = ctypes.CDLL("libX11.so.6")
    outputs = map(ctypes.byref, (width, height, data, hot_x, hot_y))
    assert xlib.XReadBitmapFileData(str(file).encode(), *outputs) == BITMAP_SUCCESS
    assert (width.value, height.value) == (side_px, side_px)
    row_bytes = side_px // 8
    factor = side_px // 8
    for y in range(side_px):
        row = int.from_bytes(bytes(data[y * row_bytes : (y + 1) * row_bytes]), "little")
        drawn = "".join("#" if row >> x & 1 else "." for x in range(side_px))
        assert drawn == "".join(pixel * factor for pixel in GLYPHS[name][y // factor])
    xlib.XFree(data)
