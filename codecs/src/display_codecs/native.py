"""The C library by ctypes, which lets go of the interpreter lock during each call."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Readable bytes that the decoder wants behind a payload.
READ_AHEAD = 128

#: What C's `enum fault` means (native/tile.h).
FAULTS = {
    1: "the data ends early",
    2: "unknown encoding or parameter out of range",
    3: "the data does not end where it must",
    4: "not an update",
    5: "unknown operation",
    6: "no such tile",
    7: "no such slot, or the cache is over its limit",
    8: "a move leaves the picture",
    9: "an earlier update failed and no RESET came since",
    10: "out of memory",
}


class DecodeError(Exception):
    """A payload or update is malformed; `fault` is the number in native/tile.h."""

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
        raise ImportError(f"{file} is missing: install with `pip install ./codecs`, which compiles it")
    return ctypes.CDLL(str(file))


_pointer, _i64, _int, _u64 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int, ctypes.c_uint64

#: Argument and result types of every function (native/batch.c, native/move.c, native/yuv.c).
_SIGNATURES: dict[str, tuple[list[type], type | None]] = {
    "lb_init": ([], None),
    "lb_encode": ([_pointer, _i64, _int, _int, _pointer, _i64, _pointer, _i64, _pointer, _pointer], _i64),
    "lb_encode_as": ([_int, _pointer, _i64, _int, _int, _pointer, _i64], _i64),
    "lb_decode": ([_pointer, _i64, _int, _int, _pointer, _i64], _int),
    "lb_digest": ([_pointer, _i64, _int, _int, _pointer, _i64, _u64, _pointer], _int),
    "lb_take": ([_pointer, _i64, _pointer, _i64, _int, _int, _pointer, _i64, _u64, _pointer], _int),
    "lb_renew": ([_pointer, _i64, _pointer, _i64, _int, _int, _pointer, _i64, _pointer], _int),
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


def picture_size(picture: NDArray[np.uint8]) -> tuple[int, int]:
    """(width, height) in px of a picture that C can walk. Raises ValueError for any other."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 4:
        raise ValueError(f"a picture is (height, width, 4) uint8, not {picture.shape} {picture.dtype}")
    height, width = picture.shape[:2]
    if picture.strides[2] != 1 or (width > 1 and picture.strides[1] != 4):
        raise ValueError("the pixels of a row must follow each other without gaps")
    return width, height


def tile_numbers(tiles: object) -> NDArray[np.int32]:
    return np.ascontiguousarray(tiles, dtype=np.int32).reshape(-1)
