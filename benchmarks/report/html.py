"""Builds the parts of HTML pages: the document with its style sheet, tables, names of figures and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("page.css")


def document(title: str, body: str) -> str:
    """Returns a self-contained page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE.read_text()}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def table(rows: Iterable[Sequence[str]], *, raw_last: bool = False) -> str:
    """Returns a table. The first row is the head. Cells are text; with `raw_last`, the last column is
    HTML."""
    head, *body = rows
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = []
    for row in body:
        texts = [escape(cell) for cell in row]
        if raw_last:
            texts[-1] = row[-1]
        lines.append("<tr>" + "".join(f"<td>{text}</td>" for text in texts) + "</tr>")
    return f'<div class="scroll"><table><tr>{cells}</tr>{"".join(lines)}</table></div>'


def number(value: float) -> str:
    """Formats a value with three significant digits, or as an integer from 1000 on."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


#: Spelling of units and acronyms in the names of figures.
SPELLED = {"mb": "MB", "kb": "kB", "mbps": "Mbit/s", "kbps": "kbit/s", "db": "dB", "psnr": "PSNR"}


def words(name: str) -> str:
    """Returns the name of a figure as text, such as "down Mbit/s"."""
    return " ".join(SPELLED.get(word, word) for word in name.split("_"))
