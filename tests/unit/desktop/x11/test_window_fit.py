"""Windows keep their places in proportion, nothing is cut off, and growing restores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.rectangle import Area
from display_server.desktop.x11.window_fit import (
    HomePlace,
    ManagedWindow,
    Place,
    SizeHints,
    WindowFit,
    WindowMove,
    WindowRule,
    fit_inside,
    frame_at,
    monitor_under,
    place_of,
    work_areas,
)

SCREEN = Area(0, 0, 1920, 1040)
SMALL = Area(0, 0, 800, 560)
RIGHT = Area(1920, 0, 1280, 984)
MAIN = WindowRule("Viewer", None)
SIDE = WindowRule("Files", Place(0.64, 0.0, 0.36, 0.56))

sides = st.integers(640, 4000)
areas = st.builds(Area, st.integers(-3000, 3000), st.integers(-3000, 3000), sides, sides)
hints = st.builds(
    SizeHints,
    border=st.tuples(st.integers(0, 4), st.integers(0, 60)),
    min_size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    base=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    step=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)


@st.composite
def frames_in(draw: st.DrawFn, area: Area) -> Area:
    """Generates a frame that lies inside an area."""
    width, height = draw(st.integers(40, area.width)), draw(st.integers(40, area.height))
    return Area(
        area.x + draw(st.integers(0, area.width - width)),
        area.y + draw(st.integers(0, area.height - height)),
        width,
        height,
    )


def test_a_title_bar_that_grows_makes_no_window_reach_outside() -> None:
    small, large = SizeHints(border=(2, 24)), SizeHints(border=(2, 64))
    rule = WindowRule("Editor", Place(0.0, 0.0, 0.5, 1.0))
    fit = WindowFit([rule])
    (move,) = fit.update([ManagedWindow(1, Area(5, 5, 300, 300), "Editor", small)], {0: SCREEN})
    wanted = Area(0, 0, 960, 1040)
    assert move.frame == wanted
    # The move is applied with the former title bar, and then the title bar grows.
    grown = replace(wanted, height=wanted.height + 40)
    for _ in range(2):
        assert fit.update([ManagedWindow(1, grown, "Editor", large)], {0: SCREEN})[0].frame == wanted
        assert fit.update([ManagedWindow(1, wanted, "Editor", large)], {0: SCREEN}) == []
        small, large = large, small
        grown = replace(wanted, height=wanted.height - 40)
    moved = replace(wanted, x=100)  # by the person, who is still followed
    assert fit.update([ManagedWindow(1, moved, "Editor", small)], {0: SCREEN}) == []
    home = fit.home(1)
    assert home is not None
    assert home.place == place_of(moved, SCREEN)


class WindowManager:
    """The window manager of one fake desktop: does what it is asked, as far as size hints allow."""

    def __init__(self, fit: WindowFit, monitors: Mapping[int, Area]) -> None:
        self.fit = fit
        self.monitors = dict(monitors)
        self.windows: dict[int, ManagedWindow] = {}
        self.activated: list[int] = []

    def open(self, window: ManagedWindow) -> None:
        self.windows[window.id] = window
        self.settle()

    def drag(self, window: int, frame: Area) -> None:
        """The person gives a window another frame."""
        self.windows[window] = replace(self.windows[window], frame=frame)
        self.settle()

    def rearrange(self, monitors: Mapping[int, Area]) -> None:
        """Other monitors. As openbox does, pushes windows onto them, and resizes those that are maximised."""
        self.monitors = dict(monitors)
        for window in self.windows.values():
            area = self.monitors[monitor_under(window.frame, self.monitors)]
            frame = (
                area
                if window.maximised
                else replace(
                    window.frame,
                    x=max(area.x, min(window.frame.x, area.right - window.frame.width)),
                    y=max(area.y, min(window.frame.y, area.bottom - window.frame.height)),
                )
            )
            self.windows[window.id] = replace(window, frame=frame)
        self.settle()

    def settle(self) -> None:
        """Executes moves until none is left."""
        for _ in range(10):
            if not self.execute(self.fit.update(list(self.windows.values()), self.monitors)):
                return
        raise AssertionError("the moves have no end")

    def execute(self, moves: list[WindowMove]) -> int:
        for move in moves:
            window = self.windows[move.window]
            frame = move.frame or window.frame
            if move.maximise or window.maximised:
                frame = self.monitors[monitor_under(frame, self.monitors)]
            self.windows[window.id] = replace(
                window, frame=frame, maximised=window.maximised or move.maximise
            )
            if move.activate:
                self.activated.append(window.id)
        return len(moves)

    def frame(self, window: int) -> Area:
        return self.windows[window].frame


@given(st.data(), areas, areas, hints)
def test_a_place_is_inside_every_work_area(
    data: st.DataObject, old: Area, new: Area, hint: SizeHints
) -> None:
    frame = data.draw(frames_in(old))
    assert new.contains(frame_at(place_of(frame, old), new, hint))


@given(st.data(), areas)
def test_a_place_restores_its_frame(data: st.DataObject, area: Area) -> None:
    frame = data.draw(frames_in(area))
    assert frame_at(place_of(frame, area), area, SizeHints()) == frame


@given(areas, areas, hints)
def test_any_frame_fits_into_a_work_area(frame: Area, area: Area, hint: SizeHints) -> None:
    inside = fit_inside(frame, area, hint)
    assert area.contains(inside)
    assert fit_inside(inside, area, hint) == inside


@given(areas, areas)
def test_a_window_that_is_too_large_shows_its_upper_left_corner(frame: Area, area: Area) -> None:
    inside = fit_inside(frame, area, SizeHints(min_size=(5000, 5000), resizable=False))
    assert (inside.x, inside.y, inside.width, inside.height) == (area.x, area.y, 5000, 5000) or (
        area.contains(frame) and inside == frame
    )


@given(st.data(), st.lists(areas, min_size=1, max_size=5), hints)
def test_growing_restores_what_shrinking_changed(
    data: st.DataObject, steps: list[Area], hint: SizeHints
) -> None:
    first = data.draw(areas)
    manager = WindowManager(WindowFit(), {0: first})
    for number in range(data.draw(st.integers(1, 4))):
        manager.open(ManagedWindow(number, data.draw(frames_in(first)), hints=hint))
    before = {number: manager.fit.home(number) for number in manager.windows}
    sizes = {number: window.frame for number, window in manager.windows.items()}
    for area in steps:
        manager.rearrange({0: area})
        assert all(area.contains(window.frame) for window in manager.windows.values())
    manager.rearrange({0: first})
    assert {number: manager.fit.home(number) for number in manager.windows} == before
    for number, frame in sizes.items():
        size = frame.width, frame.height
        # A window whose first size its hints do not allow gets the next smaller one when it is moved.
        assert (manager.frame(number).width, manager.frame(number).height) in (size, hint.frame_size(size))


@given(st.data(), areas, areas)
def test_a_window_that_was_moved_by_hand_keeps_its_proportion(
    data: st.DataObject, old: Area, new: Area
) -> None:
    manager = WindowManager(WindowFit([SIDE]), {0: old})
    manager.open(ManagedWindow(1, data.draw(frames_in(old)), "Files"))
    moved = data.draw(frames_in(old))
    manager.drag(1, moved)
    assert manager.frame(1) == moved, "nobody moves a window away from the person's hand"
    manager.rearrange({0: new})
    now, then = place_of(manager.frame(1), new), place_of(moved, old)
    for got, wanted in ((now.x, then.x), (now.y, then.y), (now.width, then.width), (now.height, then.height)):
        assert abs(got - wanted) < 0.005


def test_a_profile_places_its_windows() -> None:
    manager = WindowManager(WindowFit([MAIN, SIDE]), {0: SCREEN})
    manager.open(ManagedWindow(1, Area(0, 0, 300, 200), "Viewer"))
    manager.open(ManagedWindow(2, Area(0, 0, 300, 200), "Files"))
    assert manager.windows[1].maximised
    assert manager.frame(2) == frame_at(Place(0.64, 0.0, 0.36, 0.56), SCREEN, SizeHints())
    assert manager.activated == [1, 1], "the main window is in front of those that start after it"
    manager.rearrange({0: SMALL})
    assert manager.frame(1) == SMALL
    assert manager.frame(2) == frame_at(Place(0.64, 0.0, 0.36, 0.56), SMALL, SizeHints())


def test_a_place_for_upright_screens_is_taken_when_the_screen_is_turned() -> None:
    rule = WindowRule("Files", Place(0.64, 0.0, 0.36, 0.56), upright=Place(0.0, 0.5, 1.0, 0.5))
    upright = Area(0, 0, 800, 1200)
    manager = WindowManager(WindowFit([rule]), {0: upright})
    manager.open(ManagedWindow(1, Area(0, 0, 300, 200), "Files"))
    assert manager.frame(1) == Area(0, 600, 800, 600)
    manager.rearrange({0: SCREEN})
    assert manager.frame(1) == frame_at(Place(0.64, 0.0, 0.36, 0.56), SCREEN, SizeHints())
    manager.rearrange({0: upright})
    assert manager.frame(1) == Area(0, 600, 800, 600)
    manager.drag(1, Area(0, 300, 400, 600))
    manager.rearrange({0: SCREEN})
    assert manager.frame(1) == Area(0, 260, 960, 520), "a window that the person moved keeps its proportion"


def test_only_one_window_of_a_program_has_the_place_of_the_profile() -> None:
    manager = WindowManager(WindowFit([SIDE]), {0: SCREEN, 1: RIGHT})
    manager.open(ManagedWindow(1, Area(0, 0, 300, 200), "Files"))
    second = Area(50, 50, 300, 200)
    manager.open(ManagedWindow(2, second, "Files"))
    assert manager.frame(2) == second
    manager.open(ManagedWindow(3, Area(2000, 50, 300, 200), "Files"))
    assert manager.frame(3) == frame_at(Place(0.64, 0.0, 0.36, 0.56), RIGHT, SizeHints())


def test_a_program_that_is_started_later_stays_in_front() -> None:
    manager = WindowManager(WindowFit([MAIN, SIDE]), {0: SCREEN})
    manager.open(ManagedWindow(1, Area(0, 0, 300, 200), "Viewer"))
    manager.open(ManagedWindow(2, Area(0, 0, 300, 200), "Files"))
    del manager.windows[2]
    manager.settle()
    manager.activated.clear()
    manager.open(ManagedWindow(3, Area(0, 0, 300, 200), "Files"))
    assert manager.activated == []


def test_a_program_that_the_person_starts_opens_in_front() -> None:
    manager = WindowManager(WindowFit([MAIN, replace(SIDE, on_demand=True)]), {0: SCREEN})
    manager.open(ManagedWindow(1, Area(0, 0, 300, 200), "Viewer"))
    manager.activated.clear()
    manager.open(ManagedWindow(2, Area(0, 0, 300, 200), "Files"))
    assert manager.frame(2) == frame_at(Place(0.64, 0.0, 0.36, 0.56), SCREEN, SizeHints())
    assert manager.activated == []


def test_a_dialog_follows_no_rule_and_is_never_cut_off() -> None:
    manager = WindowManager(WindowFit([SIDE]), {0: SMALL})
    manager.open(ManagedWindow(1, Area(600, 500, 400, 300), "Files", dialog=True))
    assert manager.frame(1) == Area(400, 260, 400, 300)


def test_windows_of_a_removed_monitor_come_back_with_it() -> None:
    manager = WindowManager(WindowFit(), {0: SCREEN, 1: RIGHT})
    plain, full = Area(2000, 100, 640, 480), RIGHT
    manager.open(ManagedWindow(1, plain))
    manager.open(ManagedWindow(2, full, maximised=True))
    manager.rearrange({0: SCREEN})
    assert SCREEN.contains(manager.frame(1))
    assert manager.frame(2) == SCREEN
    manager.rearrange({0: SCREEN, 1: RIGHT})
    assert manager.frame(1) == plain
    assert manager.frame(2) == full


def test_gathered_windows_belong_to_their_new_monitor() -> None:
    manager = WindowManager(WindowFit(), {0: SCREEN, 1: RIGHT})
    manager.open(ManagedWindow(1, Area(2000, 100, 640, 480)))
    manager.open(ManagedWindow(2, RIGHT, maximised=True))
    manager.open(ManagedWindow(3, Area(10, 10, 640, 480)))
    moves = manager.fit.gather(list(manager.windows.values()), 1, 0)
    assert {move.window for move in moves} == {1, 2}
    manager.execute(moves)
    manager.settle()
    assert all(SCREEN.contains(window.frame) for window in manager.windows.values())
    assert manager.fit.gather(list(manager.windows.values()), 1, 0) == []
    manager.rearrange({0: SCREEN, 1: RIGHT})
    assert all(SCREEN.contains(window.frame) for window in manager.windows.values())


def test_a_window_that_is_no_longer_maximised_fits() -> None:
    manager = WindowManager(WindowFit(), {0: SMALL})
    manager.open(ManagedWindow(1, SMALL, maximised=True))
    manager.windows[1] = replace(manager.windows[1], maximised=False, frame=Area(0, 0, 1400, 900))
    manager.settle()
    assert manager.frame(1) == SMALL


def test_a_window_manager_that_ignores_a_move_is_asked_a_few_times() -> None:
    fit = WindowFit([SIDE])
    window = ManagedWindow(1, Area(0, 0, 300, 200), "Files")
    requests = [len(fit.update([window], {0: SCREEN})) for _ in range(6)]
    assert requests == [1, 1, 1, 0, 0, 0]
    home = fit.home(1)
    assert home is not None
    assert home.place == SIDE.place, "the person did not move the window"


def test_a_restarted_agent_knows_the_places() -> None:
    manager = WindowManager(WindowFit([SIDE]), {0: SCREEN})
    home = HomePlace(0, Place(0.1, 0.2, 0.5, 0.5))
    manager.open(ManagedWindow(1, Area(5, 5, 640, 480), "Files", stored=home))
    assert manager.fit.home(1) == home
    assert manager.frame(1) == frame_at(home.place, SCREEN, SizeHints())


@pytest.mark.parametrize(
    ("panel", "free"),
    [
        (Area(0, 1040, 1920, 40), Area(0, 0, 1920, 1040)),
        (Area(0, 0, 1920, 40), Area(0, 40, 1920, 1040)),
        (Area(0, 0, 40, 1080), Area(40, 0, 1880, 1080)),
        (Area(1880, 0, 40, 1080), Area(0, 0, 1880, 1080)),
        (Area(1920, 1040, 1280, 40), Area(0, 0, 1920, 1080)),  # of another monitor
        (Area(0, 0, 1920, 1080), Area(0, 0, 1920, 1080)),  # would leave nothing
    ],
)
def test_panels_are_not_part_of_the_work_area(panel: Area, free: Area) -> None:
    assert work_areas([Monitor(0, 0, 0, 1920, 1080)], [panel]) == {0: free}


def test_each_monitor_has_its_own_panel() -> None:
    monitors = [Monitor(0, 0, 0, 1920, 1080), Monitor(1, 1920, 0, 1280, 1024)]
    panels = [Area(0, 1040, 1920, 40), Area(1920, 984, 1280, 40)]
    assert work_areas(monitors, panels) == {0: SCREEN, 1: RIGHT}


@given(areas, st.lists(areas, min_size=1, max_size=4))
def test_every_frame_has_a_monitor(frame: Area, monitors: list[Area]) -> None:
    assert monitor_under(frame, dict(enumerate(monitors))) in range(len(monitors))
