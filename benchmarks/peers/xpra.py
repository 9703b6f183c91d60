"""xpra's HTML5 client on a shadowed X screen, both from Debian's package, at their defaults but sound.

The X server is an Xvfb of ours. It goes without TLS and password, which favours it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.peers.processes import end, free_port, start_xvfb, wait_for_port, write_xauthority
from benchmarks.peers.subject import MissingPeerError, Running

CLIENT = Path("/usr/share/xpra/www/index.html")


class Xpra:
    name = "xpra"

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._folder: Path | None = None

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        if shutil.which("xpra") is None or not CLIENT.is_file():
            raise MissingPeerError("xpra with its HTML5 client is missing: apt install xpra")
        folder = self._folder = Path(tempfile.mkdtemp(prefix="bench-xpra-"))
        xauthority = folder / "xauthority"
        write_xauthority(xauthority)
        x_server, display = start_xvfb(xauthority, width_px, height_px, folder / "xvfb.log")
        self._processes.append(x_server)
        port = free_port(host)
        command = ["xpra", "shadow", display, "--daemon=no", f"--bind-tcp={host}:{port}", "--html=on"]
        command += [f"--socket-dir={folder}", f"--log-dir={folder}", "--mdns=no", "--pulseaudio=no"]
        command += ["--speaker=no", "--microphone=no", "--webcam=no", "--printing=no", "--notifications=no"]
        command += ["--dbus-launch=no", "--tray=no", "--systemd-run=no"]
        environment = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "XAUTHORITY": str(xauthority)}
        with (folder / "xpra.log").open("wb") as log:
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment
            )
        self._processes.append(server)
        wait_for_port(port, server, host, timeout_s=30)
        url = f"http://{name}:{port}/index.html?sound=false&floating_menu=false&keyboard=false"

        def enter(page: Page) -> None:
            page.set_viewport_size({"width": width_px, "height": height_px})
            page.goto(url)

        def doorstep(page: Page) -> Callable[[], None]:
            page.goto("about:blank")
            return lambda: enter(page)

        pids = {"server": [server.pid], "x_server": [x_server.pid]}
        facts: Mapping[str, str] = {"xpra": version(), "mode": "shadow, HTML5 at its defaults", "TLS": "no"}
        return Running(display, xauthority, port, lambda: pids, enter, doorstep, facts)

    def stop(self) -> None:
        for process in reversed(self._processes):
            end(process)
        self._processes.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def version() -> str:
    said = subprocess.run(["xpra", "--version"], capture_output=True, text=True, check=False).stdout
    return said.replace("xpra", "").strip() or "?"
