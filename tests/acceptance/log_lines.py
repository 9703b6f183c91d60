"""Compares lines of logs. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable


def extra_lines(lines: Iterable[str], usual: Iterable[str]) -> list[str]:
    """Returns the lines that are not among the usual ones, each of which accounts for one line of its event.

    Lines that are no JSON objects with an event are compared as they are.
    """
    left = Counter(_event(line) for line in usual)
    extra = []
    for line in lines:
        event = _event(line)
        if left[event]:
            left[event] -= 1
        else:
            extra.append(line)
    return extra


def _event(line: str) -> str:
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    return str(fields.get("event", line)) if isinstance(fields, dict) else line
