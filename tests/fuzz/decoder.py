"""The tile decoder as native code with traps, and as the WebAssembly that browsers run."""

from __future__ import annotations

import base64
import json
import platform
import random
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import wasmtime
from display_codecs import wire
from display_codecs.compile import AGENT_SOURCES, VARIANTS, compile_c, native_folder

from tests.fakes.wasm_viewer import WasmViewer
from tests.fuzz.mutation import Mutator

ROOT = Path(__file__).resolve().parents[2]
HARNESS = Path(__file__).with_name("codecs_harness.c")
#: Most inputs of one run of the harness. They take about 10 s on a slow core.
RUN_MAX_INPUTS = 250_000
#: How long a run may take, s.
RUN_TIMEOUT_S = 900.0
#: Size of the surface and of its tile cache for the WebAssembly decoder.
WIDTH_PX, HEIGHT_PX, CACHE_BYTES = 150, 100, 20_000
#: The largest fault that the decoder reports.
FAULT_MAX = 10


class DecoderFault(Exception):  # noqa: N818 - the word of the decoder's own documents
    """The decoder crashed, read or wrote out of bounds, or lost memory. The text says how to repeat it."""


Seed = tuple[int, int, int, bytes]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many inputs of each kind there were, and how many were accepted."""

    payloads: int
    payloads_accepted: int
    updates: int
    updates_accepted: int


def seeds() -> list[Seed]:
    """Returns the golden vectors, good and bad, as (kind, width, height, bytes). Kind 1 is an update."""
    tiles = json.loads((ROOT / "codecs/vectors/tiles.json").read_text(encoding="utf-8"))
    stories = json.loads((ROOT / "tests/vectors/updates.json").read_text(encoding="utf-8"))["stories"]
    found = [
        (0, vector["width"], vector["height"], base64.b64decode(vector["payload"]))
        for vector in tiles["good"] + tiles["bad"]
    ]
    found += [
        (1, story["width"], story["height"], base64.b64decode(step["update"]))
        for story in stories
        for step in story["steps"]
    ]
    return found


def build_harness(folder: Path) -> tuple[Path, Path]:
    """Compiles the harness, and writes its corpus. Returns both."""
    program, corpus = folder / "harness", folder / "corpus"
    native = native_folder()
    excluded = AGENT_SOURCES | {"wasm.c"}
    sources = [str(file) for file in sorted(native.glob("*.c")) if file.name not in excluded]
    target = next(iter(VARIANTS[platform.machine()].values()))
    # Traps end the program at the fault. Messages instead would need a library, which takes 25 s to compile.
    traps = ["-fsanitize=undefined,bounds", "-fsanitize-trap=undefined,bounds"]
    compile_c([*target, *traps, "-O1", "-DLB_DECODER_ONLY", f"-I{native}", str(HARNESS), *sources], program)
    with corpus.open("wb") as file:
        for kind, width, height, data in seeds():
            file.write(struct.pack("<BHHI", kind, width, height, len(data)) + data)
    return program, corpus


def run_harness(harness: tuple[Path, Path], seed: int, inputs: int) -> Counts:
    """Raises DecoderFault when the harness ends otherwise than it should."""
    done = subprocess.run(
        [str(harness[0]), str(seed), str(inputs), str(harness[1])],
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    found = re.fullmatch(r"payloads (\d+)/(\d+) updates (\d+)/(\d+)\n", done.stdout)
    if done.returncode or found is None:
        raise DecoderFault(
            f"seed {seed}, {inputs} inputs: the harness ended with {done.returncode}: {done.stderr}"
        )
    payloads_accepted, payloads, updates_accepted, updates = map(int, found.groups())
    return Counts(payloads, payloads_accepted, updates, updates_accepted)


def run_wasm(seed: int, inputs: int) -> Counts:
    """Applies mutated updates in WebAssembly. Raises DecoderFault for a trap, an unknown fault or a leak."""
    draw = random.Random(seed)
    updates = tuple(data for kind, _, _, data in seeds() if kind == 1)
    mutator = Mutator(draw, updates)
    viewer = WasmViewer(WIDTH_PX, HEIGHT_PX, 1, CACHE_BYTES)
    accepted, broken, warm_bytes = 0, True, 0
    for number in range(inputs):
        if number == inputs // 5:
            warm_bytes = viewer.memory_bytes
        if broken:
            viewer.apply(wire.update(flags=wire.RESET))
        data = mutator.mutate(draw.choice(updates))
        try:
            fault = viewer.apply(data)
        except wasmtime.WasmtimeError as error:
            raise DecoderFault(f"seed {seed}: {error} for {data.hex()}") from error
        if not 0 <= fault <= FAULT_MAX:
            raise DecoderFault(f"seed {seed}: fault {fault} for {data.hex()}")
        broken = fault != 0
        accepted += not broken
    if viewer.memory_bytes > warm_bytes:
        raise DecoderFault(f"seed {seed}: the memory grew from {warm_bytes} to {viewer.memory_bytes} bytes")
    return Counts(0, 0, inputs, accepted)
