"""Encoder, decoder and digests by way of the Python interface."""

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
    decode_tile,
    digest_tiles,
    encode_tile_as,
    encode_tiles,
    copy_and_compare_tiles,
    root_digest,
    copy_and_digest_tiles,
)
from display_codecs.samples import SAMPLES, Pixels, from_grey

SEED = 0xFEDCBA9876543210


def _picture(width: int, height: int) -> Pixels:
    """Every sample somewhere."""
    random = np.random.default_rng(11)
    picture = np.zeros((height, width, 4), np.uint8)
    grid = TileGrid(width, height)
    draws = list(SAMPLES.values())
    for tile in range(grid.count):
        x, y, w, h = grid.rect(tile)
        picture[y : y + h, x : x + w] = draws[tile % len(draws)](w, h, random)
    return picture


class TestGrid:
    def test_edge_tiles_are_cut_off(self) -> None:
        grid = TileGrid(150, 100)
        assert (grid.columns, grid.rows, grid.count) == (3, 2, 6)
        assert grid.rect(0) == (0, 0, 64, 64)
        assert grid.rect(5) == (128, 64, 22, 36)

    def test_no_such_tile(self) -> None:
        with pytest.raises(IndexError, match="6 of 6"):
            TileGrid(150, 100).rect(6)

    def test_no_empty_grid(self) -> None:
        with pytest.raises(ValueError, match="no grid"):
            TileGrid(0, 10)


class TestEncode:
    def test_every_tile_comes_back(self) -> None:
        picture = _picture(470, 330)
        grid = TileGrid(470, 330)
        encoded = encode_tiles(picture, grid, range(grid.count))
        assert len(encoded) == grid.count
        assert encoded.total_bytes == sum(len(encoded.payload(i)) for i in range(grid.count))
        assert set(encoded.encodings) == set(ENCODING_NAMES)
        for tile in range(grid.count):
            x, y, width, height = grid.rect(tile)
            decoded = decode_tile(encoded.payload(tile), width, height)
            assert np.array_equal(decoded, picture[y : y + height, x : x + width])

    def test_list_keeps_its_order_and_may_repeat(self) -> None:
        picture = _picture(200, 130)
        grid = TileGrid(200, 130)
        encoded = encode_tiles(picture, grid, np.array([5, 0, 5], np.uint16))
        assert encoded.payload(0) == encoded.payload(2) != encoded.payload(1)

    def test_row_stride_and_the_undefined_byte_do_not_matter(self) -> None:
        picture = _picture(130, 90)
        wide = np.random.default_rng(5).integers(0, 256, (90, 200, 4), np.uint8)
        wide[:, 7:137, :3] = picture[:, :, :3]
        grid = TileGrid(130, 90)
        plain, strided = (encode_tiles(p, grid, range(grid.count)) for p in (picture, wide[:, 7:137]))
        assert bytes(plain.data) == bytes(strided.data)

    def test_nothing_to_do(self) -> None:
        encoded = encode_tiles(_picture(64, 64), TileGrid(64, 64), [])
        assert (len(encoded), encoded.total_bytes, encoded.encodings) == (0, 0, {})

    def test_no_payload_is_larger_than_raw(self) -> None:
        picture = SAMPLES["white-noise"](256, 256, np.random.default_rng(1))
        encoded = encode_tiles(picture, TileGrid(256, 256), range(16))
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
    def test_choice(self, sample: str, encoding: str) -> None:
        picture = SAMPLES[sample](64, 64, np.random.default_rng(2))
        assert encode_tiles(picture, TileGrid(64, 64), [0]).encodings == {encoding: 1}

    def test_noisy_slices_are_smaller_than_by_a_general_compressor(self) -> None:
        zlib = pytest.importorskip("zlib")
        picture = SAMPLES["slice-with-noise"](512, 512, np.random.default_rng(2))
        encoded = encode_tiles(picture, TileGrid(512, 512), range(64))
        assert encoded.total_bytes < 0.75 * len(zlib.compress(picture[:, :, 0].tobytes(), 6))

    def test_errors(self) -> None:
        picture = _picture(64, 64)
        with pytest.raises(IndexError, match="1"):
            encode_tiles(picture, TileGrid(64, 64), [0, 1])
        with pytest.raises(IndexError, match="-1"):
            encode_tiles(picture, TileGrid(64, 64), [-1])
        with pytest.raises(ValueError, match="64 × 64"):
            encode_tiles(picture, TileGrid(65, 64), [0])
        with pytest.raises(ValueError, match="uint8"):
            encode_tiles(picture.astype(np.uint16), TileGrid(64, 64), [0])
        with pytest.raises(ValueError, match="without gaps"):
            encode_tiles(picture[:, ::2], TileGrid(32, 64), [0])


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
    def test_it_is_xxh64_of_the_pixels(self) -> None:
        picture = _picture(150, 100)
        picture[:, :, 3] = 99  # undefined, and no part of it
        grid = TileGrid(150, 100)
        digests = digest_tiles(picture, grid, range(grid.count), SEED)
        for tile in range(grid.count):
            x, y, width, height = grid.rect(tile)
            pixels = np.ascontiguousarray(picture[y : y + height, x : x + width]).view("<u4") & 0xFFFFFF
            expected = xxhash.xxh64_intdigest(pixels.tobytes(), SEED ^ (width << 32 | height))
            assert int(digests[tile]) == expected

    @pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 31, 32, 33, 64, 100])
    def test_root_at_every_length(self, length: int) -> None:
        digests = np.random.default_rng(length).integers(0, 1 << 63, length, np.uint64)
        assert root_digest(digests, SEED) == xxhash.xxh64_intdigest(digests.astype("<u8").tobytes(), SEED)

    def test_take_copies_and_digests_the_same_pixels(self) -> None:
        picture = _picture(150, 100)
        picture[:, :, 3] = 77
        shadow = np.zeros_like(picture)
        grid = TileGrid(150, 100)
        digests = copy_and_digest_tiles(picture, shadow, grid, [1, 5], SEED)
        assert digests.tolist() == digest_tiles(picture, grid, [1, 5], SEED).tolist()
        assert np.array_equal(shadow[:64, 64:128, :3], picture[:64, 64:128, :3])
        assert np.array_equal(shadow[64:, 128:, :3], picture[64:, 128:, :3])
        assert not shadow[:64, :64].any()
        assert not shadow[:, :, 3].any()

    def test_renew_copies_what_differs_and_tells(self) -> None:
        picture = _picture(150, 100)
        grid = TileGrid(150, 100)
        shadow = np.zeros_like(picture)
        taken = np.arange(grid.count)
        copy_and_digest_tiles(picture, shadow, grid, taken, SEED)
        picture[:, :, 3] = 77  # means nothing
        picture[99, 149, 0] ^= 1
        picture[10, 70, 2] ^= 128
        picture[10, 10, 1] ^= 128  # in tile 0, which is not asked for
        expected = shadow.copy()
        expected[64:, 64:, :3] = picture[64:, 64:, :3]
        expected[:64, 64:128, :3] = picture[:64, 64:128, :3]
        assert copy_and_compare_tiles(picture, shadow, grid, [1, 2, 4, 5]).tolist() == [True, False, False, True]
        assert np.array_equal(shadow, expected)

    def test_renew_refuses_what_it_cannot_write(self) -> None:
        picture = _picture(64, 64)
        shadow = np.zeros_like(picture)
        with pytest.raises(IndexError, match=r"tile \[1\] of 1"):
            copy_and_compare_tiles(picture, shadow, TileGrid(64, 64), [0, 1])
        shadow.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            copy_and_compare_tiles(picture, shadow, TileGrid(64, 64), [0])

    def test_take_needs_a_shadow_that_it_may_write(self) -> None:
        picture = _picture(64, 64)
        shadow = np.zeros_like(picture)
        shadow.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            copy_and_digest_tiles(picture, shadow, TileGrid(64, 64), [0], SEED)
