"""Converts frames for video encoders to planar YUV 4:2:0. A chroma sample is the mean of its four pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from display_codecs.native import frame_size, library

#: The factor 1.0 in fixed-point numbers.
_ONE = 1 << 15
#: Chroma is computed from the sum of four pixels.
_PIXELS_PER_CHROMA_SAMPLE = 4

Plane = NDArray[np.uint8]


def yuv_components(kr: float, kb: float) -> NDArray[np.int32]:
    """Returns the fixed-point factors and offsets for Y, U and V in limited range.

    `kr` and `kb` are the weights of red and blue in luma (ITU-T H.273).
    """
    kg = 1 - kr - kb
    y = [_rounded(219 / 255 * weight) for weight in (kr, kg, kb)]
    red, blue = (_rounded(-112 / 255 * kr / (1 - kb)), _rounded(112 / 255))
    u = [red, -red - blue, blue]  # the sum is 0, so that grey has no chroma
    red, blue = (_rounded(112 / 255), _rounded(-112 / 255 * kb / (1 - kr)))
    v = [red, -red - blue, blue]
    half = _ONE // 2
    return np.array(
        [
            [*y, 16 * _ONE + half],
            [*u, (128 * _ONE + half) * _PIXELS_PER_CHROMA_SAMPLE],
            [*v, (128 * _ONE + half) * _PIXELS_PER_CHROMA_SAMPLE],
        ],
        np.int32,
    )


def to_yuv420(frame: NDArray[np.uint8], components: NDArray[np.int32], y: Plane, u: Plane, v: Plane) -> None:
    """Fills the planes from a (height, width, 4) BGRX frame. `components` come from `yuv_components`.

    `y` is (height, width), `u` and `v` are (height / 2, width / 2), with any row stride. Raises ValueError
    for arrays that do not fit, and for an odd width or height.
    """
    width, height = frame_size(frame)
    if width % 2 or height % 2:
        raise ValueError(f"{width}×{height} px: 4:2:0 needs an even width and height")
    for plane, shape in (
        (y, (height, width)),
        (u, (height // 2, width // 2)),
        (v, (height // 2, width // 2)),
    ):
        if plane.shape != shape or plane.dtype != np.uint8 or plane.strides[1] != 1:
            raise ValueError(f"a plane of {plane.shape} {plane.dtype} instead of {shape} uint8")
        if not plane.flags.writeable:
            raise ValueError("a plane is read-only")
    if components.shape != (3, 4) or components.dtype != np.int32 or not components.flags.c_contiguous:
        raise ValueError("components must come from yuv_components")
    library.lb_yuv420(
        frame.ctypes.data, frame.strides[0], width, height, components.ctypes.data,
        y.ctypes.data, y.strides[0], u.ctypes.data, u.strides[0], v.ctypes.data, v.strides[0],
    )  # fmt: skip


def _rounded(factor: float) -> int:
    return round(factor * _ONE)
