"""Conversion to planar YUV 4:2:0 as ITU-T H.273 defines it."""

from __future__ import annotations

import numpy as np
import pytest
from display_codecs import to_yuv420, yuv_components
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.examples import examples

WEIGHTS = {"BT.601": (0.299, 0.114), "BT.709": (0.2126, 0.0722)}
Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def planes(width: int, height: int) -> Planes:
    """Returns the Y, U and V planes. Their row strides are larger than their widths."""
    y = np.full((height, width + 6), 99, np.uint8)
    u, v = (np.full((height // 2, width // 2 + 3), 99, np.uint8) for _ in range(2))
    return y[:, :width], u[:, : width // 2], v[:, : width // 2]


def expected(frame: NDArray[np.uint8], kr: float, kb: float) -> tuple[NDArray[np.float64], ...]:
    """Returns the exact samples of Y, U and V, before rounding."""
    blue, green, red = (frame[:, :, place].astype(float) / 255 for place in range(3))
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    height, width = luma.shape

    def mean(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        means: NDArray[np.float64] = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        return means

    u = mean((blue - luma) / (2 * (1 - kb)))
    v = mean((red - luma) / (2 * (1 - kr)))
    return 16 + 219 * luma, 128 + 224 * u, 128 + 224 * v


@pytest.mark.parametrize("matrix", list(WEIGHTS))
@given(width=st.integers(1, 80), height=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
@examples(60)
def test_every_sample_is_rounded_to_the_nearest(matrix: str, width: int, height: int, seed: int) -> None:
    shape = (2 * height, 2 * width + 4, 4)
    frame = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)[:, 2:-2]
    found = planes(2 * width, 2 * height)
    to_yuv420(frame, yuv_components(*WEIGHTS[matrix]), *found)
    for plane, exact in zip(found, expected(frame, *WEIGHTS[matrix]), strict=True):
        assert np.abs(plane - exact).max() < 0.51
    assert all((plane.base[:, plane.shape[1] :] == 99).all() for plane in found)  # type: ignore[index]


@pytest.mark.parametrize("matrix", list(WEIGHTS))
def test_extremes_stay_in_limited_range_and_grey_has_no_chroma(matrix: str) -> None:
    corners = np.array([[b, g, r, 255] for b in (0, 255) for g in (0, 255) for r in (0, 255)], np.uint8)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, axis=1)
    colours = np.concatenate([corners, greys])
    frame = np.ascontiguousarray(np.repeat(np.repeat(colours[None], 2, axis=0), 2, axis=1))
    y, u, v = planes(2 * len(colours), 2)
    to_yuv420(frame, yuv_components(*WEIGHTS[matrix]), y, u, v)
    assert (int(y.min()), int(y.max())) == (16, 235)
    assert int(min(u.min(), v.min())) == 16
    assert int(max(u.max(), v.max())) == 240
    assert set(u[0, 8:].tolist()) == set(v[0, 8:].tolist()) == {128}


def test_arrays_that_do_not_fit_are_refused() -> None:
    components = yuv_components(*WEIGHTS["BT.601"])
    frame = np.zeros((4, 6, 4), np.uint8)
    y, u, v = planes(6, 4)
    with pytest.raises(ValueError, match="even"):
        to_yuv420(frame[:3], components, y, u, v)
    with pytest.raises(ValueError, match="a plane of"):
        to_yuv420(frame, components, y, u[:1], v)
    with pytest.raises(ValueError, match="yuv_components"):
        to_yuv420(frame, components[:2], y, u, v)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        to_yuv420(frame, components, y, u, v)
