"""The pixels of the test patterns, compared with the published descriptions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from display_server.desktop.display_check import patterns

SIZES = [(1920, 1080), (2048, 2560), (1024, 1024), (1280, 800), (640, 480)]
Pixels = NDArray[np.uint8]


def has_nested_square(pixels: Pixels, level: int, inside: int) -> bool:
    """Returns whether a field of `level` contains one of `inside`: both levels are neighbours in a row."""
    grey = pixels[:, :, 0].astype(int)
    neighbours = (grey[:, :-1] == level) & (grey[:, 1:] == inside)
    return bool(neighbours.any())


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", patterns.PATTERNS)
def test_a_pattern_has_the_size_and_is_always_the_same(name: str, size: tuple[int, int]) -> None:
    pixels = patterns.PATTERNS[name](*size)
    assert pixels.shape == (size[1], size[0], 3)
    assert pixels.dtype == np.uint8
    assert (pixels == patterns.PATTERNS[name](*size)).all()
    if name != "pixels":
        assert (pixels[:, :, :1] == pixels).all(), "all pixels are grey"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["tg18-qc", "tg270-sqc", "smpte"])
def test_patches_of_5_and_95_percent_exist(name: str, size: tuple[int, int]) -> None:
    pixels = patterns.PATTERNS[name](*size)
    assert has_nested_square(pixels, 0, patterns.LEVEL_5_PERCENT)
    assert has_nested_square(pixels, 255, patterns.LEVEL_95_PERCENT)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("tg18-qc", patterns.TG18_LEVELS),
        ("tg270-sqc", patterns.TG270_LEVELS),
        ("smpte", patterns.SMPTE_LEVELS),
    ],
)
def test_every_luminance_level_has_a_patch(name: str, levels: tuple[int, ...]) -> None:
    pixels = patterns.PATTERNS[name](1920, 1080)
    areas = np.bincount(pixels[:, :, 0].ravel(), minlength=256)
    assert (areas[list(levels)] > 3000).all(), "each level has a patch that is large enough to be measured"


def test_levels_are_those_of_the_standards() -> None:
    assert patterns.TG18_LEVELS == (8, 24, 40, 56, 72, 88, 104, 120, 136, 152, 168, 184, 200, 216, 232, 248)
    assert patterns.TG270_LEVELS[:3] == (0, 15, 30)
    assert (len(patterns.TG270_LEVELS), patterns.TG270_LEVELS[-1]) == (18, 255)
    assert patterns.SMPTE_LEVELS == (0, 26, 51, 76, 102, 128, 153, 178, 204, 230, 255)


@pytest.mark.parametrize("name", ["tg18-qc", "tg270-sqc", "smpte", "pixels"])
def test_line_pairs_of_one_pixel_exist(name: str) -> None:
    grey = patterns.PATTERNS[name](1920, 1080)[:, :, 0]
    vertical = (grey[:, :-2] == 0) & (grey[:, 1:-1] == 255) & (grey[:, 2:] == 0)
    horizontal = (grey[:-2] == 0) & (grey[1:-1] == 255) & (grey[2:] == 0)
    assert vertical.sum() > 100
    assert horizontal.sum() > 100


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_letters_fade_by_one_level_each(ground: int) -> None:
    pixels = patterns.tg18_qc(1920, 1080)[:, :, 0].astype(int)
    area = pixels[1080 * 22 // 32 : 1080 * 30 // 32, 1920 // 3 : 2 * 1920 // 3]
    found = {int(level) for level in np.unique(area)} - {191}
    expected = {ground + (-step if ground == 255 else step) for step in range(1, 15)}
    assert expected <= found


def test_single_pixel_detail_is_exact() -> None:
    pixels = patterns.pixel_detail(1920, 1080)
    assert pixels[100, 1500].tolist() != pixels[100, 1501].tolist()
    assert {tuple(pixel) for pixel in pixels[100, 1400:1500].tolist()} == {(255, 0, 0), (0, 0, 255)}
    assert set(np.unique(pixels[100, 700:800])) == {127, 128}
    assert {tuple(pixel) for pixel in pixels[900, 1400:1500].tolist()} == {(1, 0, 0), (0, 0, 1)}


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("difference", [1, -1, 8])
def test_the_contrast_square_has_its_level_and_position(place: int, difference: int) -> None:
    pixels = patterns.contrast(1280, 800, 20, difference, place)
    rows, columns = np.nonzero(pixels[:, :, 0] != 20)
    assert (pixels[rows, columns] == 20 + difference).all()
    assert (columns.mean() > 640, rows.mean() > 400) == (place % 2 == 1, place // 2 == 1)
    assert len(rows) == 100 * 100
