"""The section of the page about the micro benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.micro.figure import Figure
from benchmarks.report.html import number, table

#: A part measured on several kinds of content is called "content: quantity".
SEPARATOR = ": "


def micro_section(figures: Sequence[Figure]) -> str:
    """Returns a table per quantity, with a column per kind of content if there are several."""
    if not figures:
        return ""
    crossed: dict[str, dict[str, dict[str, Figure]]] = {}
    plain: list[Figure] = []
    for figure in figures:
        content, separator, what = figure.part.partition(SEPARATOR)
        if separator and figure.ratio is not None:
            crossed.setdefault(what, {}).setdefault(figure.subject, {})[content] = figure
        else:
            plain.append(figure)
    parts = ["<h2>Single parts</h2>"]
    parts += [_crossed(what, rows) for what, rows in crossed.items()]
    rows = [["part", "of", "value", "ratio"]]
    rows += [[f.part, f.subject, f"{number(f.value)} {f.unit}", _ratio(f, named=True)] for f in plain]
    return "".join(parts) + (table(rows) if plain else "")


def _crossed(what: str, rows: dict[str, dict[str, Figure]]) -> str:
    contents = list(dict.fromkeys(content for found in rows.values() for content in found))
    first = next(iter(next(iter(rows.values())).values()))
    cells = [[what, *contents]]
    for subject, found in rows.items():
        cells.append([subject, *(_cell(found[c]) if c in found else "–" for c in contents)])
    note = f"in {first.unit}, in brackets as a ratio to {first.against}"
    return f"<p class='note'>{escape(what.capitalize())} {escape(note)}.</p>{table(cells)}"


def _cell(figure: Figure) -> str:
    return f"{number(figure.value)} ({_ratio(figure, named=False)})"


def _ratio(figure: Figure, *, named: bool) -> str:
    """Returns the ratio as text; with `named`, followed by what it is a ratio to."""
    if figure.ratio is None:
        return "–"
    return f"{figure.ratio:.2f} ×" + (f" {figure.against}" if named else "")
