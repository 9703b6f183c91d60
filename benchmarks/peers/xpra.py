"""xpra with its HTML5 client: Debian's package at its defaults except sound.

It serves an Xvfb in the mode `start-desktop`, which follows damage. The mode `shadow` was rejected: it sends
the whole screen every 50 ms even if nothing changes, so its lossless refresh never happens. It runs without
TLS and password, which favours it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.peers.processes import Processes, free_port, wait_for_port
from benchmarks.peers.subject import MissingPeerError, Running

CLIENT = Path("/usr/share/xpra/www/index.html")
#: The system's Python, which runs xpra.
PYTHON = "/usr/bin/python3"


class Xpra:
    """Debian's xpra in the mode `start-desktop`."""

    name = "xpra"

    def __init__(self) -> None:
        self._processes = Processes(self.name)

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        need_xpra()
        folder, xauthority = self._processes.folder, self._processes.xauthority
        x_server, display = self._processes.xvfb(width_px, height_px)
        port = free_port(host)
        # Debian's default would start an X session, which fails with a dialog on the measured screen.
        (folder / "xpra.conf").write_text("start =\n")
        command = ["xpra", "start-desktop", display, "--use-display", "--daemon=no", "--resize-display=no"]
        command += ["--bind=none", f"--bind-tcp={host}:{port}", "--html=on", f"--log-dir={folder}"]
        command += ["--mdns=no", "--pulseaudio=no", "--speaker=no", "--microphone=no", "--webcam=no"]
        command += [
            "--printing=no",
            "--notifications=no",
            "--dbus-launch=no",
            "--tray=no",
            "--systemd-run=no",
        ]
        environment = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "XAUTHORITY": str(xauthority)}
        environment["XPRA_USER_CONF_DIRS"] = str(folder)
        server = self._processes.spawn("xpra", command, environment)
        wait_for_port(port, server, host, timeout_s=30, log=self._processes.log("xpra"))
        # The floating menu would cover the desktop.
        url = f"http://{name}:{port}/index.html?sound=false&floating_menu=false"

        def enter(page: Page) -> None:
            page.set_viewport_size({"width": width_px, "height": height_px})
            page.goto(url)

        def prepare_open(page: Page) -> Callable[[], None]:
            page.goto("about:blank")
            return lambda: enter(page)

        pids = {"server": [server.pid], "x_server": [x_server.pid]}
        facts: Mapping[str, str] = {"xpra": version(), "mode": "start-desktop, its defaults", "TLS": "no"}
        return Running(display, xauthority, port, lambda: pids, enter, prepare_open, facts)

    def stop(self) -> None:
        self._processes.stop()


def need_xpra() -> None:
    """Raises MissingPeerError unless xpra is installed with the packages that Debian recommends for speed."""
    if shutil.which("Xvfb") is None:
        raise MissingPeerError("Xvfb is missing: apt install xvfb")
    if shutil.which("xpra") is None or not CLIENT.is_file():
        raise MissingPeerError("xpra with its HTML5 client is missing: apt install xpra")
    done = subprocess.run(
        [PYTHON, "-c", "import lz4.block, PIL"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise MissingPeerError(f"xpra would be slow here ({reason}): apt install python3-lz4 python3-pil")


def version() -> str:
    """Returns the version of xpra, or "?"."""
    done = subprocess.run(["xpra", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.replace("xpra", "").strip() or "?"
