"""`python -m benchmarks.micro.codecs`: sizes and speeds of the tile format against others, one thread.

Sizes are ratios: 3 bytes a pixel over coded bytes. Grey pictures go to the other codecs as one plane.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import wasmtime
import zstandard
from display_codecs import TileGrid, digest_tiles, encode_tiles, find_move, wire
from display_codecs.compile import compile_wasm, native_folder
from display_codecs.samples import from_grey, photograph, text
from numpy.typing import NDArray
from PIL import Image

from benchmarks.content.slices import grey_slice

Picture = NDArray[np.uint8]

#: Each figure is the best of so many runs: the machine is shared, the work is not.
RUNS = 7


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    picture: Picture  #: BGRX
    grey: bool


def _noisy_slice() -> Picture:
    """A slice with noise in every pixel: the hardest that a study brings."""
    noise = np.random.default_rng(3).normal(0, 2, (1024, 1024))
    return from_grey(np.rint(grey_slice(1) + noise).astype(int))


def cases() -> list[Case]:
    random = np.random.default_rng(1)
    return [
        Case("stack slice 1024²", from_grey(grey_slice(1).astype(int)), grey=True),
        Case("the same, white noise", _noisy_slice(), grey=True),
        Case("photograph 1024²", photograph(1024, 1024, random), grey=False),
        Case("text 1024²", text(1024, 1024, random), grey=False),
    ]


def _best_ms(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best * 1000


def _left_up(plane: Picture) -> bytes:
    """Each sample less what left and upper neighbour tell: W + N − NW, modulo 256."""
    across = np.diff(plane, axis=1, prepend=np.zeros_like(plane[:, :1]))
    down: Picture = np.diff(across, axis=0, prepend=np.zeros_like(across[:1]))
    return down.tobytes()


def _png(rgb: Picture) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG", compress_level=1)
    return out.getvalue()


class Decoder:
    """The browser's decoder by wasmtime; V8 is about as quick."""

    def __init__(self, width: int, height: int) -> None:
        engine = wasmtime.Engine()
        with TemporaryDirectory() as folder:
            out = Path(folder) / "tile_decoder.wasm"
            compile_wasm(out, native_folder())
            module = wasmtime.Module.from_file(engine, str(out))
        self._store = wasmtime.Store(engine)
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        self._call("create", width, height, 0, 0)

    def _call(self, name: str, *arguments: int) -> int:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        return int(function(self._store, *arguments))

    def decode_ms(self, update: bytes) -> float:
        at = self._call("room", len(update))
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        memory.write(self._store, update, at)
        assert self._call("apply", len(update)) == 0
        return _best_ms(lambda: self._call("apply", len(update)))


def measure(case: Case, decoder: Decoder) -> str:
    height, width = case.picture.shape[:2]
    grid = TileGrid(width, height)
    tiles = np.arange(grid.count)
    encoded = encode_tiles(case.picture, grid, tiles)
    payloads = [encoded.payload(i) for i in range(grid.count)]
    update = wire.update(*(wire.tile(i, payload) for i, payload in enumerate(payloads)), flags=wire.RESET)
    rgb = np.ascontiguousarray(case.picture[:, :, 2::-1])
    plane = np.ascontiguousarray(rgb[:, :, 0]) if case.grey else rgb
    zstd = zstandard.ZstdCompressor(level=1)
    predicted = len(zstd.compress(_left_up(plane)))
    raw = width * height * 3
    encode_ms = _best_ms(lambda: encode_tiles(case.picture, grid, tiles))
    return (
        f"{case.name:<22}"
        f"{raw / len(update):9.1f}"
        f"{raw / predicted:12.1f}"
        f"{raw / len(_png(plane)):8.1f}"
        f"{len(update) / predicted:12.2f}"
        f"{encode_ms:10.2f}"
        f"{decoder.decode_ms(update):10.2f}"
        f"  {dict(encoded.encodings)}"
    )


def main() -> None:
    """Prints a table, then what digests and find_move cost."""
    decoder = Decoder(1024, 1024)
    print(f"{'':<22}{'ours':>9}{'l+u zstd1':>12}{'png1':>8}{'bytes':>12}{'encode':>10}{'decode':>10}")
    print(f"{'':<22}{'ratio':>9}{'ratio':>12}{'ratio':>8}{'ours/zstd':>12}{'ms':>10}{'wasm ms':>10}")
    for case in cases():
        print(measure(case, decoder))
    slice_picture = cases()[0].picture
    grid = TileGrid(1024, 1024)
    tiles = np.arange(grid.count)
    digest_ms = _best_ms(lambda: digest_tiles(slice_picture, grid, tiles, 1))
    scrolled = np.roll(slice_picture, -16, axis=0)
    other = from_grey(grey_slice(2).astype(int))
    whole = (0, 0, 1024, 1024)
    print(f"digests of 1024²: {digest_ms:.2f} ms")
    print(f"find_move, scrolled by 16: {_best_ms(lambda: find_move(slice_picture, scrolled, whole)):.2f} ms")
    print(f"find_move, next slice: {_best_ms(lambda: find_move(slice_picture, other, whole)):.2f} ms")


if __name__ == "__main__":
    main()
