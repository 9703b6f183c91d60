"""MoveFinder finds scrolled text, clips it to whole tiles, and does not search what cannot have scrolled."""

from __future__ import annotations

import numpy as np
import pytest
from display_codecs import TileGrid
from numpy.typing import NDArray

from display_server.agent.update.moves import MoveFinder, clip_to_tiles

WIDTH, HEIGHT = 640, 500
GRID = TileGrid(WIDTH, HEIGHT)


def _page(seed: int = 1) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    page = np.full((2000, WIDTH, 4), 255, np.uint8)
    for line in range(0, 2000, 16):
        marks = np.repeat(random.random((10, WIDTH // 4)) < 0.3, 4, axis=1)
        marks[:, int(random.integers(200, WIDTH)) :] = False
        page[line : line + 10][marks] = 0
    return page


def _dirty(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    rects = [GRID.rect(tile) for tile in range(GRID.count)]
    return np.array(
        [(before[y : y + h, x : x + w] != after[y : y + h, x : x + w]).any() for x, y, w, h in rects]
    )


@pytest.mark.parametrize("scroll", [16, 48, -32, 100])
def test_scrolled_text_is_found_and_clipped_to_tiles(scroll: int) -> None:
    page = _page()
    before, after = page[600 : 600 + HEIGHT], page[600 + scroll : 600 + scroll + HEIGHT]
    move = MoveFinder(GRID).find(before, after, _dirty(before, after))
    assert move is not None
    assert (move.dx, move.dy) == (0, -scroll)
    assert move.x % 64 == move.y % 64 == 0
    assert move.x + move.width in (WIDTH, move.x + move.width // 64 * 64)
    source = before[move.y - move.dy :, move.x - move.dx :][: move.height, : move.width]
    assert np.array_equal(after[move.y : move.y + move.height, move.x : move.x + move.width], source)
    moved = np.zeros(GRID.count, np.bool_)
    moved[move.tiles] = True
    for tile in range(GRID.count):
        x, y, w, h = GRID.rect(tile)
        inside = (
            move.x <= x and x + w <= move.x + move.width and move.y <= y and y + h <= move.y + move.height
        )
        assert moved[tile] == inside


def test_a_few_dirty_tiles_are_not_searched() -> None:
    page = _page()
    before, after = page[:HEIGHT], page[16 : 16 + HEIGHT]
    dirty = np.zeros(GRID.count, np.bool_)
    dirty[:5] = True
    assert MoveFinder(GRID).find(before, after, dirty) is None


def test_noise_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []
    monkeypatch.setattr("display_server.agent.update.moves.find_move", lambda *a: searched.append(a))
    random = np.random.default_rng(2)
    before = random.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    after = np.roll(before, 16, axis=0)
    assert MoveFinder(GRID).find(before, after, np.ones(GRID.count, np.bool_)) is None
    assert not searched


def test_searches_become_rare_after_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []
    monkeypatch.setattr("display_server.agent.update.moves.find_move", lambda *a: searched.append(a))
    finder = MoveFinder(GRID)
    for number in range(40):
        before, after = _page(number)[:HEIGHT], _page(number + 1)[:HEIGHT]
        finder.find(before, after, np.ones(GRID.count, np.bool_))
    assert 3 < len(searched) < 10


def test_clip_to_tiles() -> None:
    move = clip_to_tiles(GRID, 10, 70, 600, 410, 0, -20)
    assert move is not None
    assert (move.x, move.y, move.width, move.height) == (64, 128, 512, 320)
    assert move.tiles.tolist()[:2] == [21, 22]
    assert move.sources.tolist()[:2] == [21, 22]
    assert move.sources.max() == 78  # it came from 20 px further down, and so from one row of tiles more
    assert clip_to_tiles(GRID, 10, 70, 60, 60, 0, -20) is None
