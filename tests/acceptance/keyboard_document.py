"""Reads the tables of docs/keyboards.md: which cells of Linux nobody has seen right. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: The engines in which every cell of Linux has to be tested.
ENGINES = ("Chromium", "Firefox", "WebKitGTK")
#: First words of cells that say that the case was not seen right: without a test, or without a run of it.
UNTESTED = ("untested", "◐")
#: First words of all other cells: right, right with replayed events, does not apply, impossible.
SETTLED = ("●", "▲", "–", "impossible")
_HEADING = re.compile(r"#+ +(.*)")
_SEPARATOR = re.compile(r"\|(\s*:?-+:?\s*\|)+")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a column of Linux."""

    line: int
    row: str
    engine: str
    text: str

    @property
    def untested(self) -> bool:
        return self.text.startswith(UNTESTED)


def linux_cells(document: str) -> list[Cell]:
    """Returns the cells of Linux: the engines' columns of all tables below a heading that names Linux, and
    columns that name Linux anywhere.

    Raises ValueError if an engine has no column, a row has not as many cells as its table, or a cell says
    nothing that is known.
    """
    cells = [cell for table in _tables(document) for cell in table]
    for engine in ENGINES:
        if not any(engine in cell.engine for cell in cells):
            raise ValueError(f"no table of Linux has a column {engine!r}")
    for cell in cells:
        if not cell.text.startswith((*UNTESTED, *SETTLED)):
            known = " ".join((*SETTLED, *UNTESTED))
            raise ValueError(
                f"line {cell.line}: {cell.row!r} in {cell.engine} says {cell.text!r}; it must begin with one"
                f" of {known}"
            )
    return cells


def _tables(document: str) -> Iterator[list[Cell]]:
    """Yields the cells of Linux of each table, which is empty for tables of other systems."""
    lines = document.splitlines()
    heading = ""
    header: list[str] = []
    found: list[Cell] = []
    for number, line in enumerate(lines, 1):
        if match := _HEADING.match(line):
            heading = match[1]
        if not line.startswith("|"):
            yield found
            header, found = [], []
        elif not header:
            header = _row(line)
            if not (number < len(lines) and _SEPARATOR.fullmatch(lines[number].strip())):
                raise ValueError(f"line {number}: a table without a line of dashes below its header")
        elif not _SEPARATOR.fullmatch(line.strip()):
            row = _row(line)
            if len(row) != len(header):
                raise ValueError(f"line {number}: {len(row)} cells below a header of {len(header)}")
            found += [
                Cell(number, row[0], name, text)
                for name, text in zip(header, row, strict=True)
                if "Linux" in name or ("Linux" in heading and any(engine in name for engine in ENGINES))
            ]
    yield found


def _row(line: str) -> list[str]:
    return [text.strip() for text in line.strip().strip("|").split("|")]
