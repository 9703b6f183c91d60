"""find_move finds scrolled content, and what it finds is exact."""

from __future__ import annotations

import numpy as np
import pytest
from display_codecs import Move, find_move
from display_codecs.samples import SAMPLES, Pixels

PAGE_X, PAGE_Y, PAGE_WIDTH, PAGE_HEIGHT = 50, 40, 300, 400


def _page() -> Pixels:
    """Returns a long page with lines of text-like marks."""
    random = np.random.default_rng(4)
    page = np.full((1200, PAGE_WIDTH, 4), 255, np.uint8)
    for line in range(0, 1200, 16):
        marks = random.random((10, PAGE_WIDTH)) < 0.25
        marks[:, int(random.integers(40, PAGE_WIDTH)) :] = False
        page[line : line + 10][marks] = 0
    return page


def _screen(page: Pixels, offset: int, column: int = 0) -> Pixels:
    """Returns a screen with a window that shows the page from `offset` and `column` on."""
    screen = np.zeros((500, 420, 4), np.uint8)
    screen[:, :, 0] = np.arange(420) % 251
    screen[:, :, 1] = (np.arange(500) % 241)[:, None]
    shown = np.roll(page, -column, axis=1)[offset : offset + PAGE_HEIGHT]
    screen[PAGE_Y : PAGE_Y + PAGE_HEIGHT, PAGE_X : PAGE_X + PAGE_WIDTH] = shown
    return screen


def _holds(move: Move, before: Pixels, after: Pixels) -> bool:
    target = after[move.y : move.y + move.height, move.x : move.x + move.width, :3]
    x, y = move.x - move.dx, move.y - move.dy
    return np.array_equal(before[y : y + move.height, x : x + move.width, :3], target)


WHOLE = (0, 0, 420, 500)


@pytest.mark.parametrize("by", [1, 16, 48, 150, -1, -16, -200])
def test_vertical_scroll(by: int) -> None:
    page = _page()
    before, after = _screen(page, 400), _screen(page, 400 + by)
    move = find_move(before, after, WHOLE)
    assert move is not None
    assert (move.dx, move.dy) == (0, -by)
    assert _holds(move, before, after)
    assert move.x <= PAGE_X
    assert move.x + move.width >= PAGE_X + PAGE_WIDTH
    assert move.height >= PAGE_HEIGHT - abs(by)


@pytest.mark.parametrize("by", [7, 40, -40])
def test_horizontal_scroll(by: int) -> None:
    page = SAMPLES["slice-with-noise"](PAGE_WIDTH, 1200, np.random.default_rng(1))
    before, after = _screen(page, 0, 100), _screen(page, 0, 100 + by)
    move = find_move(before, after, WHOLE)
    assert move is not None
    assert (move.dx, move.dy) == (-by, 0)
    assert _holds(move, before, after)


def test_the_undefined_byte_is_ignored() -> None:
    page = _page()
    before, after = _screen(page, 400), _screen(page, 420)
    after[:, :, 3] = np.random.default_rng(1).integers(0, 256, after.shape[:2])
    assert find_move(before, after, WHOLE) == find_move(before, _screen(page, 420), WHOLE)


def test_content_that_does_not_scroll_is_excluded() -> None:
    page = _page()
    before, after = _screen(page, 400), _screen(page, 432)
    for screen in (before, after):
        screen[60:90, 100:180] = (1, 2, 3, 0)  # an overlay that does not scroll
    move = find_move(before, after, WHOLE)
    assert move is not None
    assert _holds(move, before, after)


def test_equal_frames_contain_no_move() -> None:
    screen = _screen(_page(), 100)
    assert find_move(screen, screen.copy(), WHOLE) is None


def test_new_noise_is_not_a_move() -> None:
    noise = [SAMPLES["white-noise"](420, 500, np.random.default_rng(i)) for i in (1, 2)]
    assert find_move(noise[0], noise[1], WHOLE) is None


def test_a_blank_area_is_not_a_move() -> None:
    before = np.zeros((500, 420, 4), np.uint8)
    after = before.copy()
    after[200:] = 255
    assert find_move(before, after, WHOLE) is None


@pytest.mark.parametrize("rect", [(0, 0, 0, 0), (0, 0, 8, 500), (3, 3, 420 - 3, 20), (419, 499, 1, 1)])
def test_small_regions_are_not_searched(rect: tuple[int, int, int, int]) -> None:
    page = _page()
    assert find_move(_screen(page, 400), _screen(page, 402), rect) is None


def test_errors() -> None:
    screen = _screen(_page(), 0)
    with pytest.raises(ValueError, match="not within"):
        find_move(screen, screen, (0, 0, 421, 10))
    with pytest.raises(ValueError, match="differ in size"):
        find_move(screen, screen[:10], (0, 0, 10, 10))
