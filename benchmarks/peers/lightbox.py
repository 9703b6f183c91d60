"""Lightbox as users run it: `lightbox demo` behind its TLS and its sign-in page."""

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

import psutil
from playwright.sync_api import Page

from benchmarks.peers.isolated_desktop import IsolatedDesktop
from benchmarks.peers.processes import end
from benchmarks.peers.subject import Running, SubjectFailedError
from benchmarks.report.tree import measured_tree

#: How long the demo, and then its desktop, may take to be ready, s.
START_TIMEOUT_S = 120
#: A desktop whose X server shows nothing but the content.
DESKTOP = "blank"
#: A desktop that the demo does not start by itself, for cold starts.
COLD_DESKTOP = "office"
#: Settings with which no screen is locked and nobody signed out: content is measured without input.
NEVER_LOCKED = {"LIGHTBOX_SCREEN_LOCK_AFTER_MINUTES": "840", "LIGHTBOX_SIGN_IN_IDLE_MINUTES": "840"}

#: The desktops of the peers are not isolated either. The benchmark's networks are namespaces of this host.
NOT_ISOLATED = {"LIGHTBOX_ISOLATION_ENABLED": "false", "LIGHTBOX_ISOLATION_TRUST_EVERYBODY": "true"}

#: Script that removes H.264 High 4:4:4 Predictive (profile f4) from the browser's WebRTC offers.
WITHOUT_444 = """(() => {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (...args) {
    const transceiver = add.apply(this, args);
    const codecs = RTCRtpReceiver.getCapabilities('video').codecs;
    transceiver.setCodecPreferences(
      codecs.filter(({ sdpFmtpLine = '' }) => !/profile-level-id=f4/i.test(sdpFmtpLine)),
    );
    return transceiver;
  };
})()"""


class Lightbox:
    """Lightbox under the policy `adaptive`: motion is sent as video if the link or the browser needs it."""

    name = "lightbox"
    #: The video policy of `lightbox demo`.
    policy = "adaptive"
    #: Further environment variables of `lightbox demo`.
    environment: Mapping[str, str] = {}
    #: Whether each desktop runs in a container of its own; None for the default.
    isolation: bool | None = None
    #: Script that runs in the page before the page's own scripts.
    init_script = ""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._state: Path | None = None
        self._isolated: IsolatedDesktop | None = None
        # Equivalent to the command `lightbox`, which an incomplete setup may lack.
        self._command = [sys.executable, "-c", "from display_server.cli import main; main()"]

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:  # noqa: ARG002 - TLS is trusted by any name
        self._state = Path(tempfile.mkdtemp(prefix="bench-lightbox-"))
        ready = self._start_demo(width_px, height_px, host)
        url, username, password = ready["url"].rstrip("/"), ready["username"], ready["password"]
        session = self._session()
        xauthority = session["xauthority"]
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        own = [child for child in server.children() if child.name().startswith("lb-")]  # gateway, broker
        roles = {"gateway": [server.pid, *(child.pid for child in own)]}
        if session["isolated"]:
            self._isolated = IsolatedDesktop(session["id"])
            session["display"] = self._isolated.display
            xauthority = Path(session["folder"]) / "xauthority"
            roles |= self._isolated.roles()
        else:
            roles |= {role: [pid] for role, pid in session["pids"].items() if pid}

        def prepare_open(page: Page, desktop: str = DESKTOP) -> Callable[[], None]:
            page.goto(url)
            page.wait_for_selector("input[name=username], a[href^='/desktop/']")
            if page.query_selector("input[name=username]"):
                page.fill("input[name=username]", username)
                page.fill("input[name=password]", password)
                page.click("[type=submit]")
            page.wait_for_selector("a[href^='/desktop/']")
            if page.query_selector(f"a[href='/desktop/{desktop}']"):
                return lambda: page.click(f"a[href='/desktop/{desktop}']")

            def open_by_address() -> None:
                """The list does not show this desktop. The page is loaded anew, which takes longer."""
                page.goto(f"{url}/desktop/{desktop}", wait_until="commit")

            return open_by_address

        def enter(page: Page) -> None:
            if self.init_script:
                page.add_init_script(self.init_script)
            prepare_open(page)()

        facts: Mapping[str, str] = {
            "TLS": "yes",
            "profile": DESKTOP,
            "video": ", ".join([self.policy, *(f"{k} {v}" for k, v in self.environment.items())]),
            "commit": measured_tree().described,
        }
        return Running(
            display=session["display"],
            xauthority=Path(xauthority) if xauthority else None,
            port=int(url.rsplit(":", 1)[1]),
            pids=lambda: roles,
            enter=enter,
            prepare_open=prepare_open,
            prepare_cold_open=lambda page: prepare_open(page, COLD_DESKTOP),
            facts=facts,
            agent_socket=Path(session["folder"]) / "agent.sock",
        )

    def _start_demo(self, width_px: int, height_px: int, host: str) -> dict[str, str]:
        """Starts the demo and returns what it prints when it is ready. Raises SubjectFailedError."""
        assert self._state is not None
        command = [*self._command, "demo", "--json", "--port", "0", "--profile", DESKTOP]
        # The case `relay` is a second viewer of the desktop.
        command += ["--video", self.policy, "--share"]
        if self.isolation is not None:
            command.append("--isolation" if self.isolation else "--no-isolation")
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
                env=os.environ | NEVER_LOCKED | NOT_ISOLATED | dict(self.environment),
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
        """Waits until the demo's desktop is ready and returns its session. Raises SubjectFailedError."""
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
        if self._isolated is not None:
            self._isolated.close()
            self._isolated = None
        if self._process is not None:
            end(self._process, 20)
            self._process = None
        if self._state is not None:
            shutil.rmtree(self._state, ignore_errors=True)
            self._state = None


class LightboxIsolation(Lightbox):
    """Each desktop in a container of its own."""

    name = "lightbox-isolation"
    isolation = True


class LightboxNoIsolation(Lightbox):
    """Every program of a desktop runs as the user who started the server."""

    name = "lightbox-no-isolation"
    isolation = False


class LightboxExact(Lightbox):
    """The policy `exact`: lossless tiles only, on any link."""

    name = "lightbox-exact"
    policy = "exact"


class LightboxEconomy(Lightbox):
    """The policy `economy`: all motion at video rate is sent as video."""

    name = "lightbox-economy"
    policy = "economy"


class LightboxThrifty(LightboxEconomy):
    """The policy `economy` limited to 2.5 Mbit/s on average, about the rate of Selkies for the film, so that
    quality is compared at equal rates."""

    name = "lightbox-thrifty"
    environment = {"LIGHTBOX_VIDEO_ECONOMY_MBPS": "2.5"}  # noqa: RUF012 - never written to


class LightboxQuarterColour(Lightbox):
    """The policy `adaptive` in a browser without H.264 High 4:4:4, such as Firefox and Safari. Its video has
    4:2:0 chroma. Nothing else differs."""

    name = "lightbox-420"
    init_script = WITHOUT_444
