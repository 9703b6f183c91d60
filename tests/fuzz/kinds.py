"""The kinds of input that are fuzzed, and how many inputs each target of a kind gets."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import uvloop

from tests.fuzz.campaign import Crash, FuzzTarget, Report, run_campaign
from tests.fuzz.decoder import RUN_MAX_INPUTS, DecoderFault, build_harness, run_harness, run_wasm
from tests.fuzz.http_targets import http_targets
from tests.fuzz.link_targets import link_targets
from tests.fuzz.spawner_targets import spawner_targets
from tests.fuzz.wire_targets import wire_targets

Targets = Callable[[], AbstractAsyncContextManager[list[FuzzTarget]]]
TARGETS: Mapping[str, Targets] = {
    "wire": wire_targets,
    "http": http_targets,
    "link": link_targets,
    "spawner": spawner_targets,
}
#: Part of a kind's inputs that a target gets, relative to the others. All others get 1.
WEIGHTS = {"viewer": 4, "host-channel": 2, "spawner": 6, "link-to-broker": 4, "link-to-gateway": 4}
#: Fraction of the decoder's inputs that WebAssembly gets, in which an input takes longer.
WASM_FRACTION = 0.1
KINDS = (*TARGETS, "decoder")


def fuzz(kind: str, inputs: int, seed: int, note: Callable[[str], None]) -> list[Report]:
    """Runs the campaigns of a kind, which have `inputs` inputs together. `note` gets a line about each."""
    if kind == "decoder":
        return [_fuzz_decoder(inputs, seed, note)]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as in the product
        return runner.run(_fuzz_targets(TARGETS[kind], inputs, seed, note))


async def _fuzz_targets(
    targets: Targets, inputs: int, seed: int, note: Callable[[str], None]
) -> list[Report]:
    reports = []
    async with targets() as found:
        weights = [WEIGHTS.get(target.name, 1) for target in found]
        for target, weight in zip(found, weights, strict=True):
            report = await run_campaign(target, -(-inputs * weight // sum(weights)), seed)
            note(str(report))
            reports.append(report)
    return reports


def _fuzz_decoder(inputs: int, seed: int, note: Callable[[str], None]) -> Report:
    """A fault ends a run of the harness, and counts once."""
    report = Report("decoder")
    in_wasm = round(inputs * WASM_FRACTION)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        harness = build_harness(Path(folder))
        runs = [partial(run_wasm, seed, in_wasm)]
        for first in range(0, inputs - in_wasm, RUN_MAX_INPUTS):
            count = min(RUN_MAX_INPUTS, inputs - in_wasm - first)
            runs.append(partial(run_harness, harness, seed + first, count))
        for run in runs:
            try:
                counts = run()
            except DecoderFault as fault:
                report.crashes.append(Crash(b"", str(fault)))
                continue
            report.inputs += counts.payloads + counts.updates
            report.accepted += counts.payloads_accepted + counts.updates_accepted
    note(str(report))
    return report
