"""Runs the micro benchmarks, which measure single components, and prints them as a Markdown table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from benchmarks.micro.browser_decode import browser_decode
from benchmarks.micro.dirty_mask import dirty_mask
from benchmarks.micro.figure import Figure, MissingError
from benchmarks.micro.stills import stills
from benchmarks.micro.video import video
from benchmarks.micro.wire import wire
from benchmarks.report.html import number

PARTS: dict[str, Callable[[], list[Figure]]] = {
    "stills": stills,
    "decode": browser_decode,
    "dirty-mask": dirty_mask,
    "wire": wire,
    "video": video,
}


def measure(names: Iterable[str]) -> tuple[list[Figure], dict[str, str]]:
    """Runs the named parts. Returns their figures, and the reasons for those that could not be measured."""
    figures: list[Figure] = []
    missing = {}
    for name in names:
        try:
            figures += PARTS[name]()
        except MissingError as error:
            missing[f"micro {name}"] = str(error)
    return figures, missing


def replace(old: Sequence[Figure], new: Sequence[Figure]) -> list[Figure]:
    """Replaces the figures in `old` of the parts that are in `new`."""
    parts = {figure.part for figure in new}
    return [figure for figure in old if figure.part not in parts] + list(new)


def table(figures: Sequence[Figure]) -> str:
    lines = ["| part | subject | value | ratio |", "|---|---|---:|---:|"]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} × {figure.against}"
        lines.append(f"| {figure.part} | {figure.subject} | {number(figure.value)} {figure.unit} | {ratio} |")
    return "\n".join(lines)
