"""Who may take emergency access, and for how long. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: Shortest and longest reason, characters.
REASON_MIN, REASON_MAX = 10, 400


@dataclass(frozen=True, slots=True)
class BreakGlassSettings:
    """The operator's settings (`[break_glass]`): whose members may take emergency access, for how long."""

    groups: frozenset[str] = frozenset()
    lasts_s: float = 3600.0
