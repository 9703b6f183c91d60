"""The decoder for browsers: updates, the tile cache, dirty rectangles and digests."""

from __future__ import annotations

import numpy as np
from display_codecs import TileGrid, digest_tiles, encode_tiles, root_digest, wire
from display_codecs.samples import SAMPLES, Pixels, slice_with_noise

from tests.fakes.wasm_viewer import WasmViewer

WIDTH, HEIGHT = 300, 200
GRID = TileGrid(WIDTH, HEIGHT)
EVERY = list(range(GRID.count))
SEED = 0xDEADBEEF01234567


def _frames(count: int) -> list[Pixels]:
    return [slice_with_noise(WIDTH, HEIGHT, np.random.default_rng(i)) for i in range(count)]


def _payloads(frame: Pixels) -> list[bytes]:
    encoded = encode_tiles(frame, GRID, EVERY)
    return [encoded.payload(i) for i in EVERY]


def test_random_updates_give_the_frame_of_the_agent() -> None:
    """Any sequence of tiles, cached tiles and moves leaves the viewer with the frame of the agent."""
    random = np.random.default_rng(8)
    viewer = WasmViewer(WIDTH, HEIGHT, SEED)
    frame = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    slots: dict[int, tuple[bytes, Pixels]] = {}
    assert viewer.apply(wire.update(flags=wire.RESET)) == 0
    for epoch in range(60):
        operations, touched = [], set()
        for _ in range(int(random.integers(0, 3))):
            width, height = int(random.integers(1, WIDTH)), int(random.integers(1, HEIGHT))
            from_x, to_x = (int(n) for n in random.integers(0, WIDTH - width + 1, 2))
            from_y, to_y = (int(n) for n in random.integers(0, HEIGHT - height + 1, 2))
            moved = frame[from_y : from_y + height, from_x : from_x + width].copy()
            frame[to_y : to_y + height, to_x : to_x + width] = moved
            operations.append(wire.move(to_x, to_y, width, height, to_x - from_x, to_y - from_y))
            for tile in EVERY:
                x, y, w, h = GRID.rect(tile)
                if x < to_x + width and to_x < x + w and y < to_y + height and to_y < y + h:
                    touched.add(tile)
        for tile in random.choice(GRID.count, int(random.integers(0, 9)), replace=False).tolist():
            x, y, w, h = GRID.rect(tile)
            slot = int(random.integers(0, 12))
            if slot in slots and slots[slot][1].shape[:2] == (h, w) and random.random() < 0.5:
                operations.append(wire.cached(tile, slot))
                frame[y : y + h, x : x + w] = slots[slot][1]
            else:
                draw = list(SAMPLES.values())[int(random.integers(0, len(SAMPLES)))]
                frame[y : y + h, x : x + w] = draw(w, h, random)
                payload = encode_tiles(frame, GRID, [tile]).payload(0)
                if random.random() < 0.5:
                    operations.append(wire.store(tile, slot, payload))
                    slots[slot] = (payload, frame[y : y + h, x : x + w].copy())
                else:
                    operations.append(wire.tile(tile, payload))
            touched.add(tile)
        assert viewer.apply(wire.update(*operations, epoch=epoch)) == 0
        assert np.array_equal(viewer.bgrx(), frame)
        assert viewer.touched() == sorted(touched)
        assert viewer.cached_bytes() == sum(len(payload) for payload, _ in slots.values())


def test_counts_of_encodings_cached_tiles_and_moves() -> None:
    viewer = WasmViewer(WIDTH, HEIGHT)
    noise, text = (
        _payloads(_frames(1)[0]),
        _payloads(SAMPLES["text"](WIDTH, HEIGHT, np.random.default_rng(1))),
    )
    assert viewer.apply(wire.update(wire.store(0, 3, noise[0]), wire.tile(1, text[1]), flags=wire.RESET)) == 0
    assert viewer.counts() == {"grey": 1, "palette": 1}
    assert viewer.apply(wire.update(wire.cached(1, 3), wire.move(0, 0, 9, 9, -3, -3))) == 0
    assert viewer.counts() == {"grey": 1, "cached": 1, "moved": 1}


def test_a_few_dirty_rectangles_cover_the_touched_tiles() -> None:
    viewer = WasmViewer(64 * 40, 64 * 3)
    solid = b"\0\x01\x02\x03"
    assert viewer.apply(wire.update(flags=wire.RESET)) == 0
    assert viewer.dirty() == [[0, 0, 64 * 40, 64 * 3]]
    assert viewer.apply(wire.update(*(wire.tile(t, solid) for t in (1, 2, 41, 42, 119)))) == 0
    assert viewer.dirty() == [[64, 0, 128, 128], [64 * 39, 128, 64, 64]]
    scattered = list(range(0, 120, 2))
    assert viewer.apply(wire.update(*(wire.tile(t, solid) for t in scattered))) == 0
    dirty = viewer.dirty()
    assert len(dirty) <= 16
    for tile in scattered:
        x, y = tile % 40 * 64, tile // 40 * 64
        assert any(r[0] <= x and r[1] <= y and x + 64 <= r[0] + r[2] and y + 64 <= r[1] + r[3] for r in dirty)


def test_the_cache_is_limited_and_its_slots_can_be_replaced() -> None:
    payloads = [_payloads(frame)[0] for frame in _frames(40)]
    limit = sum(map(len, payloads[:4]))
    viewer = WasmViewer(WIDTH, HEIGHT, cache_bytes=limit)
    assert viewer.apply(wire.update(flags=wire.RESET)) == 0
    for i, payload in enumerate(payloads):
        if viewer.apply(wire.update(wire.store(0, i % 3, payload))) != 0:
            raise AssertionError(i)
    assert viewer.cached_bytes() == sum(map(len, payloads[37:]))
    big = [b"\x04" + bytes(3 * 64 * 64)] * 2
    assert viewer.apply(wire.update(wire.store(0, 7, big[0]), wire.store(0, 8, big[1]))) == 7
    assert viewer.apply(wire.update(wire.cached(0, 0))) == 9
    assert viewer.apply(wire.update(flags=wire.RESET)) == 0
    assert viewer.cached_bytes() == 0


def test_memory_grows_with_a_large_cache() -> None:
    viewer = WasmViewer(WIDTH, HEIGHT, cache_bytes=1 << 25)
    raw = b"\x04" + bytes(range(256)) * 48
    assert viewer.apply(wire.update(flags=wire.RESET)) == 0
    for first in range(0, 1000, 100):
        slots = range(first, first + 100)
        assert viewer.apply(wire.update(*(wire.store(0, slot * 7, raw) for slot in slots))) == 0
    assert viewer.cached_bytes() == 1000 * len(raw)
    assert viewer.apply(wire.update(wire.cached(1, 0), wire.cached(2, 999 * 7))) == 0
    assert np.array_equal(viewer.bgrx()[:64, :64], viewer.bgrx()[:64, 128:192])


def test_digests_and_root_are_those_of_the_agent() -> None:
    frame = _frames(1)[0]
    viewer = WasmViewer(WIDTH, HEIGHT, SEED)
    assert viewer.apply(wire.update(*map(wire.tile, EVERY, _payloads(frame)), flags=wire.RESET)) == 0
    expected = digest_tiles(frame, GRID, EVERY, SEED)
    assert viewer.digest(viewer.rgba()) == dict(zip(EVERY, expected.tolist(), strict=True))
    assert viewer.root() == root_digest(expected, SEED)


def test_digests_are_of_the_pixels_that_were_read_back() -> None:
    frame = _frames(1)[0]
    viewer = WasmViewer(WIDTH, HEIGHT, SEED)
    assert viewer.apply(wire.update(*map(wire.tile, EVERY, _payloads(frame)), flags=wire.RESET)) == 0
    viewer.digest(viewer.rgba())
    read = viewer.rgba()[64:192, 64:300].copy()
    read[0, 0, 0] ^= 1
    found = viewer.digest(read, 64, 64)
    expected = digest_tiles(frame, GRID, EVERY, SEED)
    assert found is not None
    assert sorted(found) == [6, 7, 8, 9, 11, 12, 13, 14]
    assert [tile for tile in found if found[tile] != int(expected[tile])] == [6]
    assert viewer.root() != root_digest(expected, SEED)


def test_partial_tiles_are_not_digested_and_unaligned_rectangles_are_refused() -> None:
    viewer = WasmViewer(WIDTH, HEIGHT)
    pixels = np.zeros((64, 100, 4), np.uint8)
    assert viewer.digest(pixels, 0, 0) is not None
    assert sorted(viewer.digest(pixels, 0, 0) or {}) == [0]
    assert viewer.digest(pixels, 1, 0) is None
    assert viewer.digest(pixels, 256, 0) is None
