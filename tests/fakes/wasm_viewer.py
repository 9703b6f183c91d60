"""Runs the decoder for browsers with wasmtime, without a browser."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import wasmtime
from display_codecs import ENCODING_NAMES
from display_codecs.compile import compile_wasm, native_folder
from numpy.typing import NDArray

COUNT_NAMES = (*ENCODING_NAMES, "cached", "moved")


@cache
def _module() -> tuple[wasmtime.Engine, wasmtime.Module]:
    engine = wasmtime.Engine()
    with TemporaryDirectory() as folder:
        out = Path(folder) / "tile_decoder.wasm"
        compile_wasm(out, native_folder())
        return engine, wasmtime.Module.from_file(engine, str(out))


class WasmViewer:
    """The decoder of one monitor. An access out of bounds raises wasmtime.Trap, which no test expects."""

    def __init__(self, width: int, height: int, seed: int = 0, cache_bytes: int = 1 << 20) -> None:
        engine, module = _module()
        self.width, self.height = width, height
        self._store = wasmtime.Store(engine)
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        signed = seed - (1 << 64) if seed >> 63 else seed
        assert self._call("create", width, height, signed, cache_bytes) == 0

    def _call(self, name: str, *arguments: int) -> int:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        return int(function(self._store, *arguments))

    @property
    def _memory(self) -> wasmtime.Memory:
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        return memory

    def _put(self, data: bytes) -> int:
        at = self._call("input_buffer", len(data))
        assert at
        self._memory.write(self._store, data, at)
        return at

    def _read(self, name: str, length: int) -> bytes:
        at = self._call(name)
        return bytes(self._memory.read(self._store, at, at + length))

    @property
    def memory_bytes(self) -> int:
        """How much memory the decoder has taken so far."""
        return self._memory.data_len(self._store)

    def apply(self, update: bytes) -> int:
        """Returns the fault; 0 for none."""
        self._put(update)
        return self._call("apply", len(update))

    def decode_tile(self, payload: bytes, width: int, height: int) -> tuple[int, NDArray[np.uint32] | None]:
        """Returns the fault, and without one the (height, width) pixels 0x00RRGGBB."""
        at = self._put(payload)
        fault = self._call("decode_tile", len(payload), width, height)
        if fault:
            return fault, None
        data = bytes(self._memory.read(self._store, at, at + width * height * 4))
        return 0, np.frombuffer(data, np.uint32).reshape(height, width)

    def rgba(self) -> NDArray[np.uint8]:
        """Returns the frame as (height, width, 4) RGBA."""
        data = self._read("pixels", self.width * self.height * 4)
        return np.frombuffer(data, np.uint8).reshape(self.height, self.width, 4)

    def bgrx(self) -> NDArray[np.uint8]:
        """Returns the frame as (height, width, 4) BGRX with X = 0, and checks that alpha is 255."""
        rgba = self.rgba()
        assert (rgba[:, :, 3] == 255).all()
        return np.dstack([rgba[:, :, 2::-1], np.zeros(rgba.shape[:2], np.uint8)])

    def touched(self) -> list[int]:
        count = -(-self.width // 64) * -(-self.height // 64)
        return np.flatnonzero(np.frombuffer(self._read("touched", count), np.uint8)).tolist()

    def counts(self) -> dict[str, int]:
        numbers = np.frombuffer(self._read("counts", 4 * len(COUNT_NAMES)), np.uint32)
        return {name: int(number) for name, number in zip(COUNT_NAMES, numbers, strict=True) if number}

    def dirty(self) -> list[list[int]]:
        """Returns the rectangles, (x, y, width, height) each, that cover what the last update changed."""
        count = self._call("dirty_count")
        return np.frombuffer(self._read("dirty", 16 * count), np.int32).reshape(count, 4).tolist()

    def cached_bytes(self) -> int:
        return self._call("cached_bytes")

    def digest(self, rgba: NDArray[np.uint8], x: int = 0, y: int = 0) -> dict[int, int] | None:
        """Digests pixels that were read at (x, y). Returns digests by tile, or None if refused."""
        height, width = rgba.shape[:2]
        self._put(rgba.tobytes())
        count = self._call("digest", width * 4, x, y, width, height)
        if count < 0:
            return None
        tiles = np.frombuffer(self._read("digested_tiles", 2 * count), np.uint16)
        total = -(-self.width // 64) * -(-self.height // 64)
        digests = np.frombuffer(self._read("digests", 8 * total), np.uint64)
        return {int(tile): int(digests[tile]) for tile in tiles}

    def root(self) -> int:
        return self._call("root") & 0xFFFFFFFFFFFFFFFF
