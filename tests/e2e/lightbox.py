"""Runs `lightbox demo` and other `lightbox` commands on its state folder."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from display_server.broker.lasting_folder import LastingFolder
from display_server.broker.running_desktops import running_desktops
from display_server.gateway.hosts import is_loopback
from display_server.spawner.runtime import Runtime, choose_runtime
from tests.e2e.processes import Program, free_port, wait_for
from tests.e2e.x_desktop.display import XDisplay
from tests.fakes.server_processes import server_processes

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-m", "display_server.cli")
#: Multiplies the product's limits for what counts as silent or late.
PATIENCE = 60
#: How long the demo may take to print its address, s.
START_TIMEOUT_S = 120.0
#: How long a desktop may take to become ready, s.
SESSION_TIMEOUT_S = 90.0
#: Where clients find X servers.
X_SOCKETS = Path("/tmp/.X11-unix")
#: How long a command may run, s.
COMMAND_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Session:
    """A line of `lightbox sessions --json`."""

    id: str
    user: str
    profile: str
    state: str
    display: str
    xauthority: Path
    x_server_pid: int
    agent_pid: int
    width_px: int
    height_px: int


#: Settings with which no screen is locked and nobody signed out: browsers of a module wait for each other.
NEVER_LOCKED = {
    "LIGHTBOX_SCREEN_LOCK_AFTER_MINUTES": "840",
    "LIGHTBOX_SCREEN_LOCK_TAKE_BACK_SECONDS": "50400",
    "LIGHTBOX_SIGN_IN_IDLE_MINUTES": "840",
}


def outside(folder: Path) -> dict[str, Any]:
    """Returns how this host reaches the X server of a desktop in a container."""
    runtime = Runtime(choose_runtime(), folder.parents[1] / "runtime")
    init = runtime.init_pid(folder.name)
    assert init is not None
    # Clients of this host find the socket at the name of a display whose number no X server chooses.
    number = 100_000 + init
    link = X_SOCKETS / f"X{number}"
    if not link.is_symlink():
        link.symlink_to(f"/proc/{init}/root/tmp/.X11-unix/X0")
    return {
        "display": f":{number}",
        "xauthority": str(folder / "xauthority"),
        "width_px": 0,
        "height_px": 0,
    }


class Lightbox:
    """The demo on a free port of this host, with its own state folder, which `stop` removes.

    As a context it stops at the end.
    """

    def __init__(
        self,
        log: Path,
        *,
        profile: str,
        width_px: int | None = None,
        height_px: int | None = None,
        video: str = "adaptive",
        host: str = "127.0.0.1",
        share: bool = False,
        settings: Mapping[str, str] | None = None,
        patience: int = PATIENCE,
        copy_out: bool = False,
    ) -> None:
        """`settings` are environment variables. Without a size the desktop takes that of its windows. With
        `copy_out` copies may leave the radiology desktop, too.

        The product would call itself silent, and drop input, when this host is too busy to answer within a
        second. Tests of that give a `patience` of 1, as in production.
        """
        self.profile = profile
        self.state_folder = Path(tempfile.mkdtemp(prefix="lightbox-e2e-"))
        given = {"LIGHTBOX_STATE": str(self.state_folder), "LIGHTBOX_PATIENCE": str(patience)}
        # Hosts of other network namespaces; without isolation the demo is for this computer alone.
        trusting = {} if is_loopback(host) else {"LIGHTBOX_ISOLATION_TRUST_EVERYBODY": "true"}
        self.environment = {**os.environ, **NEVER_LOCKED, **trusting, **(settings or {}), **given}
        self._port = free_port()
        started = time.monotonic()
        arguments = ["demo", "--json", "--port", str(self._port), "--profile", profile, "--video", video]
        arguments += ["--host", host, "--share" if share else "--no-share"]
        arguments += ["--state", str(self.state_folder)]
        if copy_out:
            arguments.append("--copy-out")
        if width_px is not None:
            arguments += ["--size", f"{width_px}x{height_px}"]
        log.write_bytes(b"")
        self._command, self._log = [*COMMAND, *arguments], log
        self._links: set[Path] = set()  # names of the displays of isolated desktops
        answer = self._start()
        self.start_s = time.monotonic() - started
        self.url = answer["url"].rstrip("/")
        self.username = answer["username"]
        self.password = answer["password"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._port

    def restart(self) -> None:
        """Ends the demo with its desktops and starts it again, with the same address and state."""
        self.program.terminate()
        self.program.wait(SESSION_TIMEOUT_S)
        self._start()

    def kill(self) -> None:
        """Kills the server with gateway and broker. Isolated desktops go on until `start_again` or `stop`."""
        parts = list(server_processes(self.program.pid).values())
        for pid in (self.program.pid, *(part.pid for part in parts)):
            os.kill(pid, signal.SIGKILL)
        self.program.wait(SESSION_TIMEOUT_S)
        psutil.wait_procs(parts, timeout=SESSION_TIMEOUT_S)

    def start_again(self) -> None:
        """Starts the demo that was killed, with the same address and state."""
        self._start()

    def _start(self) -> dict[str, str]:
        """Starts the demo and returns what it prints."""
        self.program = Program(
            self._command, log=self._log, env=self.environment, stdout=subprocess.PIPE, cwd=ROOT
        )
        try:
            answer: dict[str, str] = json.loads(self._first_line())
        except BaseException:
            self.stop()
            raise
        return answer

    def _first_line(self) -> bytes:
        descriptor = self.program.stdout.fileno()
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            deadline = time.monotonic() + START_TIMEOUT_S
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"no line from the demo:\n{self.program.log_tail()}")
                byte = os.read(descriptor, 1)
                if not byte:
                    raise AssertionError(f"the demo ended:\n{self.program.log_tail()}")
                line += byte
        return line

    def rest_of_output(self) -> bytes:
        """Returns the standard output after the first line. Call it when the demo has ended."""
        return self.program.stdout.read()

    def command(self, *arguments: str) -> str:
        """Runs another `lightbox` command on the same state folder and returns its output."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"lightbox {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def sessions(self) -> list[dict[str, Any]]:
        """Lists the running desktops as `lightbox sessions` does, without a process for each reading."""
        return running_desktops(self.state_folder)

    def session(self, profile: str | None = None) -> Session:
        """Waits until the demo's desktop, or that of another profile, is ready and returns it."""
        profile = profile or self.profile

        def ready() -> dict[str, Any] | None:
            found = [s for s in self.sessions() if s["profile"] == profile and s["state"] == "ready"]
            return found[0] if found and found[0]["pids"]["agent"] else None

        entry = wait_for(ready, timeout_s=SESSION_TIMEOUT_S, what=f"a ready {profile} desktop", every_s=0.2)
        if entry["isolated"]:
            entry |= outside(Path(entry["folder"]))
            self._links.add(X_SOCKETS / f"X{entry['display'][1:]}")
        return Session(
            id=entry["id"],
            user=entry["user"],
            profile=entry["profile"],
            state=entry["state"],
            display=entry["display"],
            xauthority=Path(entry["xauthority"]),
            x_server_pid=entry["pids"]["x_server"],
            agent_pid=entry["pids"]["agent"],
            width_px=entry["width_px"],
            height_px=entry["height_px"],
        )

    def display(self, profile: str | None = None) -> XDisplay:
        session = self.session(profile)
        return XDisplay(session.display, session.xauthority)

    def stop(self) -> None:
        self.program.stop()
        if LastingFolder.of(self.state_folder).path.exists():  # the demo was killed, and its desktops go on
            self.command("sessions", "end", "--all")
        shutil.rmtree(self.state_folder, ignore_errors=True)
        for link in self._links:
            link.unlink(missing_ok=True)
