"""Frames to encode, (height, width, 4) BGRX, each made from its number."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def scene(number: int, width_px: int = 320, height_px: int = 192) -> Pixels:
    """A window that moves over a coloured scene. It is a view, whose rows are not contiguous."""
    x, y = (number * 3) % 64, (number * 2) % 64
    return _ground(width_px + 64, height_px + 64)[y : y + height_px, x : x + width_px]


@functools.cache
def _ground(width_px: int, height_px: int) -> Pixels:
    random = np.random.default_rng(7)
    down, across = np.mgrid[0:height_px, 0:width_px]
    ground = np.zeros((height_px, width_px, 4), np.float64)
    for channel in range(3):
        for wavelength in (200, 90, 40, 17, 9):
            angle, phase = random.uniform(0, 2 * np.pi, 2)
            along = (across * np.cos(angle) + down * np.sin(angle)) * 2 * np.pi / wavelength
            ground[:, :, channel] += np.sin(along + phase) * wavelength**0.5
    ground = 128 + ground * (96 / np.abs(ground).max())
    ground[:, :, :3] += random.normal(0, 2, (height_px, width_px, 1))
    levels: Pixels = np.clip(np.rint(ground), 0, 255).astype(np.uint8)
    return levels


def grey(pixels: Pixels) -> Pixels:
    """The frame with its green levels as grey levels."""
    levelled = pixels.copy()
    levelled[:, :, :3] = pixels[:, :, 1:2]
    return levelled


def grey_ramp() -> Pixels:
    """All 256 levels from left to right, each 4 px wide."""
    levels = np.arange(256, dtype=np.uint8).repeat(4)
    return np.broadcast_to(levels[None, :, None], (128, 1024, 4)).copy()


def noise(number: int, width_px: int = 320, height_px: int = 192) -> Pixels:
    """Noise, which takes all the bits that the encoder may use."""
    return np.random.default_rng(number).integers(0, 256, (height_px, width_px, 4), np.uint8)


def coloured_text(width_px: int = 320, height_px: int = 192) -> Pixels:
    """Strokes of one pixel, in colours whose luma is close to that of the background."""
    pixels = np.zeros((height_px, width_px, 4), np.uint8)
    pixels[:] = (96, 96, 96, 255)
    random = np.random.default_rng(3)
    for x, y in zip(
        random.integers(0, width_px - 8, 400), random.integers(0, height_px - 12, 400), strict=True
    ):
        ink = ((230, 60, 60), (60, 60, 250), (40, 130, 40))[int(x + y) % 3]
        pixels[y : y + 10, x, :3] = ink
        pixels[y, x : x + 6, :3] = ink
    return pixels
