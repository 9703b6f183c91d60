"""What one viewer is sent, applied to a surface as a viewer does it: it ends as the shadow is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from display_codecs import TileGrid, encode_tiles
from numpy.typing import NDArray

from display_server.agent.update.moves import MoveFinder, TileMove
from display_server.agent.update.payloads import EncodedTile
from display_server.agent.update.sent_surface import UpdatePlan, SentSurface, Update
from display_server.agent.update.shadow import Shadow
from tests.fakes.viewer import FakeViewer

WIDTH, HEIGHT, SEED = 500, 330, 99


class Bench:
    """A shadow, a state and a surface without wire or clock."""

    def __init__(self, cache_bytes: int = 1 << 20) -> None:
        self.shadow = Shadow(WIDTH, HEIGHT, SEED)
        self.grid = self.shadow.grid
        self.state = SentSurface(self.shadow, 0, cache_bytes)
        self.viewer = FakeViewer(Path("none"), cache_bytes=cache_bytes)
        self.viewer.grid = self.grid
        self.viewer.picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        self.all = np.arange(self.grid.count, dtype=np.int32)
        self.random = np.random.default_rng(5)

    def draw(self, x: int, y: int, width: int, height: int) -> None:
        picture = self.shadow.pixels.copy()
        picture[y : y + height, x : x + width, :3] = self.random.integers(
            0, 256, (height, width, 3), np.uint8
        )
        self.shadow.update(picture, self.all)

    def update(self, budget_bytes: int = 1 << 24, move: TileMove | None = None, now_s: float = 0.0) -> Update:
        choice = self.state.plan_update(move, None, budget_bytes, now_s)
        return self.compose(choice)

    def compose(self, choice: UpdatePlan) -> Update:
        encoded = encode_tiles(self.shadow.pixels, self.grid, choice.tiles)
        numbers = encoded.encoding_numbers.tolist()
        coded = {
            digest: EncodedTile(encoded.payload(index), numbers[index])
            for index, digest in enumerate(choice.digests)
        }
        update = self.state.compose(choice, coded, 0)
        self.viewer.apply(update.data)
        return update

    def shown(self) -> bool:
        return self.viewer.shows(self.shadow.pixels)


def test_first_update_resets_even_a_black_screen() -> None:
    bench = Bench()
    assert bench.state.update_due
    update = bench.update()
    assert update.reset
    assert len(update.tiles) == 0
    assert not bench.state.update_due


def test_only_what_changed_is_sent() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.draw(70, 70, 3, 3)
    update = bench.update()
    assert update.tiles.tolist() == [bench.grid.columns + 1]
    assert bench.shown()
    assert not bench.state.update_due


def test_what_returns_costs_a_reference() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    first = bench.shadow.pixels.copy()
    sent = bench.update()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.shadow.update(first, bench.all)
    again = bench.update()
    assert bench.shown()
    assert again.encodings == {"cached": bench.grid.count}
    assert len(again.data) < len(sent.data) / 100


def test_a_change_that_went_back_is_not_sent_at_all() -> None:
    bench = Bench()
    bench.update()
    black = bench.shadow.pixels.copy()
    bench.draw(0, 0, 10, 10)
    bench.shadow.update(black, bench.all)
    assert not bench.state.update_due


def test_equal_tiles_are_coded_once() -> None:
    bench = Bench()
    picture = bench.shadow.pixels.copy()
    pattern = bench.random.integers(0, 256, (64, 64, 3), np.uint8)
    for tile in range(bench.grid.count):
        x, y, width, height = bench.grid.rect(tile)
        picture[y : y + height, x : x + width, :3] = pattern[:height, :width]
    bench.shadow.update(picture, bench.all)
    choice = bench.state.plan_update(None, None, 1 << 24, 0.0)
    assert len(choice.tiles) == 4  # whole ones, and those cut off right, below and both
    update = bench.compose(choice)
    assert bench.shown()
    assert len(update.tiles) == bench.grid.count
    assert sum(update.encodings.values()) == bench.grid.count


def test_repeats_without_a_cache() -> None:
    bench = Bench(cache_bytes=0)
    bench.shadow.update(np.full((HEIGHT, WIDTH, 4), 7, np.uint8), bench.all)
    bench.update()
    assert bench.shown()
    assert bench.viewer.operations == {"tile": bench.grid.count}


def test_small_cache_survives_many_updates() -> None:
    bench = Bench(cache_bytes=20_000)
    for number in range(60):
        bench.draw(int(bench.random.integers(0, 300)), int(bench.random.integers(0, 200)), 20 + number, 40)
        bench.update()
        assert bench.shown()


def test_partial_updates_complete_the_picture() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    flags = []
    while bench.state.update_due:
        flags.append(bench.update(budget_bytes=1).partial)
    assert flags == [True] * (len(flags) - 1) + [False]
    assert len(flags) > 3
    assert bench.shown()


def test_waiting_tiles_go_first() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    sent = set(bench.update(budget_bytes=1, now_s=0.0).tiles.tolist())
    waiting = set(bench.all.tolist()) - sent
    bench.draw(0, 0, 64, 64)
    later = bench.update(budget_bytes=1, now_s=1.0)
    assert set(later.tiles.tolist()) <= waiting


def test_scrolling_moves() -> None:
    bench = Bench()
    picture = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    for line in range(0, HEIGHT - 10, 16):
        picture[line : line + 10, :400][bench.random.random((10, 400)) < 0.2] = 0
    bench.shadow.update(picture, bench.all)
    bench.update()
    scrolled = picture.copy()
    scrolled[:-13] = picture[13:]
    before = bench.shadow.digests.copy()
    copy = bench.shadow.pixels.copy()
    move = MoveFinder(bench.grid).find(copy, scrolled, np.ones(bench.grid.count, np.bool_))
    assert move is not None
    assert bench.state.shows(before, move.sources)
    bench.shadow.update(scrolled, bench.all)
    update = bench.update(move=move)
    assert bench.shown()
    assert update.encodings["moved"] == len(move.tiles) > 10
    assert set(move.tiles.tolist()) <= set(update.tiles.tolist())
    assert not bench.state.shows(before, move.sources)


def test_distrusted_tiles_are_sent_whole() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.viewer.picture[70, 70] ^= 255
    choice = bench.state.plan_update(None, None, 1 << 24, 0.0)
    bench.state.invalidate(np.array([bench.grid.columns + 1], np.int32))
    assert not bench.state.is_current(choice)
    assert not bench.state.shows(bench.shadow.digests, bench.all)
    update = bench.update()
    assert "cached" not in update.encodings
    assert update.tiles.tolist() == [bench.grid.columns + 1]
    assert bench.shown()


def test_starting_over() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    choice = bench.state.plan_update(None, None, 1 << 24, 0.0)
    bench.state.reset()
    assert not bench.state.is_current(choice)
    bench.viewer.picture[:] = 77
    update = bench.update()
    assert update.reset
    assert bench.shown()


def test_counts() -> None:
    bench = Bench()
    bench.draw(0, 0, 64, 64)
    bench.update()
    for _ in range(3):
        bench.draw(0, 0, 64, 64)
    bench.update()
    counts = bench.state.counts
    assert (counts.updates, counts.tiles, counts.dropped) == (2, 2, 2)
    assert counts.raw_bytes == 2 * 64 * 64 * 3
    assert counts.bytes == bench.viewer.update_bytes
    assert sum(counts.encodings.values()) == 2


def test_shadow_takes_only_what_differs_in_colour() -> None:
    shadow = Shadow(130, 70, 1)
    tiles = np.arange(shadow.grid.count, dtype=np.int32)
    undefined = np.zeros((70, 130, 4), np.uint8)
    undefined[:, :, 3] = 255
    assert shadow.update(undefined, tiles).tolist() == []
    assert shadow.version == 0
    undefined[3, 129, 1] = 1
    assert shadow.update(undefined, tiles).tolist() == [2]
    assert shadow.tile_areas_px.tolist() == [64 * 64, 64 * 64, 2 * 64, 64 * 6, 64 * 6, 2 * 6]
    assert TileGrid(130, 70) == shadow.grid


def test_every_digest_is_of_its_pixels() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    digests: NDArray[np.uint64] = bench.shadow.digests.copy()
    bench.shadow.update(bench.shadow.pixels.copy(), bench.all)
    assert np.array_equal(digests, bench.shadow.digests)


def test_what_video_shows_is_not_sent_until_it_rests() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    covered = np.array([0, 1, 8, 9], np.int32)
    bench.state.cover(covered)
    bench.draw(0, 0, 128, 128)
    assert not bench.state.update_due
    bench.draw(0, 0, WIDTH, HEIGHT)
    update = bench.update()
    assert set(update.tiles.tolist()) == set(bench.all.tolist()) - set(covered.tolist())
    bench.state.uncover()
    assert set(bench.update().tiles.tolist()) == set(covered.tolist())
    assert bench.shown()


def test_what_video_showed_is_sent_even_if_it_is_as_before() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.state.cover(np.array([3], np.int32))
    bench.state.uncover()
    assert bench.update().tiles.tolist() == [3]


def test_a_choice_from_before_video_is_void() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    choice = bench.state.plan_update(None, None, 1 << 24, 0.0)
    bench.state.cover(np.array([3], np.int32))
    assert not bench.state.is_current(choice)


def test_nothing_is_moved_beside_video() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.state.cover(np.array([0], np.int32))
    everything = TileMove(0, 64, WIDTH, 128, 0, 64, bench.all[8:16], bench.all[:8])
    assert bench.state.plan_update(everything, None, 1 << 24, 0.0).move is None


def test_what_was_not_digested_is_not_sent() -> None:
    """Stale tiles are owed, and wait: a payload under an old digest would be a lie."""
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    picture = bench.shadow.pixels.copy()
    picture[:70, :130, :3] ^= 255
    picture[300, 400, 0] ^= 255
    hidden = bench.all[:3]
    assert bench.shadow.update_unhashed(picture, hidden).tolist() == [0, 1, 2]
    assert bench.shadow.update_unhashed(picture, hidden).tolist() == []
    bench.shadow.update(picture, bench.all[3:])
    assert bench.state.update_due
    update = bench.update()
    assert update.partial
    assert not set(update.tiles.tolist()) & set(hidden.tolist())
    assert bench.state.update_due
    bench.shadow.rehash(bench.all)
    assert not bench.update().partial
    assert bench.shown()
    assert not bench.state.update_due


def test_covered_tiles_come_as_they_are_at_last() -> None:
    bench = Bench()
    bench.update()
    covered = bench.all[:6]
    bench.state.cover(covered)
    for _ in range(3):
        picture = bench.shadow.pixels.copy()
        picture[:100, :200, :3] = bench.random.integers(0, 256, (100, 200, 3), np.uint8)
        bench.shadow.update_unhashed(picture, covered)
    assert not bench.state.update_due
    bench.state.uncover()
    bench.shadow.rehash(bench.all)
    bench.update()
    assert bench.shown()


def test_how_much_is_in_colour() -> None:
    bench = Bench()
    for _ in range(12):
        bench.draw(0, 0, WIDTH, HEIGHT)
        bench.update()
    assert bench.state.colour_ratio > 0.9
    for level in range(12):
        picture = bench.shadow.pixels.copy()
        picture[:, :, :3] = bench.random.integers(0, 256, (HEIGHT, WIDTH, 1), np.uint8) + level
        bench.shadow.update(picture, bench.all)
        bench.update()
    assert bench.state.colour_ratio < 0.1
