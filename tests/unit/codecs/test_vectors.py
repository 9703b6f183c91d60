"""The golden vectors, decoded by the native decoder and by one that was written from the specification."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from display_codecs import DecodeError, TileGrid, decode_tile, digest_tiles
from display_codecs.vectors import main

from tests.unit.codecs import reference_decoder
from tests.unit.codecs.golden_vectors import SEED, TILES, TILES_FILE, UPDATES_FILE, Vector, name_of


@pytest.mark.parametrize("vector", TILES["good"], ids=name_of)
def test_tile(vector: Vector) -> None:
    payload, width, height = base64.b64decode(vector["payload"]), vector["width"], vector["height"]
    frame = decode_tile(payload, width, height)
    digest = int(digest_tiles(frame, TileGrid(width, height), [0], SEED)[0])
    assert f"{digest:016x}" == vector["digest"]
    assert reference_decoder.decode(payload, width, height) == frame.view("<u4")[:, :, 0].tolist()


@pytest.mark.parametrize("vector", TILES["bad"], ids=name_of)
def test_malformed_tile(vector: Vector) -> None:
    payload, width, height = base64.b64decode(vector["payload"]), vector["width"], vector["height"]
    with pytest.raises(DecodeError) as caught:
        decode_tile(payload, width, height)
    assert caught.value.fault == vector["fault"]


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    out = [tmp_path / "tiles.json", tmp_path / "updates.json"]
    assert main([str(file) for file in out]) == 0
    assert out[0].read_bytes() == TILES_FILE.read_bytes()
    assert out[1].read_bytes() == UPDATES_FILE.read_bytes()


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
