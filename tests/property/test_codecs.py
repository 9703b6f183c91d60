"""Lossless means: decode(encode(x)) == x, for every encoding and any tile, with both decoders."""

from __future__ import annotations

import numpy as np
import pytest
from display_codecs import (
    DecodeError,
    Encoding,
    TileGrid,
    decode_tile,
    digest_tiles,
    encode_tile_as,
    encode_tiles,
)
from display_codecs.samples import SAMPLES, Pixels, from_rgb
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.examples import examples
from tests.fakes.wasm_viewer import WasmViewer

sizes = st.integers(1, 64)


@st.composite
def small_tiles(draw: st.DrawFn) -> Pixels:
    """Any small tile. Hypothesis prefers few values and many repetitions."""
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))
    return from_rgb(draw(hnp.arrays(np.uint8, shape)).astype(int))


@st.composite
def sample_tiles(draw: st.DrawFn) -> Pixels:
    """A sample of what desktops show, at any size of a tile, with a few random pixels."""
    sample = SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    width, height = draw(sizes), draw(sizes)
    tile = sample(width, height, random)
    for _ in range(draw(st.integers(0, 4))):
        tile[int(random.integers(0, height)), int(random.integers(0, width)), :3] = random.integers(0, 256, 3)
    return tile


@st.composite
def noise_tiles(draw: st.DrawFn) -> Pixels:
    """Grey or coloured noise of any spread around any level, which uses all tables, and escapes."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    width, height = draw(sizes), draw(sizes)
    spread, level = draw(st.floats(0.01, 200)), draw(st.integers(0, 255))
    channels = 1 if draw(st.booleans()) else 3
    noise = np.rint(level + random.standard_cauchy((height, width, channels)) * spread)
    return from_rgb(np.broadcast_to(np.clip(noise, 0, 255).astype(int), (height, width, 3)))


tiles = small_tiles() | sample_tiles() | noise_tiles()


@pytest.fixture(scope="module")
def viewer() -> WasmViewer:
    return WasmViewer(64, 64)


@examples(150)
@given(tile=tiles)
def test_every_encoding_is_lossless(viewer: WasmViewer, tile: Pixels) -> None:
    height, width = tile.shape[:2]
    for encoding in Encoding:
        payload = encode_tile_as(tile, encoding)
        if payload is None:
            assert encoding is not Encoding.RAW
            continue
        assert payload[0] == encoding
        assert np.array_equal(decode_tile(payload, width, height), tile)
        fault, pixels = viewer.decode_tile(payload, width, height)
        assert fault == 0
        assert pixels is not None
        assert np.array_equal(pixels, tile.view("<u4")[:, :, 0])


@examples(100)
@given(tile=tiles)
def test_the_chosen_encoding_is_lossless_bounded_and_deterministic(tile: Pixels) -> None:
    height, width = tile.shape[:2]
    grid = TileGrid(width, height)
    payload = encode_tiles(tile, grid, [0]).payload(0)
    assert len(payload) <= 1 + 3 * width * height
    assert payload == encode_tiles(tile.copy(), grid, [0]).payload(0)
    decoded = decode_tile(payload, width, height)
    assert np.array_equal(decoded, tile)
    assert digest_tiles(decoded, grid, [0], 5).tolist() == digest_tiles(tile, grid, [0], 5).tolist()


@examples(150)
@given(payload=st.binary(max_size=200), encoding=st.integers(0, 6), width=sizes, height=sizes)
def test_both_decoders_agree_about_any_payload(
    viewer: WasmViewer, payload: bytes, encoding: int, width: int, height: int
) -> None:
    data = bytes([encoding]) + payload
    fault, pixels = viewer.decode_tile(data, width, height)
    if fault:
        with pytest.raises(DecodeError) as caught:
            decode_tile(data, width, height)
        assert caught.value.fault == fault
    else:
        assert pixels is not None
        assert np.array_equal(pixels, decode_tile(data, width, height).view("<u4")[:, :, 0])
