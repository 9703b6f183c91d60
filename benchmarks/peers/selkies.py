"""Selkies: streams an X screen as H.264 to a browser, over a WebSocket with WebCodecs or over WebRTC.

It is installed from PyPI into its own virtual environment; its X server is an Xvfb. All settings are defaults
except sound, which would need a sound server, and the size, which would follow the page. It runs without TLS
and password, which favours it.
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
#: The video defaults of this version, for the report; they are not set here.
DEFAULTS = "its defaults: h264enc on the CPU, 4:2:0, CBR 8 Mbit/s, 60/s, every frame coded"
#: Debian packages with the system libraries that the wheel needs.
LIBRARIES = "libgbm1 libpixman-1-0 libwayland-server0 libx11-6 libxcb1 libxext6 libxkbcommon0"
Mode = Literal["websockets", "webrtc"]


class Selkies:
    """`mode` is the value of Selkies' option `--mode`."""

    def __init__(self, mode: Mode) -> None:
        self.name = "selkies" if mode == "websockets" else "selkies-webrtc"
        self._mode = mode
        self._processes = Processes(self.name)

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        if shutil.which("Xvfb") is None:
            raise MissingPeerError("Xvfb is missing: apt install xvfb")
        if self._mode == "webrtc" and not only_own_addresses():
            raise MissingPeerError(
                "WebRTC would offer this host's own addresses, so it is measured over links only (--link)"
            )
        program = install_selkies()
        need_libraries()
        x_server, display = self._processes.xvfb(width_px, height_px)
        port = free_port(host)
        command = [str(program), "--mode", self._mode, "--port", str(port)]
        # Its parts connect to each other on 127.0.0.1, so it must listen there too.
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
            # The page scales the desktop to the window; only this size shows it 1:1.
            page.set_viewport_size({"width": width_px, "height": height_px})
            page.goto(url)

        def prepare_open(page: Page) -> Callable[[], None]:
            page.goto("about:blank")
            return lambda: enter(page)

        pids = {"server": [server.pid], "x_server": [x_server.pid]}
        facts: Mapping[str, str] = {
            "Selkies": SELKIES_VERSION,
            "mode": self._mode,
            "video": DEFAULTS,
            "TLS": "no",
        }
        return Running(display, xauthority, port, lambda: pids, enter, prepare_open, facts)

    def stop(self) -> None:
        self._processes.stop()


def only_own_addresses() -> bool:
    """Returns whether this network namespace has only the link's addresses, so that WebRTC offers no
    others."""
    found = psutil.net_if_addrs().values()
    addresses = {a.address for interface in found for a in interface if a.family == socket.AF_INET}
    return addresses <= {"127.0.0.1", SERVER_ADDRESS, CLIENT_ADDRESS}


def install_selkies() -> Path:
    """Installs Selkies once and returns its program. Raises MissingPeerError if pip fails."""
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
    """Raises MissingPeerError if this host lacks a library that screen capture needs."""
    done = subprocess.run([python, "-c", "import pixelflux"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise MissingPeerError(f"Selkies cannot capture ({reason}): apt install {LIBRARIES}")
