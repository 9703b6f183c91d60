"""Stores screenshots for the documents: as PNG files with a palette, small enough for a repository."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

#: The size of a file, bytes.
FILE_MAX_BYTES = 250_000
#: Colours of the palette, and how much smaller the image is made, in the order in which they are tried.
COLOURS = (256, 128, 64)
SHRINK = 0.85


def save_small(image: Image.Image, path: Path, *, side_px: int | None = None) -> None:
    """Reduces an image until its longest side is `side_px` and its file is small, and stores it."""
    small = image.convert("RGB")
    if side_px is not None:
        small.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    while True:
        for colours in COLOURS:
            file = io.BytesIO()
            palette = small.quantize(
                colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE, kmeans=1
            )
            palette.save(file, "PNG", optimize=True)
            if file.getbuffer().nbytes <= FILE_MAX_BYTES:
                path.write_bytes(file.getvalue())
                return
        size = round(small.width * SHRINK), round(small.height * SHRINK)
        small = small.resize(size, Image.Resampling.LANCZOS)
