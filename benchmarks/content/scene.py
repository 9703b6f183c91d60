"""Generates a large image with the statistics of a natural scene. The film pans a camera over it."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SCENE_PX = (2400, 1350)


@functools.cache
def scene() -> Image.Image:
    """Generates the scene. As in nature, amplitude falls with spatial frequency; colour varies more slowly
    than brightness."""
    width, height = SCENE_PX
    random = np.random.default_rng(5)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1

    def clouds(falloff: float) -> NDArray[np.float64]:
        phases = np.exp(2j * np.pi * random.random(frequency.shape))
        drawn = np.fft.irfft2(phases / frequency**falloff, (height, width))
        scaled: NDArray[np.float64] = (drawn - drawn.mean()) / drawn.std()
        return scaled

    light, warm, green = clouds(1.1), clouds(1.7), clouds(1.7)
    channels = (light + 0.5 * warm, light + 0.35 * green, light - 0.5 * warm)
    rgb = np.clip(120 + 46 * np.stack(channels, axis=2), 0, 255)
    return Image.fromarray(rgb.astype(np.uint8))


def view_at(number: float, width_px: int, height_px: int) -> tuple[int, int]:
    """Returns x and y of the camera's view in frame `number`, px. The camera moves along two sine curves."""
    across, down = SCENE_PX[0] - width_px, SCENE_PX[1] - height_px
    return round(across * (0.5 + 0.5 * math.sin(number / 41))), round(
        down * (0.5 + 0.5 * math.cos(number / 53))
    )
