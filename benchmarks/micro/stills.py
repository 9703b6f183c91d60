"""Lossless codecs on the same pictures: bytes and encoding time, one thread, as ratios to left+up+zstd 1.

Grey pictures go to the other codecs as one plane, which is what favours them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import zstandard
from display_codecs import TileGrid, encode_tiles
from numpy.typing import NDArray

from benchmarks.content.frames import frame
from benchmarks.micro.figure import Figure, MissingError, interleaved_ms

Pixels = NDArray[np.uint8]
#: Kinds of content, and whether they are grey.
CORPUS = {"stack": True, "pan": True, "window": True, "typing": False, "terminal": False, "video": False}
BASE = "left+up, zstd 1"
#: What imagecodecs raises: its codecs' own errors, for one that the wheel lacks, for one that it never had.
LACKS = (RuntimeError, ImportError, AttributeError)


def stills(kinds: dict[str, bool] = CORPUS, turns: int = 5) -> list[Figure]:
    """Raises MissingError without imagecodecs."""
    found = []
    for kind, grey in kinds.items():
        rgba = frame(kind, 40)
        works, sizes = encoders(rgba, grey=grey), {}
        for name, work in list(works.items()):
            try:
                sizes[name] = float(work())
            except LACKS as error:
                del works[name]
                found.append(Figure(f"{kind}: missing", f"{name}: {error}", 0.0, "–"))
        times = interleaved_ms(works, turns)
        for name in works:
            size_kb, size_ratio = sizes[name] / 1e3, sizes[name] / sizes[BASE]
            found.append(Figure(f"{kind}: size", name, size_kb, "kB", size_ratio, BASE))
            found.append(Figure(f"{kind}: encode", name, times[name], "ms", times[name] / times[BASE], BASE))
    return found


def encoders(rgba: Pixels, *, grey: bool) -> dict[str, Callable[[], int]]:
    """By name; each returns the coded bytes."""
    codecs = _imagecodecs()
    bgrx = np.ascontiguousarray(rgba[:, :, [2, 1, 0, 3]])
    bgrx[:, :, 3] = 0
    rgb = np.ascontiguousarray(rgba[:, :, :3])
    picture = np.ascontiguousarray(rgb[:, :, 0]) if grey else rgb
    grid = TileGrid(rgba.shape[1], rgba.shape[0])
    tiles = np.arange(grid.count)
    zstd = zstandard.ZstdCompressor(level=1)
    return {
        "Lightbox tiles": lambda: encode_tiles(bgrx, grid, tiles).total_bytes,
        BASE: lambda: len(zstd.compress(_left_up(picture))),
        "PNG level 1": lambda: len(codecs.png_encode(picture, level=1)),
        "JPEG XL effort 1": lambda: len(codecs.jpegxl_encode(picture, lossless=True, effort=1, numthreads=1)),
        "JPEG-LS": lambda: len(codecs.jpegls_encode(picture)),
        "HTJ2K": lambda: len(codecs.htj2k_encode(picture, reversible=True)),
        "WebP lossless": lambda: len(codecs.webp_encode(rgb, lossless=True, level=0)),
        "QOI": lambda: len(codecs.qoi_encode(rgb)),
    }


def _left_up(picture: Pixels) -> bytes:
    """Each sample less what its left and upper neighbours tell: W + N − NW, modulo 256."""
    across = np.diff(picture, axis=1, prepend=np.zeros_like(picture[:, :1]))
    down: Pixels = np.diff(across, axis=0, prepend=np.zeros_like(across[:1]))
    return down.tobytes()


def _imagecodecs() -> Any:
    try:
        return importlib.import_module("imagecodecs")
    except ImportError as error:
        raise MissingError(f"{error}: pip install imagecodecs") from error
