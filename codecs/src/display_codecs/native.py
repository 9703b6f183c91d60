"""Loads the C library with ctypes, which releases the interpreter lock during each call."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Bytes behind a payload that must be readable for the decoder (native/tile.h).
READ_AHEAD = 128

#: What C's `enum fault` means (native/tile.h).
FAULTS = {
    1: "the data ends early",
    2: "unknown encoding or parameter out of range",
    3: "the data continues after its end",
    4: "not an update",
    5: "unknown operation",
    6: "there is no tile with this number",
    7: "there is no such cache slot, or the cache exceeds its limit",
    8: "a move leaves the monitor",
    9: "an earlier update failed and no RESET has arrived since",
    10: "out of memory",
}


class DecodeError(Exception):
    """A payload or an update is malformed. `fault` is one of FAULTS."""

    def __init__(self, fault: int) -> None:
        super().__init__(FAULTS.get(fault, f"fault {fault}"))
        self.fault = fault


def _processor_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    return {
        flag
        for line in text.splitlines()
        if line.startswith("flags")
        for flag in line.split(":", 1)[1].split()
    }


def _load() -> ctypes.CDLL:
    variant = "v8"
    if platform.machine() == "x86_64":
        variant = "v3" if {"avx2", "bmi1", "bmi2", "fma", "movbe", "f16c"} <= _processor_flags() else "v2"
    file = Path(__file__).with_name(f"display_codecs-{variant}.so")
    if not file.is_file():
        raise ImportError(f"{file} is missing: `make setup` compiles it")
    return ctypes.CDLL(str(file))


_pointer, _i64, _int, _u64 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int, ctypes.c_uint64

#: Argument types and result type of every function (native/batch.c, native/move.c, native/yuv.c).
_SIGNATURES: dict[str, tuple[list[type], type | None]] = {
    "lb_init": ([], None),
    "lb_encode": ([_pointer, _i64, _int, _int, _pointer, _i64, _pointer, _i64, _pointer, _pointer], _i64),
    "lb_encode_as": ([_int, _pointer, _i64, _int, _int, _pointer, _i64], _i64),
    "lb_decode": ([_pointer, _i64, _int, _int, _pointer, _i64], _int),
    "lb_digest": ([_pointer, _i64, _int, _int, _pointer, _i64, _u64, _pointer], _int),
    "lb_copy_and_compare": ([_pointer, _i64, _pointer, _i64, _int, _int, _pointer, _i64, _pointer], _int),
    "lb_yuv420": (
        [_pointer, _i64, _int, _int, _pointer, _pointer, _i64, _pointer, _i64, _pointer, _i64],
        None,
    ),
    "lb_hash": ([_pointer, _i64, _u64], _u64),
    "lb_find_move": ([_pointer, _i64, _pointer, _i64, _int, _int, _int, _int, _pointer], _int),
}

library = _load()
for _name, (_arguments, _result) in _SIGNATURES.items():
    _function = getattr(library, _name)
    _function.argtypes = _arguments
    _function.restype = _result
library.lb_init()


def frame_size(frame: NDArray[np.uint8]) -> tuple[int, int]:
    """Returns (width, height) in pixels. Raises ValueError unless the C functions can read the array."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 4:
        raise ValueError(f"a frame is (height, width, 4) uint8, not {frame.shape} {frame.dtype}")
    height, width = frame.shape[:2]
    if frame.strides[2] != 1 or (width > 1 and frame.strides[1] != 4):
        raise ValueError("the pixels of a row must follow each other without gaps")
    return width, height


def tile_numbers(tiles: object) -> NDArray[np.int32]:
    """Converts a list of tile numbers to an array that the C functions can read."""
    return np.ascontiguousarray(tiles, dtype=np.int32).reshape(-1)
