"""Windows of real programs under openbox: the profile places them, and changes of the monitors refit them."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import xcffib.xproto

from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.randr_layout import RandrLayout
from display_server.desktop.x11.rectangle import Area
from display_server.desktop.x11.window_fit import ManagedWindow, Place, WindowRule
from display_server.desktop.x11.window_manager import WindowManagerProbe
from display_server.desktop.x11.window_placement import SETTLE_MAX_S
from display_server.desktop.x11.windows import _PLACE, Windows
from display_server.desktop.x11.x_connection import XConnection
from tests.fakes.x_server import XServer, x_server

PATIENCE_S = 90.0
SCREEN_MAX = 3000, 1600
#: How far a terminal may be from its place, px: its size is a multiple of a character's.
CHARACTER_PX = 24
TERMINAL = Place(0.5, 0.25, 0.5, 0.75)
RULES = [WindowRule("XTerm", TERMINAL), WindowRule("Main", None)]
WIDE, NARROW = Monitor(0, 0, 0, 1600, 900), Monitor(0, 0, 0, 700, 1000)
SECOND = Monitor(1, 1600, 0, 1200, 900)


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server(*SCREEN_MAX, outputs=6) as running:
        yield running


@pytest.fixture
def start(server: XServer) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts programs on the X server."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=server.environment, stderr=subprocess.DEVNULL)
        started.append(process)
        return process

    run("openbox", "--sm-disable")
    deadline_s = time.monotonic() + PATIENCE_S
    with contextlib.closing(WindowManagerProbe(server.display, None)) as ready:
        while not ready():
            assert time.monotonic() < deadline_s, "openbox did not start"
            time.sleep(0.05)
    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
async def layout(server: XServer) -> AsyncIterator[RandrLayout]:
    opened = RandrLayout(server.display, None, server.framebuffer, RULES)
    await opened.open()
    await opened.apply([WIDE], None)
    yield opened
    await opened.close()


@pytest.fixture
def windows(server: XServer) -> Iterator[Windows]:
    with contextlib.closing(Windows(server.display, None)) as opened:
        yield opened


async def until(
    windows: Windows, true: Callable[[ManagedWindow], bool], name: str = "XTerm"
) -> ManagedWindow:
    """Returns the window of this class as soon as the condition holds."""
    seen: tuple[ManagedWindow, ...] = ()
    for _ in range(int(PATIENCE_S / 0.1)):
        seen = windows.observe().windows
        for window in seen:
            if window.window_class == name and true(window):
                return window
        await asyncio.sleep(0.1)
    raise AssertionError(f"not in time: {seen}")


def is_at(place: Place, area: Area) -> Callable[[ManagedWindow], bool]:
    wanted = (
        area.x + place.x * area.width,
        area.y + place.y * area.height,
        place.width * area.width,
        place.height * area.height,
    )

    def check(window: ManagedWindow) -> bool:
        frame = window.frame
        got = frame.x, frame.y, frame.width, frame.height
        near = all(abs(one - other) <= CHARACTER_PX for one, other in zip(got, wanted, strict=True))
        return near and area.contains(frame)

    return check


def area_of(monitor: Monitor) -> Area:
    return Area(monitor.x, monitor.y, monitor.width, monitor.height)


async def test_windows_follow_the_monitors(
    layout: RandrLayout, windows: Windows, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("xterm")
    before = await until(windows, is_at(TERMINAL, area_of(WIDE)))
    await layout.apply([NARROW], None)
    await until(windows, is_at(TERMINAL, area_of(NARROW)))
    await layout.apply([WIDE], None)
    await until(windows, lambda window: window.frame == before.frame)


async def test_a_resolution_that_a_program_sets_cuts_nothing_off(
    server: XServer, layout: RandrLayout, windows: Windows, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("xterm")
    await until(windows, is_at(TERMINAL, area_of(WIDE)))
    for command in (
        ("--newmode", "small", "30", "800", "800", "800", "800", "600", "600", "600", "600"),
        ("--addmode", "screen", "small"),
        ("--output", "screen", "--mode", "small"),
    ):
        program = await asyncio.create_subprocess_exec("xrandr", *command, env=server.environment)
        assert await program.wait() == 0
    await until(windows, is_at(TERMINAL, Area(0, 0, 800, 600)))


async def test_windows_make_room_when_a_panel_grows(
    server: XServer, layout: RandrLayout, windows: Windows, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    assert layout.adjustable
    small_px, large_px = 16, 80
    with contextlib.closing(XConnection(server.display, None)) as x:
        kind, dock = (
            x.core.InternAtom(False, len(name), name).reply().atom
            for name in ("_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DOCK")
        )
        panel, opaque = x.x.generate_id(), xcffib.xproto.WindowClass.InputOutput
        top = WIDE.height - small_px
        x.core.CreateWindow(0, panel, x.root, 0, top, WIDE.width, small_px, 0, opaque, 0, 0, [])
        atoms = xcffib.xproto.Atom
        x.core.ChangeProperty(0, panel, kind, atoms.ATOM, 32, 1, [dock])
        hints = struct.pack("=18I", 1, *([0] * 17))  # the program chose the position
        x.core.ChangeProperty(0, panel, atoms.WM_NORMAL_HINTS, atoms.WM_SIZE_HINTS, 32, 18, hints)
        x.core.MapWindow(panel)
        x.x.flush()
        start("xterm")
        await until(windows, is_at(TERMINAL, Area(0, 0, WIDE.width, top)))
        await asyncio.sleep(2 * SETTLE_MAX_S)  # what was about to look at the windows anyway does so before
        # Only the panel's own window changes, as when its program restarts with another size of the text.
        top = WIDE.height - large_px
        config = xcffib.xproto.ConfigWindow
        x.core.ConfigureWindow(panel, config.Y | config.Height, [top, large_px])
        x.x.flush()
        await until(windows, is_at(TERMINAL, Area(0, 0, WIDE.width, top)))


async def test_a_profile_maximises_its_main_program(
    layout: RandrLayout, windows: Windows, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("xterm", "-class", "Main")
    await until(windows, lambda window: window.maximised, "Main")
    await layout.apply([NARROW], None)
    await until(windows, lambda window: window.maximised and window.frame == area_of(NARROW), "Main")


async def test_windows_of_a_monitor_are_gathered_on_another_one(
    layout: RandrLayout, windows: Windows, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    await layout.apply([WIDE, SECOND], None)
    start("xterm", "-class", "Other", "-geometry", "40x10+1700+100")
    await until(windows, lambda window: area_of(SECOND).contains(window.frame), "Other")
    assert await layout.gather(1, 0) == 1
    await until(windows, lambda window: area_of(WIDE).contains(window.frame), "Other")
    assert await layout.gather(1, 0) == 0


async def test_a_window_that_is_shown_again_opens_where_its_program_says(
    server: XServer, layout: RandrLayout, windows: Windows, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    assert layout.adjustable
    with contextlib.closing(XConnection(server.display, None)) as x:
        window = x.x.generate_id()
        opaque = xcffib.xproto.WindowClass.InputOutput
        x.core.CreateWindow(0, window, x.root, 0, 0, 300, 200, 0, opaque, 0, 0, [])
        atoms = xcffib.xproto.Atom
        hints = struct.pack("=18I", 1, *([0] * 17))  # the program chose the position
        for place in ((700, 300), (100, 50)):
            x.core.ChangeProperty(0, window, atoms.WM_CLASS, atoms.STRING, 8, 10, b"plain\0Own\0")
            x.core.ChangeProperty(0, window, atoms.WM_NORMAL_HINTS, atoms.WM_SIZE_HINTS, 32, 18, hints)
            x.core.ConfigureWindow(window, 3, list(place))
            # openbox forgets a window that is shown while it starts.
            while not any(found.id == window for found in windows.observe().windows):
                x.core.UnmapWindow(window)
                x.core.MapWindow(window)
                x.x.flush()
                await asyncio.sleep(1)
            shown = await until(windows, lambda found: found.stored is not None, "Own")
            assert (shown.frame.x, shown.frame.y) == place
            x.core.UnmapWindow(window)
            x.x.flush()
            place_atom = x.core.InternAtom(False, len(_PLACE), _PLACE).reply().atom
            for _ in range(int(PATIENCE_S / 0.1)):
                if x.core.GetProperty(False, window, place_atom, 0, 0, 5).reply().format == 0:
                    break
                await asyncio.sleep(0.1)
    start("true")


async def test_the_next_agent_knows_where_windows_belong(
    server: XServer, layout: RandrLayout, windows: Windows, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("xterm")
    before = await until(windows, is_at(TERMINAL, area_of(WIDE)))
    await layout.apply([NARROW], None)
    await until(windows, is_at(TERMINAL, area_of(NARROW)))
    await layout.close()
    following = RandrLayout(server.display, None, server.framebuffer, RULES)
    await following.open()
    try:
        await following.apply([WIDE], None)
        await until(windows, lambda window: window.frame == before.frame)
    finally:
        await following.close()
