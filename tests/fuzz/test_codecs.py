"""Fuzzes the decoders for a few seconds with fixed seeds: no input makes them access memory out of bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from display_codecs import wire

from tests.fakes.wasm_viewer import WasmViewer
from tests.fuzz.decoder import build_harness, run_harness, run_wasm
from tests.fuzz.decoder import seeds as decoder_seeds


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build_harness(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_native_decoder_stays_within_bounds_and_loses_no_memory(
    harness: tuple[Path, Path], seed: int
) -> None:
    counts = run_harness(harness, seed, 60_000)
    # Both results must occur often, or else the mutations are too weak or too strong.
    assert 500 < counts.payloads_accepted < counts.payloads - 500
    assert 500 < counts.updates_accepted < counts.updates - 500


def test_the_decoder_for_browsers_needs_no_more_memory_with_time() -> None:
    counts = run_wasm(3, 4000)
    assert 100 < counts.updates_accepted < counts.updates - 100


def test_the_decoder_for_browsers_never_traps() -> None:
    """A trap raises an exception. Two decoders always agree; after a fault, both need a RESET."""
    random = np.random.default_rng(5)
    seeds = [seed for seed in decoder_seeds() if seed[0] == 1]
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
    seeds = [seed for seed in decoder_seeds() if seed[0] == 0 and seed[3]]
    viewer = WasmViewer(64, 64)
    for _ in range(3000):
        _, width, height, data = seeds[int(random.integers(0, len(seeds)))]
        changed = bytearray(data)
        for _ in range(int(random.integers(1, 4))):
            changed[int(random.integers(0, len(changed)))] = int(random.integers(0, 256))
        fault, pixels = viewer.decode_tile(bytes(changed), width, height)
        assert (fault == 0) == (pixels is not None)
