"""Sample images for golden vectors, tests and benchmarks, which together use every encoding.

The same random generator gives the same image.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def from_grey(levels: NDArray[np.integer]) -> Pixels:
    """Converts (height, width) levels, clipped to 0 … 255, to (height, width, 4) BGRX with X = 0."""
    clipped = np.clip(levels, 0, 255).astype(np.uint8)
    return from_rgb(np.repeat(clipped[:, :, None], 3, axis=2))


def from_rgb(rgb: NDArray[np.integer]) -> Pixels:
    """Converts (height, width, 3) RGB, clipped to 0 … 255, to (height, width, 4) BGRX with X = 0."""
    image = np.zeros((*rgb.shape[:2], 4), np.uint8)
    image[:, :, :3] = np.clip(rgb, 0, 255).astype(np.uint8)[:, :, ::-1]
    return image


def solid(width: int, height: int, random: np.random.Generator) -> Pixels:
    return from_rgb(np.broadcast_to(random.integers(0, 256, 3), (height, width, 3)))


def text(width: int, height: int, random: np.random.Generator) -> Pixels:
    """Draws rectangles in a few colours, so that many rows are equal."""
    indices = np.zeros((height, width), int)
    for _ in range(max(1, width * height // 60)):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        indices[y : y + int(random.integers(1, 9)), x : x + int(random.integers(1, 4))] = random.integers(
            0, 6
        )
    return from_rgb(random.integers(0, 256, (6, 3))[indices])


def many_colours(width: int, height: int, random: np.random.Generator) -> Pixels:
    """Uses nearly as many colours as a palette can hold."""
    palette = random.integers(0, 256, (int(random.integers(200, 256)), 3))
    return from_rgb(palette[random.integers(0, len(palette), (height, width))])


def slice_with_noise(width: int, height: int, random: np.random.Generator) -> Pixels:
    """Draws smooth grey hills with noise of a few levels, clipped at black."""
    y, x = np.mgrid[0:height, 0:width]
    hill = 90 * np.sin(x / 17) * np.cos(y / 23) + 40
    return from_grey(np.rint(hill + random.normal(0, 2.0, hill.shape)).astype(int))


def photograph(width: int, height: int, random: np.random.Generator) -> Pixels:
    """Draws smooth colours with a little noise in each channel."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [120 + 80 * np.sin(x / a + y / b) for a, b in ((19, 31), (23, 29), (41, 17))]
    smooth = np.stack(channels, axis=2)
    return from_rgb(np.rint(smooth + random.normal(0, 1.5, smooth.shape)).astype(int))


def grey_edges(width: int, height: int, random: np.random.Generator) -> Pixels:
    """Draws grey levels from one end of the range to the other: their residuals must be escaped."""
    blocks = random.integers(0, 2, (height, width)) * 255
    blocks[::3] = random.integers(0, 256, blocks[::3].shape)
    return from_grey(blocks)


def white_noise(width: int, height: int, random: np.random.Generator) -> Pixels:
    return from_rgb(random.integers(0, 256, (height, width, 3)))


#: Functions by name. Each takes the width and height in pixels, and a random generator.
SAMPLES: dict[str, Callable[[int, int, np.random.Generator], Pixels]] = {
    "solid": solid,
    "text": text,
    "many-colours": many_colours,
    "slice-with-noise": slice_with_noise,
    "photograph": photograph,
    "grey-edges": grey_edges,
    "white-noise": white_noise,
}
