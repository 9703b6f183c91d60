"""Pictures for video encoders: planar YUV 4:2:0, each chroma sample the mean of its four pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from display_codecs.native import library, picture_size

#: What factors are multiplied with.
_ONE = 1 << 15
_SUM_OF_FOUR = 4

Plane = NDArray[np.uint8]


def yuv_components(kr: float, kb: float) -> NDArray[np.int32]:
    """How Y, U and V are made of red, green and blue: a matrix of these weights (H.273), limited range."""
    kg = 1 - kr - kb
    y = [_rounded(219 / 255 * weight) for weight in (kr, kg, kb)]
    red, blue = (_rounded(-112 / 255 * kr / (1 - kb)), _rounded(112 / 255))
    u = [red, -red - blue, blue]  # grey has none
    red, blue = (_rounded(112 / 255), _rounded(-112 / 255 * kb / (1 - kr)))
    v = [red, -red - blue, blue]
    half = _ONE // 2
    return np.array(
        [
            [*y, 16 * _ONE + half],
            [*u, (128 * _ONE + half) * _SUM_OF_FOUR],
            [*v, (128 * _ONE + half) * _SUM_OF_FOUR],
        ],
        np.int32,
    )


def to_yuv420(
    picture: NDArray[np.uint8], components: NDArray[np.int32], y: Plane, u: Plane, v: Plane
) -> None:
    """Fills the planes from a (height, width, 4) BGRX picture of even sides. `y` is (height, width), `u` and
    `v` are half of that either way; rows may lie apart. Raises ValueError.
    """
    width, height = picture_size(picture)
    if width % 2 or height % 2:
        raise ValueError(f"{width}×{height} px have no 4:2:0: sides must be even")
    for plane, shape in (
        (y, (height, width)),
        (u, (height // 2, width // 2)),
        (v, (height // 2, width // 2)),
    ):
        if plane.shape != shape or plane.dtype != np.uint8 or plane.strides[1] != 1:
            raise ValueError(f"a plane of {plane.shape} {plane.dtype} where {shape} uint8 is needed")
        if not plane.flags.writeable:
            raise ValueError("a plane is read-only")
    if components.shape != (3, 4) or components.dtype != np.int32 or not components.flags.c_contiguous:
        raise ValueError("components are those of yuv_components")
    library.lb_yuv420(
        picture.ctypes.data, picture.strides[0], width, height, components.ctypes.data,
        y.ctypes.data, y.strides[0], u.ctypes.data, u.strides[0], v.ctypes.data, v.strides[0],
    )  # fmt: skip


def _rounded(factor: float) -> int:
    return round(factor * _ONE)
