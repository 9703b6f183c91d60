"""Monitors on real X servers, as programs see them: xrandr, GTK 3 and Qt 5."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest

from display_server.desktop.x11.framebuffer import apply_monitors
from display_server.desktop.x11.framebuffer_file import SCREEN_FILE
from display_server.desktop.x11.monitors import Monitor, normalise_layout
from display_server.desktop.x11.randr import Randr, number_in
from display_server.errors import DesktopError, LayoutError
from tests.fakes.x_server import Painter, XServer, x_server

PYTHON = "/usr/bin/python3"  # Debian's: it has the toolkits' bindings
SCREEN_MAX = 6200, 2700
READING = [
    Monitor(0, 0, 0, 2048, 2560, primary=True),
    Monitor(1, 2048, 0, 2048, 2560),
    Monitor(2, 4096, 100, 1920, 1080),
]
GTK = """
import gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gtk, Gdk
display = Gdk.Display.get_default()
for number in range(display.get_n_monitors()):
    monitor = display.get_monitor(number)
    place = monitor.get_geometry()
    print(place.x, place.y, place.width, place.height, int(monitor.is_primary()))
"""
QT = """
import sys
from PyQt5.QtWidgets import QApplication
program = QApplication(sys.argv)
for screen in program.screens():
    place = screen.geometry()
    print(place.x(), place.y(), place.width(), place.height(), int(screen is program.primaryScreen()))
"""


@pytest.fixture
def server() -> Iterator[XServer]:
    """An X server with as many outputs as that of a desktop."""
    with x_server(*SCREEN_MAX, outputs=6) as running:
        yield running


@pytest.fixture
def randr(server: XServer) -> Iterator[Randr]:
    with contextlib.closing(Randr(server.display, None)) as opened:
        yield opened


def as_lines(monitors: list[Monitor]) -> set[str]:
    return {f"{m.x} {m.y} {m.width} {m.height} {int(m.primary)}" for m in monitors}


def run(server: XServer, *command: str) -> str:
    environment = server.environment | {"XDG_RUNTIME_DIR": str(server.folder)}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=120
    ).stdout


def xrandr_monitors(server: XServer) -> set[str]:
    """Returns what `xrandr --listmonitors` prints, in the form of `as_lines`."""
    found = re.findall(
        r"\d+: \+?(\*?)\S+ (\d+)/\d+x(\d+)/\d+\+(\d+)\+(\d+)", run(server, "xrandr", "--listmonitors")
    )
    return {f"{x} {y} {w} {h} {int(star == '*')}" for star, w, h, x, y in found}


def test_programs_see_every_monitor(server: XServer, randr: Randr) -> None:
    after = randr.apply(READING)
    assert list(after.monitors) == READING
    assert (after.width_px, after.height_px, after.screen_max) == (6016, 2560, SCREEN_MAX)
    assert xrandr_monitors(server) == as_lines(READING)
    assert set(run(server, PYTHON, "-c", GTK).splitlines()) == as_lines(READING)
    assert set(run(server, PYTHON, "-c", QT).splitlines()) == as_lines(READING)


def test_layouts_replace_each_other(server: XServer, randr: Randr) -> None:
    above = [Monitor(0, 0, 0, 1920, 1080), Monitor(3, 100, -1200, 1600, 1200, primary=True)]
    for wanted in (READING, above, [Monitor(0, 5, 5, 1001, 777)], READING, [Monitor(0, 0, 0, 800, 600)]):
        monitors = normalise_layout(wanted, SCREEN_MAX)
        assert randr.apply(wanted).monitors == monitors
        assert xrandr_monitors(server) == as_lines(list(monitors))


def test_unused_modes_are_destroyed(server: XServer, randr: Randr) -> None:
    for width in range(800, 820):
        randr.apply([Monitor(0, 0, 0, width, 600)])
    assert run(server, "xrandr").count("lightbox-") == 1


def test_monitors_are_set_on_top_of_a_single_output() -> None:
    with x_server(*SCREEN_MAX) as plain, contextlib.closing(Randr(plain.display, None)) as randr:
        for wanted in (READING, READING[:2], READING[:1]):
            assert list(randr.apply(wanted).monitors) == wanted
            assert xrandr_monitors(plain) == as_lines(wanted)


def test_a_refused_layout_changes_nothing(server: XServer, randr: Randr) -> None:
    randr.apply(READING)
    with pytest.raises(LayoutError, match="6200×2700"):
        randr.apply([Monitor(0, 0, 0, 6201, 2000)])
    assert xrandr_monitors(server) == as_lines(READING)


def test_memory_of_hidden_pixels_is_released(server: XServer, randr: Randr) -> None:
    def used_bytes() -> int:
        return (server.framebuffer / SCREEN_FILE).stat().st_blocks * 512

    painter = Painter(server)
    assert used_bytes() >= SCREEN_MAX[0] * SCREEN_MAX[1] * 4
    apply_monitors(randr, [Monitor(0, 0, 0, 800, 600)], server.framebuffer)
    assert used_bytes() <= 4 * 1000 * 1100
    apply_monitors(randr, READING, server.framebuffer)
    painter.fill(0, 0, 800, 600, 0x123456)
    painter.fill(5000, 1000, 700, 100, 0x654321)
    painter.close()
    shown = Painter(server)
    pixels = shown.pixels()
    assert pixels.shape[:2] == (2560, 6016)
    assert (pixels[:600, :800] == (0x56, 0x34, 0x12)).all()
    assert (pixels[1000:1100, 5000:5700] == (0x21, 0x43, 0x65)).all()
    assert not np.any(pixels[700:, :4000]), "pixels that become visible again are black"
    shown.close()


def test_only_names_of_lightbox_and_xvfb_have_numbers() -> None:
    assert [number_in(name) for name in ("screen", "screen-4", "Lightbox-2")] == [0, 4, 2]
    assert [number_in(name) for name in ("HDMI-1", "screens", "Lightbox-", "VNC-0")] == [None] * 4


def test_a_missing_display_is_reported() -> None:
    with pytest.raises(DesktopError, match="does not run"):
        Randr(":987654", None)
