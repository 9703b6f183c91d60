"""The table of docs/dicom-viewers.md: a row per file, a column per viewer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks.dicom_viewers.judgement import Outcome

BEGIN = "<!-- table: made by `python -m benchmarks.dicom_viewers run`; do not edit -->"
END = "<!-- end of table -->"


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one viewer made of one file."""

    viewer: str
    outcome: Outcome
    worst: int | None
    mean: float | None
    start_s: float
    memory_mb: float


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    kind: str
    source: str
    cells: list[Cell]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table. `versions` has the version of each viewer."""

    versions: dict[str, str]
    rows: list[Row]

    def cells_of(self, viewer: str) -> list[Cell]:
        return [cell for row in self.rows for cell in row.cells if cell.viewer == viewer]

    def count(self, viewer: str, outcome: Outcome) -> int:
        return sum(cell.outcome is outcome for cell in self.cells_of(viewer))

    def worst(self, viewer: str) -> int:
        """Returns the greatest error of a pixel in the images that the viewer shows."""
        return max((cell.worst or 0 for cell in self.cells_of(viewer) if cell.worst is not None), default=0)


def with_row(table: Table, row: Row, versions: dict[str, str]) -> Table:
    """Returns the table with the results of one file. Cells of viewers that are not in `versions` stay."""
    old = next((other for other in table.rows if other.file == row.file), None)
    kept = [cell for cell in old.cells if cell.viewer not in versions] if old else []
    new = msgspec.structs.replace(row, cells=row.cells + kept)
    rows = [new if other.file == row.file else other for other in table.rows]
    return Table(table.versions | versions, rows if old else [*rows, new])


def ordered(table: Table, viewers: Sequence[str], files: Sequence[str]) -> Table:
    """Returns the table with its columns and rows in this order, without others."""
    by_file = {row.file: row for row in table.rows}
    versions = {viewer: table.versions[viewer] for viewer in viewers if viewer in table.versions}
    return Table(versions, [by_file[file] for file in files if file in by_file])


def markdown(table: Table) -> str:
    """Returns the block of the document, with its marks."""
    viewers = list(table.versions)
    lines = [BEGIN, ""]
    lines += [
        "| viewer | version | " + " | ".join(outcome.value for outcome in Outcome) + " | start | memory |"
    ]
    lines += ["|---|---|" + "---|" * len(Outcome) + "---|---|"]
    for viewer in viewers:
        counts = " | ".join(str(table.count(viewer, outcome)) for outcome in Outcome)
        start = _median([cell.start_s for cell in table.cells_of(viewer)])
        memory = _median([cell.memory_mb for cell in table.cells_of(viewer)])
        lines.append(f"| {viewer} | {table.versions[viewer]} | {counts} | {start:.1f} s | {memory:.0f} MB |")
    lines += [
        "",
        "| file | kind | from | " + " | ".join(viewers) + " |",
        "|---|---|---|" + "---|" * len(viewers),
    ]
    for row in table.rows:
        by_viewer = {cell.viewer: cell for cell in row.cells}
        cells = " | ".join(_cell(by_viewer.get(viewer)) for viewer in viewers)
        lines.append(f"| `{row.file}` | {row.kind} | {row.source} | {cells} |")
    return "\n".join([*lines, "", END])


def replace_block(document: str, block: str) -> str:
    """Returns the document with its table replaced. Raises ValueError if it has no marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks {BEGIN} … {END}")
    return before + block + after


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    if cell.outcome is Outcome.SILENTLY_WRONG:
        return f"**wrong** by up to {cell.worst}, {cell.mean:.1f} on average"
    return str(cell.outcome.value)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0
