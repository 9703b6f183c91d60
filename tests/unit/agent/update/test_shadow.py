"""The bytes of a tile decide whether it changed, and never its digest alone."""

from __future__ import annotations

import numpy as np
import pytest
from display_codecs import TILE_PX, digest_tiles
from numpy.typing import NDArray

from display_server.agent.update.sent_surface import SentSurface
from display_server.agent.update.shadow import Shadow
from tests.unit.agent.update.forged_collision import forge_collision
from tests.unit.agent.update.test_sent_surface import HEIGHT, SEED, WIDTH, Bench

Pixels = NDArray[np.uint8]

#: The tile that the tests change, and its place.
TILE = 9
X, Y = (TILE % 8) * TILE_PX, (TILE // 8) * TILE_PX


def noise(seed: int) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 256, (TILE_PX, TILE_PX, 4), np.uint8)
    pixels[:, :, 3] = 0
    return pixels


def with_tile(shadow: Shadow, pixels: Pixels) -> Pixels:
    """Returns the frame of the shadow with another content of the tile."""
    frame = shadow.pixels.copy()
    frame[Y : Y + TILE_PX, X : X + TILE_PX] = pixels
    return frame


def put(bench: Bench, pixels: Pixels) -> list[int]:
    """Draws a tile. Returns the tiles that the shadow takes for changed."""
    changed = bench.shadow.update(with_tile(bench.shadow, pixels), bench.all)
    return [int(tile) for tile in changed]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    assert bench.grid.rect(TILE) == (X, Y, TILE_PX, TILE_PX)
    return bench


@pytest.fixture
def forged() -> tuple[Pixels, Pixels]:
    """Two contents of a tile that differ and have the same digest."""
    one = noise(1)
    other = forge_collision(one, SEED)
    frames = [with_tile(Shadow(WIDTH, HEIGHT, SEED), pixels) for pixels in (one, other)]
    digests = [int(digest_tiles(frame, Bench().grid, [TILE], SEED)[0]) for frame in frames]
    assert digests[0] == digests[1]
    assert not np.array_equal(one, other)
    assert not other[:, :, 3].any()
    return one, other


def test_a_tile_changed_although_its_digest_did_not(bench: Bench, forged: tuple[Pixels, Pixels]) -> None:
    assert put(bench, forged[0]) == [TILE]
    digest = bench.shadow.digests[TILE]
    assert put(bench, forged[1]) == [TILE]
    assert bench.shadow.digests[TILE] == digest
    assert np.array_equal(bench.shadow.pixels[Y : Y + TILE_PX, X : X + TILE_PX], forged[1])
    assert put(bench, forged[1]) == []


def test_a_viewer_is_sent_a_change_that_the_digest_hides(bench: Bench, forged: tuple[Pixels, Pixels]) -> None:
    put(bench, forged[0])
    bench.update()
    for content in (forged[1], forged[0], forged[1]):
        put(bench, content)
        assert bench.surface.update_due
        update = bench.update()
        assert update.tiles.tolist() == [TILE]
        assert "cached" not in update.encodings, "the cache has the other content under this digest"
        assert bench.shows_shadow()
        assert not bench.surface.update_due


def test_a_viewer_is_sent_it_after_another_content_that_it_never_got(
    bench: Bench, forged: tuple[Pixels, Pixels]
) -> None:
    bench = Bench(cache_bytes=0)
    put(bench, forged[0])
    bench.update()
    put(bench, noise(2))
    put(bench, forged[1])
    bench.update()
    assert bench.shows_shadow()


def test_a_change_below_video_that_the_digest_hides_is_sent(
    bench: Bench, forged: tuple[Pixels, Pixels]
) -> None:
    put(bench, forged[0])
    bench.update()
    watching = SentSurface(bench.shadow, 0, 0)
    bench.surface.cover(bench.all)
    frame = with_tile(bench.shadow, forged[1])
    assert bench.shadow.update_unhashed(frame, bench.all).tolist() == [TILE]
    bench.surface.uncover()
    assert watching.update_due
    bench.shadow.rehash(bench.all)
    bench.update()
    assert bench.shows_shadow()


def test_a_move_does_not_copy_from_a_tile_that_the_digest_takes_for_the_same(
    bench: Bench, forged: tuple[Pixels, Pixels]
) -> None:
    put(bench, forged[0])
    bench.update()
    put(bench, forged[1])
    assert not bench.surface.shows(bench.shadow.contents, np.array([TILE], np.int32))


def test_a_stale_tile_stays_stale_until_it_is_digested(bench: Bench) -> None:
    frame = with_tile(bench.shadow, noise(3))
    bench.shadow.update_unhashed(frame, bench.all)
    assert bench.shadow.update(frame, bench.all).tolist() == []
    assert np.flatnonzero(bench.shadow.stale).tolist() == [TILE]
    bench.shadow.rehash(bench.all)
    assert bench.shadow.digests[TILE] == digest_tiles(frame, bench.grid, [TILE], SEED)[0]
    assert not bench.shadow.stale.any()


def test_contents_are_numbered_by_their_changes(bench: Bench) -> None:
    assert not bench.shadow.contents.any()
    put(bench, noise(1))
    first = int(bench.shadow.contents[TILE])
    put(bench, noise(2))
    put(bench, noise(1))
    assert int(bench.shadow.contents[TILE]) > first > 0
    assert np.flatnonzero(bench.shadow.contents).tolist() == [TILE]
