"""Compares lossless codecs on the same images: compression ratio and speed on one thread.

Values are also given as ratios to a simple baseline (left+up prediction, zstd level 1), and a plain copy is
timed for scale. The other codecs get grey images as one plane, which favours them. Of the tile encodings,
grey applies to the stack, the panned radiograph and the window kind, palettes to text and terminal, and
colour to video.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import zstandard
from display_codecs import TileGrid, encode_tiles
from numpy.typing import NDArray

from benchmarks.content.frames import frame
from benchmarks.micro.figure import Figure, MissingError, interleaved_ms

Pixels = NDArray[np.uint8]
#: Kinds of content by name, and whether they are grey.
CORPUS = {"stack": True, "pan": True, "window": True, "typing": False, "terminal": False, "video": False}
#: Names of the baseline codec and of the copy.
BASE, COPY = "left+up, zstd 1", "memcpy"
#: Errors of imagecodecs: a codec's own, a codec that the wheel lacks, and one that this version does not
#: know.
UNAVAILABLE = (RuntimeError, ImportError, AttributeError)


def stills(kinds: dict[str, bool] = CORPUS, turns: int = 5) -> list[Figure]:
    """Measures all codecs on one frame of each kind. Raises MissingError without imagecodecs."""
    found = []
    for kind, grey in kinds.items():
        rgba = frame(kind, 40)
        works, sizes = encoders(rgba, grey=grey), {}
        for name, work in list(works.items()):
            try:
                sizes[name] = float(work())
            except UNAVAILABLE as error:
                del works[name]
                found.append(Figure(f"{kind}: missing", f"{name}: {error}", 0.0, "–"))
        raw = raw_bytes(rgba, grey=grey)
        times = interleaved_ms(works | {COPY: partial(bytearray, raw)}, turns)
        for name in works:
            ratio = len(raw) / sizes[name]
            found.append(
                Figure(f"{kind}: compression", name, ratio, "raw/coded", sizes[BASE] / sizes[name], BASE)
            )
        for name, ms in times.items():
            speed = len(raw) / ms / 1e3
            found.append(Figure(f"{kind}: coding", name, speed, "MB/s", times[BASE] / ms, BASE))
    return found


def raw_bytes(rgba: Pixels, *, grey: bool) -> bytes:
    """Returns the bytes that compression and speed refer to: one per pixel of a grey image, otherwise
    three."""
    return rgba[:, :, 0].tobytes() if grey else rgba[:, :, :3].tobytes()


def encoders(rgba: Pixels, *, grey: bool) -> dict[str, Callable[[], int]]:
    """Returns the encoders by name. Each returns the number of encoded bytes."""
    codecs = _imagecodecs()
    bgrx = np.ascontiguousarray(rgba[:, :, [2, 1, 0, 3]])
    bgrx[:, :, 3] = 0
    rgb = np.ascontiguousarray(rgba[:, :, :3])
    image = np.ascontiguousarray(rgb[:, :, 0]) if grey else rgb
    grid = TileGrid(rgba.shape[1], rgba.shape[0])
    tiles = np.arange(grid.count)
    zstd = zstandard.ZstdCompressor(level=1)
    return {
        "Lightbox tiles": lambda: encode_tiles(bgrx, grid, tiles).total_bytes,
        BASE: lambda: len(zstd.compress(_left_up(image))),
        "PNG level 1": lambda: len(codecs.png_encode(image, level=1)),
        "JPEG XL effort 1": lambda: len(codecs.jpegxl_encode(image, lossless=True, effort=1, numthreads=1)),
        "JPEG-LS": lambda: len(codecs.jpegls_encode(image)),
        "HTJ2K": lambda: len(codecs.htj2k_encode(image, reversible=True)),
        "WebP lossless m0": lambda: len(codecs.webp_encode(rgb, lossless=True, level=0, method=0)),
        "WebP lossless m4": lambda: len(codecs.webp_encode(rgb, lossless=True, level=0, method=4)),
        "QOI": lambda: len(codecs.qoi_encode(rgb)),
    }


def _left_up(image: Pixels) -> bytes:
    """Subtracts from each sample its prediction from the neighbours, W + N − NW, modulo 256."""
    across = np.diff(image, axis=1, prepend=np.zeros_like(image[:, :1]))
    down: Pixels = np.diff(across, axis=0, prepend=np.zeros_like(across[:1]))
    return down.tobytes()


def _imagecodecs() -> Any:
    try:
        return importlib.import_module("imagecodecs")
    except ImportError as error:
        raise MissingError(f"{error}: pip install imagecodecs") from error
