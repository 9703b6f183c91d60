"""Encoder, decoder and digests through the Python interface."""

from __future__ import annotations

import numpy as np
import pytest
import xxhash
from display_codecs import (
    ENCODING_NAMES,
    PAYLOAD_MAX_BYTES,
    PROPERTIES,
    DecodeError,
    Encoding,
    TileGrid,
    copy_and_compare_tiles,
    decode_tile,
    digest_tiles,
    encode_tile_as,
    encode_tiles,
    root_digest,
)
from display_codecs.samples import SAMPLES, Pixels, from_grey

SEED = 0xFEDCBA9876543210


def _frame(width: int, height: int) -> Pixels:
    """Returns a frame in which every sample occurs."""
    random = np.random.default_rng(11)
    frame = np.zeros((height, width, 4), np.uint8)
    grid = TileGrid(width, height)
    draws = list(SAMPLES.values())
    for tile in range(grid.count):
        x, y, w, h = grid.rect(tile)
        frame[y : y + h, x : x + w] = draws[tile % len(draws)](w, h, random)
    return frame


class TestGrid:
    def test_edge_tiles_are_cut_off(self) -> None:
        grid = TileGrid(150, 100)
        assert (grid.columns, grid.rows, grid.count) == (3, 2, 6)
        assert grid.rect(0) == (0, 0, 64, 64)
        assert grid.rect(5) == (128, 64, 22, 36)

    def test_no_such_tile(self) -> None:
        with pytest.raises(IndexError, match="no tile 6: the grid has 6"):
            TileGrid(150, 100).rect(6)

    def test_no_empty_grid(self) -> None:
        with pytest.raises(ValueError, match="has no grid"):
            TileGrid(0, 10)


class TestEncode:
    def test_every_tile_is_lossless(self) -> None:
        frame = _frame(470, 330)
        grid = TileGrid(470, 330)
        encoded = encode_tiles(frame, grid, range(grid.count))
        assert len(encoded) == grid.count
        assert encoded.total_bytes == sum(len(encoded.payload(i)) for i in range(grid.count))
        assert set(encoded.encodings) == set(ENCODING_NAMES)
        for tile in range(grid.count):
            x, y, width, height = grid.rect(tile)
            decoded = decode_tile(encoded.payload(tile), width, height)
            assert np.array_equal(decoded, frame[y : y + height, x : x + width])

    def test_payloads_are_in_the_order_of_the_list_which_may_repeat_tiles(self) -> None:
        frame = _frame(200, 130)
        grid = TileGrid(200, 130)
        encoded = encode_tiles(frame, grid, np.array([5, 0, 5], np.uint16))
        assert encoded.payload(0) == encoded.payload(2) != encoded.payload(1)

    def test_the_row_stride_and_the_undefined_byte_are_ignored(self) -> None:
        frame = _frame(130, 90)
        wide = np.random.default_rng(5).integers(0, 256, (90, 200, 4), np.uint8)
        wide[:, 7:137, :3] = frame[:, :, :3]
        grid = TileGrid(130, 90)
        plain, strided = (encode_tiles(p, grid, range(grid.count)) for p in (frame, wide[:, 7:137]))
        assert bytes(plain.data) == bytes(strided.data)

    def test_an_empty_list(self) -> None:
        encoded = encode_tiles(_frame(64, 64), TileGrid(64, 64), [])
        assert (len(encoded), encoded.total_bytes, encoded.encodings) == (0, 0, {})

    def test_no_payload_is_larger_than_raw(self) -> None:
        frame = SAMPLES["white-noise"](256, 256, np.random.default_rng(1))
        encoded = encode_tiles(frame, TileGrid(256, 256), range(16))
        assert max(len(encoded.payload(i)) for i in range(16)) <= PAYLOAD_MAX_BYTES

    @pytest.mark.parametrize(
        ("sample", "encoding"),
        [
            ("solid", "solid"),
            ("text", "palette"),
            ("slice-with-noise", "grey"),
            ("photograph", "colour"),
            ("white-noise", "raw"),
        ],
    )
    def test_the_encoding_suits_the_content(self, sample: str, encoding: str) -> None:
        frame = SAMPLES[sample](64, 64, np.random.default_rng(2))
        assert encode_tiles(frame, TileGrid(64, 64), [0]).encodings == {encoding: 1}

    def test_noisy_slices_are_smaller_than_with_zlib(self) -> None:
        zlib = pytest.importorskip("zlib")
        frame = SAMPLES["slice-with-noise"](512, 512, np.random.default_rng(2))
        encoded = encode_tiles(frame, TileGrid(512, 512), range(64))
        assert encoded.total_bytes < 0.75 * len(zlib.compress(frame[:, :, 0].tobytes(), 6))

    def test_errors(self) -> None:
        frame = _frame(64, 64)
        with pytest.raises(IndexError, match="1"):
            encode_tiles(frame, TileGrid(64, 64), [0, 1])
        with pytest.raises(IndexError, match="-1"):
            encode_tiles(frame, TileGrid(64, 64), [-1])
        with pytest.raises(ValueError, match="64 × 64"):
            encode_tiles(frame, TileGrid(65, 64), [0])
        with pytest.raises(ValueError, match="uint8"):
            encode_tiles(frame.astype(np.uint16), TileGrid(64, 64), [0])
        with pytest.raises(ValueError, match="without gaps"):
            encode_tiles(frame[:, ::2], TileGrid(32, 64), [0])


class TestProperties:
    def test_every_encoding_is_declared_and_lossless(self) -> None:
        assert set(PROPERTIES) == set(Encoding)
        assert all(properties.lossless for properties in PROPERTIES.values())

    def test_what_an_encoding_cannot_express(self) -> None:
        random = np.random.default_rng(1)
        colour = SAMPLES["photograph"](64, 64, random)
        assert encode_tile_as(colour, Encoding.GREY) is None
        assert encode_tile_as(colour, Encoding.SOLID) is None
        assert encode_tile_as(SAMPLES["white-noise"](64, 64, random), Encoding.PALETTE) is None
        assert encode_tile_as(from_grey(np.zeros((9, 9), int)), Encoding.PALETTE) is None


class TestDecode:
    def test_error_carries_its_fault(self) -> None:
        with pytest.raises(DecodeError, match="unknown encoding") as caught:
            decode_tile(b"\xff", 8, 8)
        assert caught.value.fault == 2

    def test_no_such_tile_size(self) -> None:
        with pytest.raises(ValueError, match="65"):
            decode_tile(b"\0\0\0\0", 65, 1)


class TestDigests:
    def test_a_digest_is_xxh64_of_the_pixels(self) -> None:
        frame = _frame(150, 100)
        frame[:, :, 3] = 99  # undefined, and not part of the digest
        grid = TileGrid(150, 100)
        digests = digest_tiles(frame, grid, range(grid.count), SEED)
        for tile in range(grid.count):
            x, y, width, height = grid.rect(tile)
            pixels = np.ascontiguousarray(frame[y : y + height, x : x + width]).view("<u4") & 0xFFFFFF
            expected = xxhash.xxh64_intdigest(pixels.tobytes(), SEED ^ (width << 32 | height))
            assert int(digests[tile]) == expected

    @pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 31, 32, 33, 64, 100])
    def test_the_root_is_xxh64_of_the_digests(self, length: int) -> None:
        digests = np.random.default_rng(length).integers(0, 1 << 63, length, np.uint64)
        assert root_digest(digests, SEED) == xxhash.xxh64_intdigest(digests.astype("<u8").tobytes(), SEED)

    def test_copy_and_compare_returns_which_tiles_changed(self) -> None:
        frame = _frame(150, 100)
        grid = TileGrid(150, 100)
        shadow = np.zeros_like(frame)
        taken = np.arange(grid.count)
        assert copy_and_compare_tiles(frame, shadow, grid, taken).all()
        assert np.array_equal(shadow[:, :, :3], frame[:, :, :3])
        frame[:, :, 3] = 77  # undefined
        frame[99, 149, 0] ^= 1
        frame[10, 70, 2] ^= 128
        frame[10, 10, 1] ^= 128  # in tile 0, which is not in the list
        expected = shadow.copy()
        expected[64:, 64:, :3] = frame[64:, 64:, :3]
        expected[:64, 64:128, :3] = frame[:64, 64:128, :3]
        assert copy_and_compare_tiles(frame, shadow, grid, [1, 2, 4, 5]).tolist() == [
            True,
            False,
            False,
            True,
        ]
        assert np.array_equal(shadow, expected)

    def test_copy_and_compare_refuses_a_shadow_that_it_cannot_write(self) -> None:
        frame = _frame(64, 64)
        shadow = np.zeros_like(frame)
        with pytest.raises(IndexError, match=r"no tile \[1\]: the grid has 1"):
            copy_and_compare_tiles(frame, shadow, TileGrid(64, 64), [0, 1])
        shadow.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            copy_and_compare_tiles(frame, shadow, TileGrid(64, 64), [0])
