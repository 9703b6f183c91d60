"""TileCache names only slots that the viewer has filled, within the limit of the viewer's cache."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from display_server.agent.update.tile_cache import PAYLOAD_MIN_BYTES, SLOTS_MAX, TileCache
from tests.examples import examples


def _digests(*numbers: int) -> NDArray[np.uint64]:
    return np.array(numbers, np.uint64)


def _store(cache: TileCache, digests: NDArray[np.uint64], length: int) -> dict[int, int]:
    indices, slots = cache.store(digests, np.full(len(digests), length))
    return {int(digests[index]): int(slot) for index, slot in zip(indices, slots, strict=True)}


def test_stored_digests_are_found() -> None:
    cache = TileCache(1 << 20)
    cache.begin_update()
    kept = _store(cache, _digests(11, 12, 13), 100)
    assert len(set(kept.values())) == 3
    cache.begin_update()
    assert cache.find(_digests(12, 99, 11)).tolist() == [kept[12], -1, kept[11]]
    assert cache.total_bytes == 300


def test_short_payloads_are_not_stored() -> None:
    cache = TileCache(1 << 20)
    cache.begin_update()
    assert _store(cache, _digests(5), PAYLOAD_MIN_BYTES - 1) == {}


def test_without_memory_nothing_is_stored() -> None:
    cache = TileCache(0)
    cache.begin_update()
    assert _store(cache, _digests(5, 6), 100) == {}
    assert cache.find(_digests(5, 6)).tolist() == [-1, -1]


def test_an_update_does_not_replace_the_slots_that_it_uses() -> None:
    cache = TileCache(768 * 8)  # one set of eight
    cache.begin_update()
    kept = _store(cache, _digests(*range(1, 9)), 100)
    assert len(kept) == 8
    cache.begin_update()
    assert (cache.find(_digests(*range(1, 9))) >= 0).all()
    assert _store(cache, _digests(20), 100) == {}
    cache.begin_update()
    cache.find(_digests(*range(2, 9)))
    assert list(_store(cache, _digests(20), 100).values()) == [kept[1]]


def test_small_payloads_are_stored_again_after_large_ones() -> None:
    """Large payloads fill the bytes while most slots are unused; small ones come after them."""
    cache = TileCache(4 << 20)
    random = np.random.default_rng(1)

    def frame(length: int) -> tuple[NDArray[np.uint64], int]:
        digests = random.integers(1, 1 << 63, 256, np.uint64)
        cache.begin_update()
        return digests, len(_store(cache, digests, length))

    for _ in range(20):
        frame(6000)
    assert cache.total_bytes > 3 << 20
    for _ in range(6):  # these replace the large ones
        frame(800)
    frames = [frame(800) for _ in range(6)]
    assert sum(kept for _, kept in frames) > 0.9 * 6 * 256
    cache.begin_update()
    found = [int((cache.find(digests) >= 0).sum()) for digests, _ in frames]
    assert sum(found) > 0.8 * 6 * 256


def test_forgotten_digests_are_not_found() -> None:
    cache = TileCache(1 << 20)
    cache.begin_update()
    _store(cache, _digests(3, 4), 100)
    cache.forget(_digests(3))
    assert (cache.find(_digests(3, 4)) >= 0).tolist() == [False, True]
    cache.clear()
    assert (cache.find(_digests(3, 4)) < 0).all()
    assert cache.total_bytes == 0


def test_slot_numbers_stay_below_the_limit_of_the_protocol() -> None:
    cache = TileCache(1 << 30)
    cache.begin_update()
    kept = _store(cache, np.random.default_rng(1).integers(1, 1 << 63, 5000).astype(np.uint64), 1000)
    assert max(kept.values()) < SLOTS_MAX
    assert len(kept) > 4990


@examples(40)
@given(
    limit=st.integers(0, 20_000),
    updates=st.lists(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 3000)), max_size=20), max_size=25),
)
def test_the_viewers_cache_is_never_over_its_limit(limit: int, updates: list[list[tuple[int, int]]]) -> None:
    cache = TileCache(limit)
    length_of: dict[int, int] = {}
    viewer: dict[int, tuple[int, int]] = {}
    for update in updates:
        cache.begin_update()
        wanted = {digest: length_of.setdefault(digest, length) for digest, length in update}
        digests = _digests(*wanted)
        slots = cache.find(digests)
        for digest, slot in zip(digests.tolist(), slots.tolist(), strict=True):
            assert slot < 0 or viewer[slot][0] == digest
        missing = digests[slots < 0]
        lengths = np.array([wanted[int(digest)] for digest in missing], np.int64)
        for index, slot in zip(*cache.store(missing, lengths), strict=True):
            viewer[int(slot)] = int(missing[index]), int(lengths[index])
            assert sum(length for _, length in viewer.values()) <= limit
        assert sum(length for _, length in viewer.values()) == cache.total_bytes
