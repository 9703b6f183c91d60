"""Selkies: an X screen as H.264 in a browser, over a WebSocket (WebCodecs) or WebRTC, as shipped.

It comes from PyPI into an environment of its own, its X server is an Xvfb. Everything is left at its defaults
but sound, which needs a sound server, and the size, which would follow the page. It goes without TLS and
password, which favours it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import psutil
from playwright.sync_api import Page

from benchmarks.links.network import CLIENT_ADDRESS, SERVER_ADDRESS
from benchmarks.peers.processes import Processes, free_port, wait_for_port
from benchmarks.peers.subject import MissingPeerError, Running

SELKIES_VERSION = "2.1.0"
ENVIRONMENT = Path(__file__).parents[2] / ".cache" / "benchmarks" / f"selkies-{SELKIES_VERSION}"
#: What its settings name as defaults in this version: told, not set.
DEFAULTS = "its defaults: h264enc on the CPU, 4:2:0, CBR 8 Mbit/s, 60/s, every frame coded"
#: What its wheel takes from the system.
LIBRARIES = "libgbm1 libpixman-1-0 libwayland-server0 libx11-6 libxcb1 libxext6 libxkbcommon0"
Mode = Literal["websockets", "webrtc"]


class Selkies:
    """`mode` as its command line names it."""

    def __init__(self, mode: Mode) -> None:
        self.name = "selkies" if mode == "websockets" else "selkies-webrtc"
        self._mode = mode
        self._processes = Processes(self.name)

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        if shutil.which("Xvfb") is None:
            raise MissingPeerError("Xvfb is missing: apt install xvfb")
        if self._mode == "webrtc" and not only_own_addresses():
            raise MissingPeerError(
                "WebRTC would offer this host's own addresses: measured over links alone (--link)"
            )
        program = install_selkies()
        need_libraries()
        x_server, display = self._processes.xvfb(width_px, height_px)
        port = free_port(host)
        command = [str(program), "--mode", self._mode, "--port", str(port)]
        # Its parts talk to each other by way of 127.0.0.1, wherever else it listens.
        command += ["--addr", ",".join(dict.fromkeys((host, "127.0.0.1")))]
        command += ["--enable-dual-mode", "false", "--enable-https", "false", "--enable-basic-auth", "false"]
        command += ["--audio-enabled", "false", "--microphone-enabled", "false", "--gamepad-enabled", "false"]
        command += ["--manual-resolution", "true"]
        command += ["--manual-width", str(width_px), "--manual-height", str(height_px)]
        xauthority = self._processes.xauthority
        environment = {"HOME": str(self._processes.folder), "DISPLAY": display, "XAUTHORITY": str(xauthority)}
        server = self._processes.spawn("selkies", command, environment)
        wait_for_port(port, server, host, timeout_s=30, log=self._processes.log("selkies"))
        url = f"http://{name}:{port}/"

        def enter(page: Page) -> None:
            # Its page scales the picture to the window: only this size shows it 1:1.
            page.set_viewport_size({"width": width_px, "height": height_px})
            page.goto(url)

        def doorstep(page: Page) -> Callable[[], None]:
            page.goto("about:blank")
            return lambda: enter(page)

        pids = {"server": [server.pid], "x_server": [x_server.pid]}
        facts: Mapping[str, str] = {
            "Selkies": SELKIES_VERSION,
            "mode": self._mode,
            "video": DEFAULTS,
            "TLS": "no",
        }
        return Running(display, xauthority, port, lambda: pids, enter, doorstep, facts)

    def stop(self) -> None:
        self._processes.stop()


def only_own_addresses() -> bool:
    """Whether this namespace has no way out of it: whatever WebRTC offers stays inside."""
    found = psutil.net_if_addrs().values()
    addresses = {a.address for interface in found for a in interface if a.family == socket.AF_INET}
    return addresses <= {"127.0.0.1", SERVER_ADDRESS, CLIENT_ADDRESS}


def install_selkies() -> Path:
    """Its program, in an environment made once. Raises MissingPeerError when pip cannot."""
    program = ENVIRONMENT / "bin" / "selkies"
    if program.is_file():
        return program
    began = time.monotonic()
    for command in (
        [sys.executable, "-m", "venv", str(ENVIRONMENT)],
        [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", f"selkies=={SELKIES_VERSION}"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            raise MissingPeerError(
                f"pip could not install selkies {SELKIES_VERSION} ({time.monotonic() - began:.0f} s): "
                f"{done.stderr.strip()[-300:]}"
            )
    return program


def need_libraries(python: Path = ENVIRONMENT / "bin" / "python") -> None:
    """Raises MissingPeerError when this host lacks a library that its capture needs."""
    done = subprocess.run([python, "-c", "import pixelflux"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lack = done.stderr.strip().rpartition("\n")[2]
        raise MissingPeerError(f"Selkies cannot capture ({lack}): apt install {LIBRARIES}")
