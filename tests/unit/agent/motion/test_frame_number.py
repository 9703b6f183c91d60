"""The number below a video frame."""

from __future__ import annotations

import numpy as np
import pytest

from display_server.agent.motion.frame_number import BLOCK_PX, check_of, coded_size_px, compose
from display_server.protocol.limits import VIDEO_NUMBER_MAX


def read(frame: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]) -> int | None:
    row = frame[-BLOCK_PX // 2, BLOCK_PX // 2 : 16 * BLOCK_PX : BLOCK_PX, 0] > 127
    word = int("".join("1" if bit else "0" for bit in row), 2)
    return word >> 4 if word & 15 == check_of(word >> 4) else None


@pytest.mark.parametrize("number", [1, 2, 0x555, 0xAAA, VIDEO_NUMBER_MAX])
@pytest.mark.parametrize("size", [(256, 64), (321, 65), (1024, 1024)])
def test_pixels_and_number_are_written(number: int, size: tuple[int, int]) -> None:
    width, height = size
    region = np.random.default_rng(number).integers(0, 256, (height, width, 4), np.uint8)
    coded_width, coded_height = coded_size_px(width, height)
    assert coded_width % 2 == coded_height % 2 == 0
    into = np.empty((coded_height, coded_width, 4), np.uint8)
    compose(region, number, into)
    assert (into[:height, :width] == region).all()
    assert read(into) == number


def test_the_edge_is_repeated_where_the_size_is_odd() -> None:
    region = np.full((65, 321, 4), 7, np.uint8)
    into = np.zeros((66 + BLOCK_PX, 322, 4), np.uint8)
    compose(region, 1, into)
    assert (into[:66] == 7).all()


def test_black_white_and_most_noise_are_invalid() -> None:
    assert check_of(0) != 0
    assert check_of(VIDEO_NUMBER_MAX) != 15
    numbers = [n for n in range(1 << 16) if n & 15 == check_of(n >> 4)]
    assert len(numbers) == 1 << 12
