"""The text scale on a real X server: for programs that start later and for those that run."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Iterator

import pytest

from display_server.desktop.x11.text_scale import TextScale, TextScaleWatch
from tests.fakes.x_server import XServer, x_server

PYTHON = "/usr/bin/python3"  # Debian's: it has the toolkits' bindings
TIMEOUT_S = 90.0
GTK = """
import sys, gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gtk
settings = Gtk.Settings.get_default()
report = lambda *_: print(settings.get_property('gtk-xft-dpi') / 1024, flush=True)
settings.connect('notify::gtk-xft-dpi', report)
report()
Gtk.main()
"""
QT = """
import sys
from PyQt5.QtWidgets import QApplication
program = QApplication(sys.argv)
print(program.primaryScreen().logicalDotsPerInch())
"""


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server() as running:
        yield running


def resources(server: XServer) -> str:
    command = ["xrdb", "-query"]
    return subprocess.run(
        command, env=server.environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_programs_that_start_later_use_the_scale(server: XServer) -> None:
    with contextlib.closing(TextScale(server.display, None)) as scale:
        assert (scale.percent, resources(server)) == (100, "")
        subprocess.run(
            ["xrdb", "-merge"], env=server.environment, check=True, input=b"XTerm*faceSize: 9\nXft.dpi: 96\n"
        )
        scale.set(150)
        assert sorted(resources(server).splitlines()) == ["XTerm*faceSize:\t9", "Xft.dpi:\t144"]
        environment = server.environment | {"XDG_RUNTIME_DIR": str(server.folder)}
        printed = subprocess.run(
            [PYTHON, "-c", QT], env=environment, check=True, capture_output=True, text=True
        )
        assert float(printed.stdout) == 144


def test_running_gtk_programs_follow(server: XServer) -> None:
    with (
        contextlib.closing(TextScale(server.display, None)) as scale,
        subprocess.Popen(
            [PYTHON, "-u", "-c", GTK], env=server.environment, stdout=subprocess.PIPE, text=True
        ) as program,
    ):
        assert program.stdout is not None
        try:
            first = float(program.stdout.readline())
            assert first in (-1 / 1024, 96)
            for percent in (200, 125):
                scale.set(percent)
                dpi, deadline = first, time.monotonic() + TIMEOUT_S
                while dpi != 96 * percent / 100 and time.monotonic() < deadline:
                    dpi = float(program.stdout.readline())
                assert dpi == 96 * percent / 100
        finally:
            program.kill()


def test_the_next_process_restores_the_scale(server: XServer) -> None:
    with contextlib.closing(TextScale(server.display, None)) as scale:
        scale.set(175)
    with contextlib.closing(TextScale(server.display, None)) as scale:
        assert scale.percent == 175


def test_100_percent_survives_the_process_that_set_it(server: XServer) -> None:
    """A program that was started at another scale has no reason to return to it."""
    with contextlib.closing(TextScale(server.display, None)) as scale:
        scale.set(150)
        with subprocess.Popen(
            [PYTHON, "-u", "-c", GTK], env=server.environment, stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            try:
                dpi = [float(program.stdout.readline())]
                scale.set(100)
                while dpi[-1] != 96:
                    dpi.append(float(program.stdout.readline()))
                scale.close()
                with contextlib.closing(TextScale(server.display, None)) as following:
                    assert following.percent == 100
                    owner = subprocess.run(
                        [PYTHON, "-c", GTK.replace("Gtk.main()", "")],
                        env=server.environment,
                        check=True,
                        capture_output=True,
                        text=True,
                    )
                    assert float(owner.stdout) == 96
                    assert following._manager_window is not None
            finally:
                program.kill()


async def test_a_change_of_the_scale_is_noticed(server: XServer) -> None:
    with (
        contextlib.closing(TextScale(server.display, None)) as scale,
        contextlib.closing(TextScaleWatch(server.display, None)) as watch,
    ):
        watch.open()
        assert await watch.read() == 100
        for percent in (150, 100):
            await asyncio.to_thread(scale.set, percent)
            await watch.wait_for_change()
            assert await watch.read() == percent


def test_a_running_settings_daemon_is_not_replaced(server: XServer) -> None:
    with (
        contextlib.closing(TextScale(server.display, None)) as first,
        contextlib.closing(TextScale(server.display, None)) as second,
    ):
        first.set(150)
        second.set(200)
        assert resources(server) == "Xft.dpi:\t192"
        assert second._manager_window is None
