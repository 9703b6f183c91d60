"""Feeds mutated inputs to the parts of the product that read what others send.

`python -m tests.acceptance.fuzzing KIND [--inputs 1000000] [--seed 1]`, where KIND is wire, http, link,
spawner or decoder. The value is the number of crashes and leaks. A crash is any error that is no refusal: an
exception, an error in the log, an access out of bounds. Inputs that cause one are kept in `tests/fuzz/kept`,
and every later run begins with them, also that of `make test`. Without `--seed` each run has the same inputs,
so that it can be repeated.
"""

from __future__ import annotations

import argparse

from tests.acceptance.command import exit_with, note, report
from tests.fuzz.campaign import keep
from tests.fuzz.kinds import KINDS, fuzz
from tests.fuzz.web_client import fuzz_web_client

INPUTS = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.fuzzing", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    reports = fuzz(arguments.kind, arguments.inputs, arguments.seed, note)
    if arguments.kind == "wire":  # `make test` runs this one among the tests of the web client
        reports.append(fuzz_web_client(arguments.inputs, arguments.seed))
        note(f"web client: {reports[-1].inputs} inputs, {reports[-1].faults} faults")
    for found in reports:
        for crash in found.crashes:
            note(crash.error)
            if crash.data:
                note(f"kept as {keep(found.target, crash.data)}")
    inputs = sum(found.inputs for found in reports)
    faults = sum(found.faults for found in reports)
    return report(f"fuzz-{arguments.kind}", faults, also=inputs >= arguments.inputs)


if __name__ == "__main__":
    exit_with(main)
