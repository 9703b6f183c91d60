"""The golden vectors, by three decoders: native, the browser's, and one made from the specification."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from display_codecs import DecodeError, TileGrid, decode_tile, digest_tiles
from display_codecs.vectors import main

from tests.unit.codecs import reference_decoder
from tests.unit.codecs.wasm_viewer import WasmViewer

ROOT = Path(__file__).resolve().parents[3]
TILES_FILE = ROOT / "codecs" / "vectors" / "tiles.json"
UPDATES_FILE = ROOT / "tests" / "vectors" / "updates.json"
TILES = json.loads(TILES_FILE.read_text(encoding="utf-8"))
STORIES = json.loads(UPDATES_FILE.read_text(encoding="utf-8"))["stories"]
SEED = int(TILES["seed"], 16)

Vector = dict[str, Any]


def _name(vector: Vector) -> str:
    return str(vector["name"])


@pytest.fixture(scope="module")
def viewer() -> WasmViewer:
    return WasmViewer(64, 64)


@pytest.mark.parametrize("vector", TILES["good"], ids=_name)
def test_tile(vector: Vector, viewer: WasmViewer) -> None:
    payload, width, height = base64.b64decode(vector["payload"]), vector["width"], vector["height"]
    picture = decode_tile(payload, width, height)
    digest = int(digest_tiles(picture, TileGrid(width, height), [0], SEED)[0])
    assert f"{digest:016x}" == vector["digest"]
    fault, pixels = viewer.decode_tile(payload, width, height)
    assert fault == 0
    assert pixels is not None
    assert np.array_equal(pixels, picture.view("<u4")[:, :, 0])
    assert reference_decoder.decode(payload, width, height) == pixels.tolist()


@pytest.mark.parametrize("vector", TILES["bad"], ids=_name)
def test_malformed_tile(vector: Vector, viewer: WasmViewer) -> None:
    payload, width, height = base64.b64decode(vector["payload"]), vector["width"], vector["height"]
    with pytest.raises(DecodeError) as caught:
        decode_tile(payload, width, height)
    assert caught.value.fault == vector["fault"]
    assert viewer.decode_tile(payload, width, height) == (vector["fault"], None)


@pytest.mark.parametrize("story", STORIES, ids=_name)
def test_updates(story: Vector) -> None:
    viewer = WasmViewer(story["width"], story["height"], int(story["seed"], 16), story["cache_bytes"])
    for step in story["steps"]:
        assert viewer.apply(base64.b64decode(step["update"])) == step["fault"]
        if step["fault"]:
            continue
        assert viewer.touched() == step["tiles"]
        viewer.digest(viewer.rgba())
        assert f"{viewer.root():016x}" == step["root"]


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    out = [tmp_path / "tiles.json", tmp_path / "updates.json"]
    assert main([str(file) for file in out]) == 0
    assert out[0].read_bytes() == TILES_FILE.read_bytes()
    assert out[1].read_bytes() == UPDATES_FILE.read_bytes()


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
