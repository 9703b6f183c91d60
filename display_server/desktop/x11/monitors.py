"""Monitors of one X screen: what a layout may be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from display_server.errors import LayoutError
from display_server.protocol.limits import MONITORS_MAX

#: Smaller ones hold no desktop, px.
WIDTH_MIN, HEIGHT_MIN = 320, 200
#: What X servers of ours can grow to, unless a profile says otherwise, px.
SCREEN_MAX = 8192, 4320
#: So much of a window's upper edge is enough to drag it by, px.
REACH_PX = 64
#: An upper edge nearer to the bottom than this cannot be grasped, px.
EDGE_PX = 16


@dataclass(frozen=True, slots=True)
class Monitor:
    """A rectangle of the screen, px. `id` is its number for viewers."""

    id: int
    x: int
    y: int
    width: int
    height: int
    primary: bool = False

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def overlaps(self, other: Monitor) -> bool:
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )


def normalise_layout(wanted: Iterable[Monitor], screen_max: tuple[int, int]) -> tuple[Monitor, ...]:
    """By number, moved so that the bounding box begins at 0, 0, with one primary monitor.

    `screen_max` is what the screen can grow to. Raises LayoutError, which says what to change.
    """
    monitors = sorted(wanted, key=lambda monitor: monitor.id)
    numbers = [monitor.id for monitor in monitors]
    if not 1 <= len(monitors) <= MONITORS_MAX:
        raise LayoutError(f"A desktop has 1 to {MONITORS_MAX} monitors, not {len(monitors)}.")
    if numbers[0] != 0 or numbers[-1] >= MONITORS_MAX or len(set(numbers)) != len(numbers):
        raise LayoutError(
            f"Monitors are numbered from 0 to {MONITORS_MAX - 1}, each once, and 0 is one of them."
        )
    for monitor in monitors:
        if monitor.width < WIDTH_MIN or monitor.height < HEIGHT_MIN:
            raise LayoutError(
                f"Monitor {monitor.id} would be {monitor.width}×{monitor.height};"
                f" the least is {WIDTH_MIN}×{HEIGHT_MIN}."
            )
    for index, monitor in enumerate(monitors):
        for other in monitors[index + 1 :]:
            if monitor.overlaps(other):
                raise LayoutError(f"Monitors {monitor.id} and {other.id} would overlap.")
    left, top = min(monitor.x for monitor in monitors), min(monitor.y for monitor in monitors)
    width, height = max(monitor.right for monitor in monitors) - left, max(m.bottom for m in monitors) - top
    if width > screen_max[0] or height > screen_max[1]:
        raise LayoutError(
            f"The monitors would take {width}×{height} together;"
            f" this desktop goes to {screen_max[0]}×{screen_max[1]} (the profile's screen_max)."
        )
    primary = [monitor.id for monitor in monitors if monitor.primary]
    if len(primary) > 1:
        raise LayoutError("Only one monitor can be the primary one.")
    first = primary[0] if primary else 0
    return tuple(
        replace(monitor, x=monitor.x - left, y=monitor.y - top, primary=monitor.id == first)
        for monitor in monitors
    )


def bounding_size(monitors: Sequence[Monitor]) -> tuple[int, int]:
    """Width and height from 0, 0 that hold all of them, px."""
    return max(monitor.right for monitor in monitors), max(monitor.bottom for monitor in monitors)


def reachable_position(
    window: tuple[int, int, int, int], monitors: Sequence[Monitor]
) -> tuple[int, int] | None:
    """Where a window (x, y, width, height, with its frame) has to go to be within reach; None: it may stay.

    It may stay while of its upper edge, by which it is moved, half is on monitors, or as much as half of the
    narrowest of them, and in any case `REACH_PX` of it.
    """
    x, y, width, height = window
    reach, edge = min(REACH_PX, width), min(EDGE_PX, height)
    under = [
        monitor
        for monitor in monitors
        if monitor.y <= y <= monitor.bottom - edge and monitor.x < x + width and x < monitor.right
    ]
    seen = sum(min(x + width, monitor.right) - max(x, monitor.x) for monitor in under)
    if under and seen >= max(reach, min(width, *(monitor.width for monitor in under)) // 2):
        return None
    target = min(
        monitors, key=lambda monitor: (_distance(x + width // 2, y + height // 2, monitor), monitor.id)
    )
    return (
        max(target.x, min(x, target.right - width)),
        max(target.y, min(y, target.bottom - height)),
    )


def _distance(x: int, y: int, monitor: Monitor) -> int:
    dx = max(monitor.x - x, 0, x - (monitor.right - 1))
    dy = max(monitor.y - y, 0, y - (monitor.bottom - 1))
    return dx * dx + dy * dy
