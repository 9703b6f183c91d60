"""Lightbox as its users get it: `lightbox demo` on loopback, behind its TLS and its sign-in."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from benchmarks.peers.processes import end
from benchmarks.peers.subject import Running, SubjectFailedError

#: How long the demo, and then its desktop, may take to be ready.
START_TIMEOUT_S = 30
#: An X server with nothing on it but our content.
DESKTOP = "blank"
#: A desktop that the demo does not start by itself, for cold starts.
COLD_DESKTOP = "office"

#: Of what the browser could receive, an offer leaves H.264 High 4:4:4 Predictive (profile f4) out.
WITHOUT_444 = """(() => {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (...words) {
    const transceiver = add.apply(this, words);
    const codecs = RTCRtpReceiver.getCapabilities('video').codecs;
    transceiver.setCodecPreferences(
      codecs.filter(({ sdpFmtpLine = '' }) => !/profile-level-id=f4/i.test(sdpFmtpLine)),
    );
    return transceiver;
  };
})()"""


class Lightbox:
    """`policy` says whether what moves may go as video."""

    name = "lightbox"
    policy = "adaptive"
    #: On top of ours, for `lightbox demo`.
    environment: Mapping[str, str] = {}
    #: Runs in the page before its own scripts.
    prepares = ""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._state: Path | None = None
        # The same as the script `lightbox`, which an unfinished set-up may lack.
        self._command = [sys.executable, "-c", "from display_server.cli import main; main()"]

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:  # noqa: ARG002 - TLS is trusted by any name
        self._state = Path(tempfile.mkdtemp(prefix="bench-lightbox-"))
        ready = self._start_demo(width_px, height_px, host)
        url, username, password = ready["url"].rstrip("/"), ready["username"], ready["password"]
        session = self._session()
        xauthority = session["xauthority"]
        assert self._process is not None
        roles = {"gateway": [self._process.pid]}
        roles |= {role: [pid] for role, pid in session["pids"].items() if pid}

        def doorstep(page: Page, desktop: str = DESKTOP) -> Callable[[], None]:
            page.goto(url)
            page.wait_for_selector(f"input[name=username], a[href='/desktop/{desktop}']")
            if page.query_selector("input[name=username]"):
                page.fill("input[name=username]", username)
                page.fill("input[name=password]", password)
                page.click("[type=submit]")
            page.wait_for_selector(f"a[href='/desktop/{desktop}']")
            return lambda: page.click(f"a[href='/desktop/{desktop}']")

        def enter(page: Page) -> None:
            if self.prepares:
                page.add_init_script(self.prepares)
            doorstep(page)()

        facts: Mapping[str, str] = {
            "TLS": "yes",
            "profile": DESKTOP,
            "video": ", ".join([self.policy, *(f"{k} {v}" for k, v in self.environment.items())]),
            "commit": commit(),
        }
        return Running(
            display=session["display"],
            xauthority=Path(xauthority) if xauthority else None,
            port=int(url.rsplit(":", 1)[1]),
            pids=lambda: roles,
            enter=enter,
            doorstep=doorstep,
            cold_doorstep=lambda page: doorstep(page, COLD_DESKTOP),
            facts=facts,
            agent_socket=Path(session["folder"]) / "agent.sock",
        )

    def _start_demo(self, width_px: int, height_px: int, host: str) -> dict[str, str]:
        """The line that the demo prints when it is ready."""
        assert self._state is not None
        command = [*self._command, "demo", "--json", "--port", "0", "--profile", DESKTOP]
        # `relay` looks at the desktop beside the browser.
        command += ["--video", self.policy, "--share"]
        if host != "127.0.0.1":
            command += ["--host", host]
        command += ["--size", f"{width_px}x{height_px}", "--state", str(self._state / "state")]
        log = self._state / "demo.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
                start_new_session=True,
                env=os.environ | dict(self.environment),
            )
        self._process = process
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
        line = process.stdout.readline() if readable else b""
        if not line:
            raise SubjectFailedError(f"lightbox demo did not start: {log.read_text()[-600:].strip()}")
        answer: dict[str, str] = json.loads(line)
        return answer

    def _session(self) -> dict[str, Any]:
        """The demo's desktop, once it is ready."""
        assert self._state is not None
        command = [*self._command, "sessions", "--json", "--state", str(self._state / "state")]
        deadline = time.monotonic() + START_TIMEOUT_S
        found: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            for session in found:
                if session["desktop"] == DESKTOP and session["state"] == "ready":
                    return session
            time.sleep(0.2)
        raise SubjectFailedError(f"the desktop {DESKTOP} did not become ready: {found}")

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, 20)
            self._process = None
        if self._state is not None:
            shutil.rmtree(self._state, ignore_errors=True)
            self._state = None


class LightboxExact(Lightbox):
    """Tiles alone, whatever the link."""

    name = "lightbox-exact"
    policy = "exact"


class LightboxEconomy(Lightbox):
    """Video for whatever moves at video rate."""

    name = "lightbox-economy"
    policy = "economy"


class LightboxThrifty(LightboxEconomy):
    """With as little as the thriftiest peer takes for a film: quality is compared at the same Mbit/s."""

    name = "lightbox-thrifty"
    environment = {"LIGHTBOX_VIDEO_ECONOMY_MBPS": "2.5"}  # noqa: RUF012 - never written to


class LightboxQuarterColour(Lightbox):
    """Adaptive, in a browser that knows no High 4:4:4, as Firefox and Safari: its video has a quarter of the
    colour. Nothing else differs."""

    name = "lightbox-420"
    prepares = WITHOUT_444


def commit() -> str:
    """Of the tree that is measured, with a plus where it is not committed."""
    root = Path(__file__).parents[2]
    described = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty=+"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "?"
