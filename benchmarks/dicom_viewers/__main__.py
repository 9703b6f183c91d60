"""`python -m benchmarks.dicom_viewers run` compares viewers with pydicom and writes the table.

Columns of viewers that did not take part stay as they were.

`… files`, `… silently-wrong` and `… pixel-error` measure bars of the radiology profile's viewer: the last
line is `value: N`, and the exit code says whether the bar is reached (0) or missed (1).
"""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pydicom
from numpy.typing import NDArray

from benchmarks.acceptance.commands import MISSED, REACHED
from benchmarks.dicom_viewers.cases import Case, cases
from benchmarks.dicom_viewers.expected import Picture, expected_pictures, overlay_mask
from benchmarks.dicom_viewers.judgement import Outcome, judge
from benchmarks.dicom_viewers.table import Cell, Row, Table, markdown, ordered, replace_block, with_row
from benchmarks.dicom_viewers.viewers import LIGHTBOX, VIEWERS, Viewer, show
from benchmarks.report.registry import registered_bars, select_bars

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "dicom-viewers.md"
RESULTS = ROOT / "benchmarks" / "results" / "dicom-viewers.json"
#: The bars, by the figure that measures them.
BARS = {
    "files": "viewer-files",
    "silently-wrong": "viewer-silently-wrong",
    "pixel-error": "viewer-pixel-error",
}
#: The size of the screen for a file without an image, px.
_NO_IMAGE = (640, 480)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dicom_viewers", description=__doc__)
    parser.add_argument("verb", choices=("run", *BARS))
    parser.add_argument("--viewer", action="append", choices=sorted(VIEWERS), help="only these viewers")
    parser.add_argument("--file", action="append", default=[], help="only the files with this in their name")
    arguments = parser.parse_args()
    # SIGTERM ends the program like an error, so that it ends viewers and X servers that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if arguments.verb == "run":
        names = arguments.viewer or [name for name, viewer in VIEWERS.items() if viewer.installed]
        viewers = [VIEWERS[name] for name in names]
        versions = {viewer.name: viewer.version for viewer in viewers}
        files = []
        for case, row in compare(viewers, arguments.file):
            files.append(case.name)
            if row is not None:
                save(row, versions)
        table = ordered(load(), list(VIEWERS), files)
        DOCUMENT.write_text(replace_block(DOCUMENT.read_text(), markdown(table)))
        return 0
    rows = [row for _, row in compare([LIGHTBOX], arguments.file) if row is not None]
    return report(arguments.verb, Table({LIGHTBOX.name: LIGHTBOX.version}, rows))


def compare(viewers: Sequence[Viewer], only: Sequence[str] = ()) -> Iterator[tuple[Case, Row | None]]:
    """Shows every file in every viewer, and prints a line for each. A file that is left out has no row."""
    with tempfile.TemporaryDirectory(prefix="dicom-viewers-") as folder:
        for case in cases(Path(folder)):
            left_out = bool(only) and not any(part in case.name for part in only)
            yield case, None if left_out else _row(case, viewers)


def load() -> Table:
    return _decode(RESULTS.read_bytes())


def save(row: Row, versions: dict[str, str]) -> None:
    """Adds a row to the stored results at once, so that a run that is interrupted loses nothing.

    The file is locked meanwhile, because viewers can be measured by several processes.
    """
    with RESULTS.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        table = with_row(_decode(file.read()), row, versions)
        file.truncate(0)
        file.write(msgspec.json.format(msgspec.json.encode(table)) + b"\n")


def _decode(stored: bytes) -> Table:
    return msgspec.json.decode(stored, type=Table) if stored else Table({}, [])


def report(figure: str, table: Table) -> int:
    """Prints the value of a bar, and returns whether it is reached."""
    values = {
        "files": len(table.rows),
        "silently-wrong": sum(
            table.count(LIGHTBOX.name, outcome) for outcome in (Outcome.SILENTLY_WRONG, Outcome.NOT_FOUND)
        ),
        "pixel-error": table.worst(LIGHTBOX.name),
    }
    (bar,) = select_bars(registered_bars(), [BARS[figure]])
    print(f"value: {values[figure]}", flush=True)
    return REACHED if bar.reached_by(values[figure]) else MISSED


def _row(case: Case, viewers: Sequence[Viewer]) -> Row:
    dataset = pydicom.dcmread(case.file, force=True)
    pictures: list[Picture] = expected_pictures(dataset)
    size = (pictures[0].shape[1], pictures[0].shape[0]) if pictures else _NO_IMAGE
    mask = overlay_mask(dataset) if pictures else None
    cells = []
    for viewer in viewers:
        shown = show(viewer, case.opened, size)
        found = judge(shown.screen, pictures, _masked(mask, viewer), error_said=shown.error_said)
        error = "" if found.worst is None else f", worst {found.worst}, mean {found.mean:.2f}"
        print(f"{case.name}: {viewer.name}: {found.outcome.value}{error}", file=sys.stderr, flush=True)
        cells.append(
            Cell(
                viewer.name,
                found.outcome,
                found.worst,
                None if found.mean is None else round(found.mean, 2),
                round(shown.start_s, 2),
                round(shown.memory_mb, 1),
            )
        )
    return Row(case.name, case.kind, case.source.value, cells)


def _masked(mask: NDArray[np.bool_] | None, viewer: Viewer) -> NDArray[np.bool_] | None:
    """Adds the part of the image in which the viewer writes; at most half of the image."""
    if mask is None or not viewer.annotated:
        return mask
    masked = mask.copy()
    masked[mask.shape[0] - min(viewer.annotated, mask.shape[0] // 2) :] = True
    return masked


if __name__ == "__main__":
    raise SystemExit(main())
