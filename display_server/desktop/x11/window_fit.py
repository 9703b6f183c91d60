"""Where windows belong when the work areas of the monitors change. Pure.

A window's place is its frame in fractions of the work area of its monitor. The place is taken once, from the
profile's rule or from where the window stands, and again only when the person moves the window. Every change
of the work areas computes new frames from the places, so shrinking and growing again restores every window.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.rectangle import Area

#: Places that differ by less than this are the same.
PLACE_ROUNDING = 1e-4
#: How often a window manager that left a window where it was is asked again.
REPEATS_MAX = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A frame in fractions of a work area."""

    x: float
    y: float
    width: float
    height: float

    def is_near(self, other: Place) -> bool:
        """Returns whether both are the same, apart from rounding."""
        pairs = ((self.x, other.x), (self.y, other.y), (self.width, other.width), (self.height, other.height))
        return all(abs(one - another) < PLACE_ROUNDING for one, another in pairs)


@dataclass(frozen=True, slots=True)
class WindowRule:
    """Where a profile wants the window of a program. `place` is None for a maximised window.

    `upright` is its place in a work area that is higher than wide, if it has another one there. With
    `on_demand`, the program is not started with the desktop, so that its first window is one that the person
    has just opened.
    """

    window_class: str
    place: Place | None
    upright: Place | None = None
    on_demand: bool = False

    def place_in(self, area: Area) -> Place | None:
        """Returns the place in a work area."""
        return self.upright if self.upright is not None and area.height > area.width else self.place


@dataclass(frozen=True, slots=True)
class SizeHints:
    """The sizes that a program allows for its window, px.

    `border` is what the frame adds to the window's own width and height. The window's size is `base` plus a
    multiple of `step`. A window that is not `resizable` always has its `min_size`.
    """

    border: tuple[int, int] = (0, 0)
    min_size: tuple[int, int] = (1, 1)
    base: tuple[int, int] = (0, 0)
    step: tuple[int, int] = (1, 1)
    resizable: bool = True

    def frame_size(self, wanted: tuple[int, int]) -> tuple[int, int]:
        """Returns the largest allowed size of a frame within `wanted`, or the smallest if none is."""
        sides = []
        for axis in (0, 1):
            border, base, step = self.border[axis], self.base[axis], max(1, self.step[axis])
            inner = base + max(0, wanted[axis] - border - base) // step * step
            sides.append(
                border + (max(inner, self.min_size[axis]) if self.resizable else self.min_size[axis])
            )
        return sides[0], sides[1]


@dataclass(frozen=True, slots=True)
class HomePlace:
    """The monitor that a window belongs to, and its place there."""

    monitor: int
    place: Place


@dataclass(frozen=True, slots=True)
class ManagedWindow:
    """A window as the window manager shows it now.

    `stored` is what an earlier process of the agent knew of it. A window whose size the window manager
    determines is `maximised` or `fullscreen`. Dialogs follow no rule.
    """

    id: int
    frame: Area
    window_class: str = ""
    hints: SizeHints = SizeHints()
    maximised: bool = False
    fullscreen: bool = False
    dialog: bool = False
    stored: HomePlace | None = None


@dataclass(frozen=True, slots=True)
class WindowMove:
    """What the window manager is asked to do with a window."""

    window: int
    frame: Area | None = None
    maximise: bool = False
    #: Raises the window and gives it the focus.
    activate: bool = False


@dataclass(slots=True)
class _Known:
    """What is known of a window.

    `shown_on` is the monitor that shows it: that of `home`, unless that one was removed. `expected` is the
    frame that it had when it was observed last. While a move is under way, `before` is the frame that it had
    before, and `expected` the one that was requested. `border` is what the frame added to the window when it
    was observed last.
    """

    home: HomePlace
    shown_on: int
    expected: Area
    before: Area | None = None
    repeats: int = 0
    maximised: bool = False
    rule: WindowRule | None = None
    border: tuple[int, int] = (0, 0)


@dataclass
class WindowFit:
    """The places of all windows. `update` is called whenever windows or work areas may have changed."""

    rules: Sequence[WindowRule] = ()
    _known: dict[int, _Known] = field(default_factory=dict)
    _areas: Mapping[int, Area] = field(default_factory=dict)
    #: Classes whose rule placed a window before. The first windows are those that the profile started.
    _placed_classes: set[str] = field(default_factory=set)

    def home(self, window: int) -> HomePlace | None:
        """Returns where a window belongs; None for an unknown window."""
        known = self._known.get(window)
        return known.home if known is not None else None

    def update(self, windows: Sequence[ManagedWindow], areas: Mapping[int, Area]) -> list[WindowMove]:
        """Returns what is to be moved. `areas` are the work areas by the monitor's number, not empty."""
        changed = bool(self._areas) and dict(areas) != dict(self._areas)
        previous, self._areas = self._areas, dict(areas)
        present = {window.id for window in windows}
        self._known = {number: known for number, known in self._known.items() if number in present}
        moves: list[WindowMove] = []
        for window in windows:
            known = self._known.get(window.id)
            if known is None and window.stored is not None:
                known = self._remember(window, window.stored)
                self._placed_classes.add(window.window_class)
                moves += self._refit(window, known, previous)
            elif known is None:
                moves += self._place_new(window)
            elif changed or _border_changed(window, known):
                moves += self._refit(window, known, previous)
            else:
                moves += self._observe(window, known)
            self._known[window.id].border = window.hints.border
        return moves

    def gather(self, windows: Sequence[ManagedWindow], monitor: int, target: int) -> list[WindowMove]:
        """Moves the windows that stand on `monitor` to `target`, where they belong from then on."""
        if target not in self._areas or monitor not in self._areas or target == monitor:
            return []
        moves = []
        for window in windows:
            known = self._known.get(window.id)
            if known is not None and monitor_under(window.frame, self._areas) == monitor:
                known.home = HomePlace(target, known.home.place)
                moves += self._refit(window, known, self._areas)
        return moves

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _remember(self, window: ManagedWindow, home: HomePlace) -> _Known:
        known = _Known(home, home.monitor, window.frame, maximised=window.maximised or window.fullscreen)
        known.rule = next((rule for rule in self.rules if rule.window_class == window.window_class), None)
        self._known[window.id] = known
        return known

    def _place_new(self, window: ManagedWindow) -> list[WindowMove]:
        """Places a window by its rule, unless another window has that place; else only makes it fit."""
        monitor = monitor_under(window.frame, self._areas)
        area = self._areas[monitor]
        taken = {known.rule for known in self._known.values() if known.home.monitor == monitor}
        inside = fit_inside(window.frame, area, window.hints)
        known = self._remember(window, HomePlace(monitor, place_of(inside, area)))
        rule = known.rule if not window.dialog and known.rule not in taken else None
        known.rule = rule
        if window.fullscreen:
            return []
        if rule is None:
            return [] if window.maximised else self._move(window, known, inside)
        first = rule.window_class not in self._placed_classes
        self._placed_classes.add(rule.window_class)
        place = rule.place_in(area)
        if place is None:
            known.maximised = True
            return [WindowMove(window.id, maximise=True, activate=first)]
        known.home = HomePlace(monitor, place)
        moves = self._move(window, known, frame_at(place, area, window.hints))
        # The programs that start with the desktop do so in any order; its maximised one is in front of them.
        in_front = (number for number, other in self._known.items() if _is_main(other))
        if first and not rule.on_demand and (main := next(in_front, None)) is not None:
            moves.append(WindowMove(main, activate=True))
        return moves

    def _refit(self, window: ManagedWindow, known: _Known, previous: Mapping[int, Area]) -> list[WindowMove]:
        """Moves a window to its place after the work areas changed."""
        known.maximised = window.maximised or window.fullscreen
        home = known.home.monitor
        if home not in self._areas:
            # The window stays on the monitor that is nearest to its own one, until that one is back.
            home = monitor_under(previous.get(home, window.frame), self._areas)
        known.shown_on = home
        area = self._areas[home]
        if known.maximised:
            # The window manager keeps the size of such a window right, but not its monitor.
            stays = monitor_under(window.frame, self._areas) == home
            return [] if stays else [WindowMove(window.id, area)]
        self._turn(known, area)
        return self._move(window, known, frame_at(known.home.place, area, window.hints))

    def _turn(self, known: _Known, area: Area) -> None:
        """Gives a window that still has the place of its rule the one for the orientation of this area."""
        if (rule := known.rule) is None or rule.place is None or rule.upright is None:
            return
        place = rule.place_in(area)
        if place is not None and any(known.home.place.is_near(own) for own in (rule.place, rule.upright)):
            known.home = HomePlace(known.home.monitor, place)

    def _observe(self, window: ManagedWindow, known: _Known) -> list[WindowMove]:
        """Handles a window while the work areas stay: learns where the person moved it."""
        frame = window.frame
        monitor = monitor_under(frame, self._areas)
        if window.maximised or window.fullscreen:
            known.maximised = True
            if monitor != known.shown_on:
                known.home, known.shown_on = HomePlace(monitor, known.home.place), monitor
            return []
        if known.maximised:
            # The window manager restores the size from before, which may be that of another screen.
            known.maximised = False
            inside = fit_inside(frame, self._areas[monitor], window.hints)
            self._learn(known, inside)
            return self._move(window, known, inside)
        if known.before is not None:
            if frame == known.before and known.repeats < REPEATS_MAX:
                known.repeats += 1
                return [WindowMove(window.id, known.expected)]
            known.expected, known.before = frame, None
        elif frame != known.expected:
            known.expected = frame
            self._learn(known, frame)
        return []

    def _learn(self, known: _Known, frame: Area) -> None:
        """Takes the place of a frame where the person put it."""
        monitor = monitor_under(frame, self._areas)
        known.home, known.shown_on = HomePlace(monitor, place_of(frame, self._areas[monitor])), monitor

    def _move(self, window: ManagedWindow, known: _Known, target: Area) -> list[WindowMove]:
        known.expected, known.before, known.repeats = target, None, 0
        if target == window.frame:
            return []
        known.before = window.frame
        return [WindowMove(window.id, target)]


def _border_changed(window: ManagedWindow, known: _Known) -> bool:
    """Returns whether the title bar follows another text size. No person has changed the frame then."""
    sized_by_manager = known.maximised or window.maximised or window.fullscreen
    return window.hints.border != known.border and not sized_by_manager


def work_areas(monitors: Iterable[Monitor], panels: Collection[Area]) -> dict[int, Area]:
    """Returns the part of each monitor that panels leave free, by the monitor's number.

    EWMH's _NET_WORKAREA is one rectangle for all monitors together, so that the panels' own rectangles count.
    """
    areas = {}
    for monitor in monitors:
        left, top, right, bottom = monitor.x, monitor.y, monitor.right, monitor.bottom
        for panel in panels:
            if 2 * monitor.overlap_px(panel) <= panel.width * panel.height:
                continue
            if panel.width >= panel.height and 2 * panel.y + panel.height > monitor.y + monitor.bottom:
                bottom = min(bottom, panel.y)
            elif panel.width >= panel.height:
                top = max(top, panel.bottom)
            elif 2 * panel.x + panel.width > monitor.x + monitor.right:
                right = min(right, panel.x)
            else:
                left = max(left, panel.right)
        free = Area(left, top, right - left, bottom - top)
        if free.width <= 0 or free.height <= 0:
            free = Area(monitor.x, monitor.y, monitor.width, monitor.height)
        areas[monitor.id] = free
    return areas


def place_of(frame: Area, area: Area) -> Place:
    """Returns a frame in fractions of a work area."""
    return Place(
        (frame.x - area.x) / area.width,
        (frame.y - area.y) / area.height,
        frame.width / area.width,
        frame.height / area.height,
    )


def frame_at(place: Place, area: Area, hints: SizeHints) -> Area:
    """Returns the frame that a place has in a work area.

    The frame lies inside the area, unless the program does not allow a window that is small enough.
    """
    left, top = round(area.x + place.x * area.width), round(area.y + place.y * area.height)
    right = round(area.x + (place.x + place.width) * area.width)
    bottom = round(area.y + (place.y + place.height) * area.height)
    return _inside(left, top, right - left, bottom - top, area, hints)


def fit_inside(frame: Area, area: Area, hints: SizeHints) -> Area:
    """Moves a frame into a work area, and makes it smaller if it is larger than the area.

    If the program does not allow that, the upper left corner of the frame is visible.
    """
    if area.contains(frame):
        return frame
    return _inside(frame.x, frame.y, frame.width, frame.height, area, hints)


def _inside(x: int, y: int, width: int, height: int, area: Area, hints: SizeHints) -> Area:
    width, height = hints.frame_size((min(width, area.width), min(height, area.height)))
    return Area(
        max(area.x, min(x, area.right - width)), max(area.y, min(y, area.bottom - height)), width, height
    )


def monitor_under(frame: Area, areas: Mapping[int, Area]) -> int:
    """Returns the monitor that shows most of a frame; for a frame that none shows, the nearest monitor."""

    def rank(number: int) -> tuple[int, int, int]:
        area = areas[number]
        x, y = frame.x + frame.width // 2, frame.y + frame.height // 2
        dx = max(area.x - x, 0, x - (area.right - 1))
        dy = max(area.y - y, 0, y - (area.bottom - 1))
        return -area.overlap_px(frame), dx * dx + dy * dy, number

    return min(areas, key=rank)


def _is_main(known: _Known) -> bool:
    return known.rule is not None and known.rule.place is None
