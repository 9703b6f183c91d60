"""Starts the programs of a profile on a bare X server, without anything of Lightbox around them."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from display_server.desktop.profiles import profile
from display_server.desktop.x11.windows import Windows
from display_server.supervisor.home_setup import HomeJob, prepare
from tests.fakes.x_server import Painter, XServer, x_server

#: The screen counts as drawn when nothing changed on it for this time, which is not counted, s.
STILL_S = 0.5
#: How often the screen is looked at, s.
INTERVAL_S = 0.02
TIMEOUT_S = 120.0


def bare_start_s(name: str, width_px: int, height_px: int) -> float:
    """Returns the time from the start of the X server until all programs have drawn their windows, s.

    The home is prepared before, and a session bus runs, so that only X server and programs are measured.
    Programs start at the same time, and none waits for the window manager.
    """
    chosen = profile.load(name)
    started = [program for program in chosen.programs if not program.on_demand]
    wanted = {program.window.window_class for program in started if program.window is not None}
    with tempfile.TemporaryDirectory(prefix="bare-") as folder, session_bus() as bus:
        home = Path(folder)
        commands = prepare(HomeJob(str(home), name)).commands
        additions = {key: profile.substitute(value, home) for key, value in chosen.environment.items()}
        begin_s = time.monotonic()
        with x_server(width_px, height_px) as server:
            environment = server.environment | additions | {"HOME": folder, "DBUS_SESSION_BUS_ADDRESS": bus}
            running = [
                subprocess.Popen(
                    commands[program.name],
                    env=environment | program.environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd=folder,
                    start_new_session=True,
                )
                for program in started
                if shutil.which(commands[program.name][0]) is not None
            ]
            try:
                return drawn_s(server, wanted) - begin_s
            finally:
                for process in running:
                    process.kill()
                    process.wait()


def drawn_s(server: XServer, wanted: set[str]) -> float:
    """Returns when the screen changed for the last time after windows of all wanted classes were there."""
    with (
        contextlib.closing(Windows(server.display, None)) as windows,
        contextlib.closing(Painter(server)) as screen,
    ):
        seen, changed_s = b"", time.monotonic()
        deadline_s = changed_s + TIMEOUT_S
        while time.monotonic() < deadline_s:
            now = hashlib.blake2b(screen.pixels().tobytes()).digest()
            if now != seen:
                seen, changed_s = now, time.monotonic()
            present = {window.window_class for window in windows.observe().windows}
            if wanted <= present and time.monotonic() - changed_s >= STILL_S:
                return changed_s
            time.sleep(INTERVAL_S)
    raise TimeoutError(f"not all of {sorted(wanted)} appeared on a bare X server")


@contextlib.contextmanager
def session_bus() -> Iterator[str]:
    """Runs a session bus and yields its address."""
    process = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
