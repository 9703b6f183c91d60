"""Fuzzes the decoders for a few seconds with fixed seeds: no input makes them access memory out of bounds."""

from __future__ import annotations

import base64
import json
import platform
import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from display_codecs import wire
from display_codecs.compile import AGENT_SOURCES, VARIANTS, compile_c, native_folder

from tests.fakes.wasm_viewer import WasmViewer

ROOT = Path(__file__).resolve().parents[2]
HARNESS = Path(__file__).with_name("codecs_harness.c")


def _seeds() -> list[tuple[int, int, int, bytes]]:
    """Returns the golden vectors, good and bad, as (kind, width, height, bytes)."""
    tiles = json.loads((ROOT / "codecs/vectors/tiles.json").read_text(encoding="utf-8"))
    stories = json.loads((ROOT / "tests/vectors/updates.json").read_text(encoding="utf-8"))["stories"]
    seeds = [
        (0, vector["width"], vector["height"], base64.b64decode(vector["payload"]))
        for vector in tiles["good"] + tiles["bad"]
    ]
    seeds += [
        (1, story["width"], story["height"], base64.b64decode(step["update"]))
        for story in stories
        for step in story["steps"]
    ]
    return seeds


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Compiles the program, and writes its corpus."""
    folder = tmp_path_factory.mktemp("fuzz")
    program, corpus = folder / "harness", folder / "corpus"
    native = native_folder()
    excluded = AGENT_SOURCES | {"wasm.c"}
    sources = [str(file) for file in sorted(native.glob("*.c")) if file.name not in excluded]
    target = next(iter(VARIANTS[platform.machine()].values()))
    # Traps end the program at the fault. Messages instead would need a library, which takes 25 s to compile.
    traps = ["-fsanitize=undefined,bounds", "-fsanitize-trap=undefined,bounds"]
    compile_c([*target, *traps, "-O1", "-DLB_DECODER_ONLY", f"-I{native}", str(HARNESS), *sources], program)
    with corpus.open("wb") as file:
        for kind, width, height, data in _seeds():
            file.write(struct.pack("<BHHI", kind, width, height, len(data)) + data)
    return program, corpus


@pytest.mark.parametrize("seed", [1, 2])
def test_the_native_decoder_stays_within_bounds(harness: tuple[Path, Path], seed: int) -> None:
    program, corpus = harness
    completed = subprocess.run(
        [str(program), str(seed), "60000", str(corpus)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert completed.returncode == 0, f"ended with {completed.returncode}: {completed.stderr}"
    found = re.fullmatch(r"payloads (\d+)/(\d+) updates (\d+)/(\d+)\n", completed.stdout)
    assert found is not None
    payloads_good, payloads, updates_good, updates = map(int, found.groups())
    # Both results must occur often, or else the mutations are too weak or too strong.
    assert 500 < payloads_good < payloads - 500
    assert 500 < updates_good < updates - 500


def test_the_decoder_for_browsers_never_traps() -> None:
    """A trap raises an exception. Two decoders always agree; after a fault, both need a RESET."""
    random = np.random.default_rng(5)
    seeds = [seed for seed in _seeds() if seed[0] == 1]
    viewer, again = WasmViewer(150, 100, 1, 20000), WasmViewer(150, 100, 1, 20000)
    faults = 0
    for _ in range(1500):
        data = bytearray(seeds[int(random.integers(0, len(seeds)))][3])
        for _ in range(int(random.integers(0, 4))):
            if data:
                data[int(random.integers(0, len(data)))] = int(random.integers(0, 256))
        if random.random() < 0.2:
            del data[int(random.integers(0, len(data) + 1)) :]
        fault = viewer.apply(bytes(data))
        assert again.apply(bytes(data)) == fault
        assert 0 <= fault <= 10
        if fault:
            faults += 1
            assert (
                viewer.apply(wire.update(flags=wire.RESET)) == again.apply(wire.update(flags=wire.RESET)) == 0
            )
        else:
            assert np.array_equal(viewer.rgba(), again.rgba())
    assert 300 < faults < 1400


def test_the_decoder_for_browsers_accepts_or_refuses_any_payload() -> None:
    random = np.random.default_rng(6)
    seeds = [seed for seed in _seeds() if seed[0] == 0 and seed[3]]
    viewer = WasmViewer(64, 64)
    for _ in range(3000):
        _, width, height, data = seeds[int(random.integers(0, len(seeds)))]
        changed = bytearray(data)
        for _ in range(int(random.integers(1, 4))):
            changed[int(random.integers(0, len(changed)))] = int(random.integers(0, 256))
        fault, pixels = viewer.decode_tile(bytes(changed), width, height)
        assert (fault == 0) == (pixels is not None)
