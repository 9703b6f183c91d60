"""A viewer that applies every update of a SentSurface shows what the shadow holds."""

from __future__ import annotations

import numpy as np
from display_codecs import TileGrid, encode_tiles
from numpy.typing import NDArray

from display_server.agent.update.moves import MoveFinder, TileMove
from display_server.agent.update.payloads import EncodedTile
from display_server.agent.update.sent_surface import SentSurface, Update, UpdatePlan
from display_server.agent.update.shadow import Shadow
from tests.fakes.viewer_surface import ViewerSurface

WIDTH, HEIGHT, SEED = 500, 330, 99


class Bench:
    """A shadow, the sender's record of one viewer, and the surface of that viewer."""

    def __init__(self, cache_bytes: int = 1 << 20) -> None:
        self.shadow = Shadow(WIDTH, HEIGHT, SEED)
        self.grid = self.shadow.grid
        self.surface = SentSurface(self.shadow, 0, cache_bytes)
        self.viewer = ViewerSurface(WIDTH, HEIGHT, cache_bytes=cache_bytes, seed=SEED)
        self.all = np.arange(self.grid.count, dtype=np.int32)
        self.random = np.random.default_rng(5)

    def draw(self, x: int, y: int, width: int, height: int) -> None:
        frame = self.shadow.pixels.copy()
        frame[y : y + height, x : x + width, :3] = self.random.integers(0, 256, (height, width, 3), np.uint8)
        self.shadow.update(frame, self.all)

    def update(self, budget_bytes: int = 1 << 24, move: TileMove | None = None, now_s: float = 0.0) -> Update:
        plan = self.surface.plan_update(move, None, budget_bytes, now_s)
        return self.compose(plan)

    def compose(self, plan: UpdatePlan) -> Update:
        encoded = encode_tiles(self.shadow.pixels, self.grid, plan.tiles)
        numbers = encoded.encoding_numbers.tolist()
        encoded_tiles = {
            key: EncodedTile(encoded.payload(index), numbers[index]) for index, key in enumerate(plan.keys)
        }
        update = self.surface.compose(plan, encoded_tiles, 0)
        self.viewer.apply(update.data)
        return update

    def shows_shadow(self) -> bool:
        return self.viewer.shows(self.shadow.pixels)


def test_first_update_resets_even_a_black_screen() -> None:
    bench = Bench()
    assert bench.surface.update_due
    update = bench.update()
    assert update.reset
    assert len(update.tiles) == 0
    assert not bench.surface.update_due


def test_only_what_changed_is_sent() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.draw(70, 70, 3, 3)
    update = bench.update()
    assert update.tiles.tolist() == [bench.grid.columns + 1]
    assert bench.shows_shadow()
    assert not bench.surface.update_due


def test_content_that_returns_is_sent_as_references_to_the_cache() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    first = bench.shadow.pixels.copy()
    sent = bench.update()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.shadow.update(first, bench.all)
    again = bench.update()
    assert bench.shows_shadow()
    assert again.encodings == {"cached": bench.grid.count}
    assert len(again.data) < len(sent.data) / 100


def test_a_change_that_was_undone_is_sent_as_a_reference_to_the_cache() -> None:
    """That the content is the former one is known by its digest only, which does not prove it."""
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    before = bench.shadow.pixels.copy()
    bench.draw(0, 0, 10, 10)
    bench.shadow.update(before, bench.all)
    assert bench.update().encodings == {"cached": 1}
    assert bench.shows_shadow()


def test_equal_tiles_are_encoded_once() -> None:
    bench = Bench()
    frame = bench.shadow.pixels.copy()
    pattern = bench.random.integers(0, 256, (64, 64, 3), np.uint8)
    for tile in range(bench.grid.count):
        x, y, width, height = bench.grid.rect(tile)
        frame[y : y + height, x : x + width, :3] = pattern[:height, :width]
    bench.shadow.update(frame, bench.all)
    plan = bench.surface.plan_update(None, None, 1 << 24, 0.0)
    assert len(plan.tiles) == 4  # whole ones, and those cut off at the right, at the bottom and at both
    update = bench.compose(plan)
    assert bench.shows_shadow()
    assert len(update.tiles) == bench.grid.count
    assert sum(update.encodings.values()) == bench.grid.count


def test_equal_tiles_are_sent_as_tiles_when_there_is_no_cache() -> None:
    bench = Bench(cache_bytes=0)
    bench.shadow.update(np.full((HEIGHT, WIDTH, 4), 7, np.uint8), bench.all)
    bench.update()
    assert bench.shows_shadow()
    assert bench.viewer.operations == {"tile": bench.grid.count}


def test_a_small_cache_is_never_over_its_limit() -> None:
    bench = Bench(cache_bytes=20_000)
    for number in range(60):
        bench.draw(int(bench.random.integers(0, 300)), int(bench.random.integers(0, 200)), 20 + number, 40)
        bench.update()
        assert bench.shows_shadow()


def test_partial_updates_complete_the_surface() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    flags = []
    while bench.surface.update_due:
        flags.append(bench.update(budget_bytes=1).partial)
    assert flags == [True] * (len(flags) - 1) + [False]
    assert len(flags) > 3
    assert bench.shows_shadow()


def test_tiles_that_waited_long_are_sent_first() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    sent = set(bench.update(budget_bytes=1, now_s=0.0).tiles.tolist())
    waiting = set(bench.all.tolist()) - sent
    bench.draw(0, 0, 64, 64)
    later = bench.update(budget_bytes=1, now_s=1.0)
    assert set(later.tiles.tolist()) <= waiting


def test_scrolled_content_is_moved() -> None:
    bench = Bench()
    frame = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    for line in range(0, HEIGHT - 10, 16):
        frame[line : line + 10, :400][bench.random.random((10, 400)) < 0.2] = 0
    bench.shadow.update(frame, bench.all)
    bench.update()
    scrolled = frame.copy()
    scrolled[:-13] = frame[13:]
    before = bench.shadow.contents.copy()
    copy = bench.shadow.pixels.copy()
    move = MoveFinder(bench.grid).find(copy, scrolled, np.ones(bench.grid.count, np.bool_))
    assert move is not None
    assert bench.surface.shows(before, move.sources)
    bench.shadow.update(scrolled, bench.all)
    update = bench.update(move=move)
    assert bench.shows_shadow()
    assert update.encodings["moved"] == len(move.tiles) > 10
    assert set(move.tiles.tolist()) <= set(update.tiles.tolist())
    assert not bench.surface.shows(before, move.sources)


def test_invalidated_tiles_are_sent_without_the_cache() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.viewer.shown[70, 70] ^= 255
    plan = bench.surface.plan_update(None, None, 1 << 24, 0.0)
    bench.surface.invalidate(np.array([bench.grid.columns + 1], np.int32))
    assert not bench.surface.is_current(plan)
    assert not bench.surface.shows(bench.shadow.contents, bench.all)
    update = bench.update()
    assert "cached" not in update.encodings
    assert update.tiles.tolist() == [bench.grid.columns + 1]
    assert bench.shows_shadow()


def test_after_a_reset_everything_is_sent() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    plan = bench.surface.plan_update(None, None, 1 << 24, 0.0)
    bench.surface.reset()
    assert not bench.surface.is_current(plan)
    bench.viewer.shown[:] = 77
    update = bench.update()
    assert update.reset
    assert bench.shows_shadow()


def test_totals() -> None:
    bench = Bench()
    bench.draw(0, 0, 64, 64)
    bench.update()
    for _ in range(3):
        bench.draw(0, 0, 64, 64)
    bench.update()
    counts = bench.surface.counts
    assert (counts.updates, counts.tiles, counts.dropped) == (2, 2, 2)
    assert counts.raw_bytes == 2 * 64 * 64 * 3
    assert counts.bytes == bench.viewer.update_bytes
    assert sum(counts.encodings.values()) == 2


def test_a_shadow_ignores_the_undefined_byte() -> None:
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


def test_copying_the_same_pixels_gives_the_same_digests() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    digests: NDArray[np.uint64] = bench.shadow.digests.copy()
    bench.shadow.update(bench.shadow.pixels.copy(), bench.all)
    assert np.array_equal(digests, bench.shadow.digests)


def test_tiles_that_video_covers_are_sent_when_it_ends() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    covered = np.array([0, 1, 8, 9], np.int32)
    bench.surface.cover(covered)
    bench.draw(0, 0, 128, 128)
    assert not bench.surface.update_due
    bench.draw(0, 0, WIDTH, HEIGHT)
    update = bench.update()
    assert set(update.tiles.tolist()) == set(bench.all.tolist()) - set(covered.tolist())
    bench.surface.uncover()
    assert set(bench.update().tiles.tolist()) == set(covered.tolist())
    assert bench.shows_shadow()


def test_tiles_that_video_covered_are_sent_even_if_they_did_not_change() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.surface.cover(np.array([3], np.int32))
    bench.surface.uncover()
    assert bench.update().tiles.tolist() == [3]


def test_a_plan_made_before_video_began_is_void() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    plan = bench.surface.plan_update(None, None, 1 << 24, 0.0)
    bench.surface.cover(np.array([3], np.int32))
    assert not bench.surface.is_current(plan)


def test_nothing_is_moved_while_video_plays() -> None:
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    bench.surface.cover(np.array([0], np.int32))
    everything = TileMove(0, 64, WIDTH, 128, 0, 64, bench.all[8:16], bench.all[:8])
    assert bench.surface.plan_update(everything, None, 1 << 24, 0.0).move is None


def test_stale_tiles_wait_for_their_digests() -> None:
    """A payload under the digest of older pixels would be cached, and proven, as something else."""
    bench = Bench()
    bench.draw(0, 0, WIDTH, HEIGHT)
    bench.update()
    frame = bench.shadow.pixels.copy()
    frame[:70, :130, :3] ^= 255
    frame[300, 400, 0] ^= 255
    hidden = bench.all[:3]
    assert bench.shadow.update_unhashed(frame, hidden).tolist() == [0, 1, 2]
    assert bench.shadow.update_unhashed(frame, hidden).tolist() == []
    bench.shadow.update(frame, bench.all[3:])
    assert bench.surface.update_due
    update = bench.update()
    assert update.partial
    assert not set(update.tiles.tolist()) & set(hidden.tolist())
    assert bench.surface.update_due
    bench.shadow.rehash(bench.all)
    assert not bench.update().partial
    assert bench.shows_shadow()
    assert not bench.surface.update_due


def test_the_last_content_below_video_is_sent_when_it_ends() -> None:
    bench = Bench()
    bench.update()
    covered = bench.all[:6]
    bench.surface.cover(covered)
    for _ in range(3):
        frame = bench.shadow.pixels.copy()
        frame[:100, :200, :3] = bench.random.integers(0, 256, (100, 200, 3), np.uint8)
        bench.shadow.update_unhashed(frame, covered)
    assert not bench.surface.update_due
    bench.surface.uncover()
    bench.shadow.rehash(bench.all)
    bench.update()
    assert bench.shows_shadow()


def test_the_ratio_of_tiles_in_colour_follows_the_content() -> None:
    bench = Bench()
    for _ in range(12):
        bench.draw(0, 0, WIDTH, HEIGHT)
        bench.update()
    assert bench.surface.colour_ratio > 0.9
    for level in range(12):
        frame = bench.shadow.pixels.copy()
        frame[:, :, :3] = bench.random.integers(0, 256, (HEIGHT, WIDTH, 1), np.uint8) + level
        bench.shadow.update(frame, bench.all)
        bench.update()
    assert bench.surface.colour_ratio < 0.1
