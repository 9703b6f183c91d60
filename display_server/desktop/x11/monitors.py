"""The rules of monitor layouts, and which windows a layout leaves out of reach. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from display_server.desktop.x11.rectangle import Rectangle
from display_server.errors import LayoutError
from display_server.protocol.limits import MONITORS_MAX

#: The smallest monitor, px. Menus and dialogs of common programs need at least this.
WIDTH_MIN, HEIGHT_MIN = 320, 200
#: The size to which a desktop's screen can grow unless its profile says otherwise: width and height, px.
SCREEN_MAX = 8192, 4320
#: How much of a window's upper edge must be visible so that a person can drag the window, px.
REACH_PX = 64
#: How far above the bottom of a monitor a window's upper edge must be so that a person can grasp it, px.
EDGE_PX = 16


@dataclass(frozen=True, slots=True)
class Monitor(Rectangle):
    """A rectangle of the screen, px. `id` is the monitor's number, by which viewers ask for it."""

    id: int
    x: int
    y: int
    width: int
    height: int
    primary: bool = False


def normalise_layout(wanted: Iterable[Monitor], screen_max: tuple[int, int]) -> tuple[Monitor, ...]:
    """Checks a layout and returns it in its normal form.

    The monitors are then sorted by number, their bounding box begins at 0, 0, and exactly one of them is
    primary. `screen_max` is the size to which the screen can grow, px. Raises LayoutError, whose text says
    what to change.
    """
    monitors = sorted(wanted, key=lambda monitor: monitor.id)
    numbers = [monitor.id for monitor in monitors]
    if not 1 <= len(monitors) <= MONITORS_MAX:
        raise LayoutError(f"A desktop can have 1 to {MONITORS_MAX} monitors, not {len(monitors)}.")
    if numbers[0] != 0 or numbers[-1] >= MONITORS_MAX or len(set(numbers)) != len(numbers):
        raise LayoutError(
            f"Monitors have numbers from 0 to {MONITORS_MAX - 1}, each once, and 0 is one of them."
        )
    for monitor in monitors:
        if monitor.width < WIDTH_MIN or monitor.height < HEIGHT_MIN:
            raise LayoutError(
                f"Monitor {monitor.id} would be {monitor.width}×{monitor.height};"
                f" the minimum is {WIDTH_MIN}×{HEIGHT_MIN}."
            )
    for index, monitor in enumerate(monitors):
        for other in monitors[index + 1 :]:
            if monitor.overlap_px(other):
                raise LayoutError(f"Monitors {monitor.id} and {other.id} would overlap.")
    left, top = min(monitor.x for monitor in monitors), min(monitor.y for monitor in monitors)
    width, height = max(monitor.right for monitor in monitors) - left, max(m.bottom for m in monitors) - top
    if width > screen_max[0] or height > screen_max[1]:
        raise LayoutError(
            f"The monitors would take {width}×{height} together;"
            f" this desktop can have at most {screen_max[0]}×{screen_max[1]} (screen_max of its profile)."
        )
    primary = [monitor.id for monitor in monitors if monitor.primary]
    if len(primary) > 1:
        raise LayoutError("Only one monitor can be primary.")
    first = primary[0] if primary else 0
    return tuple(
        replace(monitor, x=monitor.x - left, y=monitor.y - top, primary=monitor.id == first)
        for monitor in monitors
    )


def bounding_size(monitors: Sequence[Monitor]) -> tuple[int, int]:
    """Returns the width and height, from 0, 0, of the screen that contains all monitors, px."""
    return max(monitor.right for monitor in monitors), max(monitor.bottom for monitor in monitors)


def reachable_position(
    window: tuple[int, int, int, int], monitors: Sequence[Monitor]
) -> tuple[int, int] | None:
    """Returns the position to which a window must be moved to be within reach; None if it can stay.

    `window` is (x, y, width, height) with its frame, px. People drag a window by its upper edge, so a window
    can stay if half of that edge is on monitors, or as much of it as half of the narrowest monitor below it;
    in any case `REACH_PX` of it.
    """
    x, y, width, height = window
    reach, edge = min(REACH_PX, width), min(EDGE_PX, height)
    under = [
        monitor
        for monitor in monitors
        if monitor.y <= y <= monitor.bottom - edge and monitor.x < x + width and x < monitor.right
    ]
    visible_px = sum(min(x + width, monitor.right) - max(x, monitor.x) for monitor in under)
    if under and visible_px >= max(reach, min(width, *(monitor.width for monitor in under)) // 2):
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
