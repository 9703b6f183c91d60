"""A server with isolated desktops as a program, which tests kill and start again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil

from display_server.broker.lasting_folder import LastingFolder
from display_server.spawner import layout
from display_server.spawner.messages import RunningContainer
from display_server.spawner.records import running_container
from display_server.spawner.runtime import Runtime, choose_runtime
from tests.e2e.containers import processes_in
from tests.fakes.gateway import make_web_client
from tests.fakes.server_processes import server_processes

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120.0
PASSWORD = "correct horse battery staple"
CONFIG = """
port = 0
state = "{state}"
web_client = "{web_client}"
[isolation]
enabled = {isolation}
memory_mb = 512
temporary_mb = 64
[[desktops]]
name = "blank"
profile = "blank"
users = ["kim"]
"""

T = TypeVar("T")


class Server:
    """`lightbox serve` or `lightbox demo` with one state folder; `start` may be called again after an end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.lasting = LastingFolder.of(self.state)
        self.log = folder / "log"
        self.config = folder / "lightbox.toml"
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        make_web_client(folder / "dist")
        self.configure()
        self.run("account", "add", "kim", stdin=PASSWORD)

    def configure(self, *, isolation: bool = True) -> None:
        text = CONFIG.format(
            state=self.state, web_client=self.folder / "dist", isolation=str(isolation).lower()
        )
        self.config.write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTBOX_")}
        return {**ours, "XDG_RUNTIME_DIR": str(self.folder), "TMPDIR": str(self.folder)}

    def command(self, *words: str) -> list[str]:
        """Returns a `lightbox` command, as the user of the server runs it."""
        return [sys.executable, "-m", "display_server.cli", *words]

    def start(self, *arguments: str) -> str:
        """Starts the server and returns the line that it prints; an empty one if it ended."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*(arguments or ("serve", "--config", str(self.config), "--json"))),
                cwd=ROOT,
                env=self.environment | {"LIGHTBOX_WEB_CLIENT": str(self.folder / "dist")},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = json.loads(line)["url"] if line else ""
        return line

    def end(self, number: signal.Signals) -> None:
        """Ends the server, and waits until its spawner has ended, too. SIGKILL kills all its processes."""
        assert self.process is not None
        spawner, parts = self.spawner(), self.parts()
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            for part in parts.values():
                part.kill()
        self.process.communicate(timeout=PATIENCE_S)
        if spawner is not None:
            spawner.wait(PATIENCE_S)

    def parts(self) -> dict[str, psutil.Process]:
        """Returns the processes of gateway and broker."""
        assert self.process is not None
        return server_processes(self.process.pid)

    def spawner(self) -> psutil.Process | None:
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next((child for child in children if "display_server.spawner" in child.cmdline()), None)

    def context(self) -> ssl.SSLContext:
        """Trusts the server's own authority."""
        return ssl.create_default_context(cafile=str(self.state / "tls" / "ca.crt"))

    def client(self) -> httpx2.Client:
        """Returns a client of a signed-in person."""
        client = httpx2.Client(
            base_url=self.url,
            verify=self.context(),
            headers={"Origin": self.url},
            timeout=PATIENCE_S,
            trust_env=False,
        )
        answer = client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    def open(self, client: httpx2.Client, resume: str | None = None) -> httpx2.Response:
        """Opens the desktop, or reconnects to a session of it."""
        query = {"resume": resume} if resume else {}
        headers = {"Origin": self.url}  # the port is another one after a restart
        return client.post(f"{self.url}/api/v1/desktops/blank/viewers", params=query, headers=headers)

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs a `lightbox` command on the same configuration."""
        done = subprocess.run(
            self.command(*arguments, "--config", str(self.config)),
            input=stdin,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    def desktops(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.run("sessions", "--json").stdout)
        return listed

    def rows(self) -> dict[str, tuple[str, str | None]]:
        """Returns state and reason of the end of each session that the database knows."""
        with sqlite3.connect(self.state / "lightbox.db") as db:
            rows = db.execute("SELECT id, state, ended_by FROM sessions").fetchall()
        db.close()
        return {session: (state, ended_by) for session, state, ended_by in rows}

    def container(self, session: str) -> RunningContainer:
        found = running_container(self.lasting.path / "bundles" / session)
        assert found is not None
        return found

    def processes(self, session: str) -> dict[str, psutil.Process]:
        """Returns the processes of a desktop by name; the supervisor is `supervisor`."""
        found = {}
        for process in processes_in(self.container(session).init_pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                words = process.cmdline()
                part = next((word for word in words if word.startswith("display_server.")), process.name())
                found[part.removeprefix("display_server.")] = process
        return found

    def has_supervisor(self, session: str) -> bool:
        """Returns whether the desktop's supervisor accepts connections, as the server needs them."""
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.lasting.desktops / session / "supervisor.sock")) == 0

    def start_program(self, session: str) -> psutil.Process:
        """Starts a program of the person in a desktop."""
        pid_file = self.lasting.path / "bundles" / session / "test.pid"
        self.execute(session, ("/bin/sleep", "100000"), "--detach", "--pid-file", str(pid_file))
        return psutil.Process(int(pid_file.read_text()))

    def execute(self, session: str, command: Sequence[str], *options: str, stdout: int | None = None) -> str:
        """Runs a command of the person in a desktop. With PIPE as `stdout`, returns what it prints.

        Raises CalledProcessError.
        """
        process = {
            "terminal": False,
            "user": {"uid": layout.PERSON_ID, "gid": layout.PERSON_ID},
            "args": list(command),
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": {},
            "noNewPrivileges": True,
        }
        runtime = Runtime(choose_runtime(), self.lasting.path / "runtime")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(json.dumps(process))
            file.flush()
            words = runtime.command("exec", *options, "--process", file.name, session)
            return subprocess.run(words, check=True, stdout=stdout, text=True).stdout or ""

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def close(self) -> None:
        """Ends everything that is left."""
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGTERM)
        if self.lasting.path.exists():
            self.run("sessions", "end", "--all")
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()


def wait_for(condition: Callable[[], T]) -> T:
    """Returns the first true value."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    return value
