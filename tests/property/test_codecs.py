"""The lossless claim: decode(encode(x)) == x, for every encoding and any picture, by both decoders."""

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
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.codecs.wasm_viewer import WasmViewer

sizes = st.integers(1, 64)


@st.composite
def arbitrary(draw: st.DrawFn) -> Pixels:
    """Any small picture, as hypothesis likes it: few values, many repeats, sharp corners."""
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))
    return from_rgb(draw(hnp.arrays(np.uint8, shape)).astype(int))


@st.composite
def sampled(draw: st.DrawFn) -> Pixels:
    """A picture of a kind that desktops show, at any tile size, with a few pixels spoilt."""
    sample = SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    width, height = draw(sizes), draw(sizes)
    picture = sample(width, height, random)
    for _ in range(draw(st.integers(0, 4))):
        picture[int(random.integers(0, height)), int(random.integers(0, width)), :3] = random.integers(
            0, 256, 3
        )
    return picture


@st.composite
def steep(draw: st.DrawFn) -> Pixels:
    """Grey or coloured noise of any spread about any level: the whole family of tables, and escapes."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    width, height = draw(sizes), draw(sizes)
    spread, level = draw(st.floats(0.01, 200)), draw(st.integers(0, 255))
    channels = 1 if draw(st.booleans()) else 3
    noise = np.rint(level + random.standard_cauchy((height, width, channels)) * spread)
    return from_rgb(np.broadcast_to(np.clip(noise, 0, 255).astype(int), (height, width, 3)))


pictures = arbitrary() | sampled() | steep()


@pytest.fixture(scope="module")
def viewer() -> WasmViewer:
    return WasmViewer(64, 64)


@settings(max_examples=150, deadline=None)
@given(picture=pictures)
def test_every_encoding_gives_back_what_it_took(viewer: WasmViewer, picture: Pixels) -> None:
    height, width = picture.shape[:2]
    for encoding in Encoding:
        payload = encode_tile_as(picture, encoding)
        if payload is None:
            assert encoding is not Encoding.RAW
            continue
        assert payload[0] == encoding
        assert np.array_equal(decode_tile(payload, width, height), picture)
        fault, pixels = viewer.decode_tile(payload, width, height)
        assert fault == 0
        assert pixels is not None
        assert np.array_equal(pixels, picture.view("<u4")[:, :, 0])


@settings(max_examples=100, deadline=None)
@given(picture=pictures)
def test_the_chosen_encoding_is_lossless_bounded_and_deterministic(picture: Pixels) -> None:
    height, width = picture.shape[:2]
    grid = TileGrid(width, height)
    payload = encode_tiles(picture, grid, [0]).payload(0)
    assert len(payload) <= 1 + 3 * width * height
    assert payload == encode_tiles(picture.copy(), grid, [0]).payload(0)
    decoded = decode_tile(payload, width, height)
    assert np.array_equal(decoded, picture)
    assert digest_tiles(decoded, grid, [0], 5).tolist() == digest_tiles(picture, grid, [0], 5).tolist()


@settings(max_examples=150, deadline=None)
@given(payload=st.binary(max_size=200), encoding=st.integers(0, 6), width=sizes, height=sizes)
def test_both_decoders_agree_about_anything(
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
