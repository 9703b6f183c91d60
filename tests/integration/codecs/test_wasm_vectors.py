"""The golden vectors, decoded by the decoder for browsers."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from display_codecs import TileGrid, decode_tile, digest_tiles

from tests.fakes.wasm_viewer import WasmViewer
from tests.unit.codecs.golden_vectors import SEED, SEQUENCES, TILES, Vector, name_of


@pytest.fixture(scope="module")
def viewer() -> WasmViewer:
    return WasmViewer(64, 64)


@pytest.mark.parametrize("vector", TILES["good"], ids=name_of)
def test_tile(vector: Vector, viewer: WasmViewer) -> None:
    payload, width, height = base64.b64decode(vector["payload"]), vector["width"], vector["height"]
    fault, pixels = viewer.decode_tile(payload, width, height)
    assert fault == 0
    assert pixels is not None
    frame = pixels.view(np.uint8).reshape(height, width, 4)
    digest = int(digest_tiles(frame, TileGrid(width, height), [0], SEED)[0])
    assert f"{digest:016x}" == vector["digest"]
    assert np.array_equal(frame, decode_tile(payload, width, height))


@pytest.mark.parametrize("vector", TILES["bad"], ids=name_of)
def test_malformed_tile(vector: Vector, viewer: WasmViewer) -> None:
    payload, width, height = base64.b64decode(vector["payload"]), vector["width"], vector["height"]
    assert viewer.decode_tile(payload, width, height) == (vector["fault"], None)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=name_of)
def test_updates(sequence: Vector) -> None:
    viewer = WasmViewer(
        sequence["width"], sequence["height"], int(sequence["seed"], 16), sequence["cache_bytes"]
    )
    for step in sequence["steps"]:
        assert viewer.apply(base64.b64decode(step["update"])) == step["fault"]
        if step["fault"]:
            continue
        assert viewer.touched() == step["tiles"]
        viewer.digest(viewer.rgba())
        assert f"{viewer.root():016x}" == step["root"]
