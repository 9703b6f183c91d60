"""Reads and validates `bars.toml`, the registry of all bars."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.links.link import parse_link
from benchmarks.report.bars import MICRO, REGISTRY, Bar, Verb


def load_bars(path: Path = REGISTRY) -> tuple[Bar, ...]:
    """Reads a registry. Raises ValueError that names the file, the bar and the fault."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    if document.keys() != {"bar"} or not isinstance(document["bar"], list):
        raise ValueError(f"{path}: the file must consist of [[bar]] tables")
    bars: dict[str, Bar] = {}
    for index, row in enumerate(document["bar"], 1):
        name = row.get("id", f"number {index}")
        try:
            bar = msgspec.convert(row, Bar)
        except msgspec.ValidationError as error:
            raise ValueError(f"{path}: bar {name}: {error}") from error
        if bar.id in bars:
            raise ValueError(f"{path}: bar {name}: the id is registered twice")
        bars[bar.id] = bar
    for bar in bars.values():
        for fault in _faults(bar, bars):
            raise ValueError(f"{path}: bar {bar.id}: {fault}")
    return tuple(bars.values())


@functools.cache
def registered_bars() -> tuple[Bar, ...]:
    """Returns the bars of `bars.toml`, read once."""
    return load_bars()


def _faults(bar: Bar, bars: Mapping[str, Bar]) -> list[str]:
    """Checks what the types cannot: combinations of fields, and references to other bars."""
    faults = []
    if (bar.at_most is None) == (bar.at_least is None):
        faults.append("needs either at_most or at_least")
    if (bar.case is None) != (bar.figure is None):
        faults.append("needs both case and figure, or neither")
    if bar.case is not None and bar.command is not None:
        faults.append("has a case and a command, but only one of them can measure it")
    if (bar.verb is Verb.BENCH) != (bar.case is not None):
        faults.append('the verb "bench" belongs to bars with a case, and only to them')
    if bar.case is None and bar.peer is not None:
        faults.append("a peer needs a case")
    if bar.case == MICRO and bar.peer is not None:
        faults.append("a micro benchmark has its own reference and takes no peer")
    if bar.needs and bar.command is None:
        faults.append("needs lists files of a command, but there is no command")
    for field in ("replaced_by", "requires"):
        other = getattr(bar, field)
        if other is not None and (other not in bars or other == bar.id):
            faults.append(f"{field} names {other!r}, which is no other bar")
    required = bars.get(bar.requires) if bar.requires is not None else None
    if bar.replaced_by is None and required is not None and required.replaced_by is not None:
        faults.append(f"requires {bar.requires!r}, which was replaced")
    if _is_cycle(bar, bars):
        faults.append("replaced_by or requires leads back to the bar itself")
    return faults + _link_fault(bar)


def _link_fault(bar: Bar) -> list[str]:
    try:
        parse_link(bar.link)
    except ValueError as error:
        return [str(error)]
    return []


def _is_cycle(bar: Bar, bars: Mapping[str, Bar]) -> bool:
    for field in ("replaced_by", "requires"):
        visited = {bar.id}
        following: Any = getattr(bar, field)
        while following in bars:
            if following in visited:
                return True
            visited.add(following)
            following = getattr(bars[following], field)
    return False


def select_bars(bars: tuple[Bar, ...], names: list[str]) -> list[Bar]:
    """Returns the bars with these ids. Raises ValueError for unknown and for replaced ones."""
    by_id = {bar.id: bar for bar in bars}
    for name in names:
        if name not in by_id:
            raise ValueError(f"there is no bar {name!r} in bars.toml")
        if (successor := by_id[name].replaced_by) is not None:
            raise ValueError(f"bar {name!r} was replaced by {successor!r}")
    return [by_id[name] for name in dict.fromkeys(names)]
