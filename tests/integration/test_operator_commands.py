"""The operator's commands on a running server, as programs: accounts, desktops, backup and restore."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from display_server.broker.busy_processes import BusyProcesses
from display_server.broker.process_table import read_process_table
from tests.fakes.gateway import PASSWORD, make_web_client

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0


class Server:
    """`tests.fakes.gateway_program` with a real X server per desktop, and `lightbox` commands for it."""

    def __init__(self, folder: Path, *, state: Path | None = None) -> None:
        self.folder = folder
        self.state = state or folder / "state"
        if not (folder / "dist").exists():
            make_web_client(folder / "dist")
        self.log = folder / f"log-{self.state.name}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.fakes.gateway_program"),
                    *(str(self.state), str(folder / "dist"), "supervisor"),
                ],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        self.ready: dict[str, str] = json.loads(line)

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTBOX_")}
        return {**ours, "XDG_RUNTIME_DIR": str(self.folder), "TMPDIR": str(self.folder)}

    def client(self) -> httpx2.Client:
        context = ssl.create_default_context(cafile=str(self.state / "tls" / "ca.crt"))
        url = self.ready["url"]
        return httpx2.Client(
            base_url=url, verify=context, headers={"Origin": url}, timeout=PATIENCE_S, trust_env=False
        )

    def sign_in(self, password: str | None = None) -> tuple[httpx2.Client, int]:
        client = self.client()
        body = {"username": "demo", "password": password or self.ready["password"]}
        return client, client.post("/api/v1/sign-in", json=body).status_code

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "display_server.cli", *arguments, "--state", str(self.state)],
            input=stdin,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def desktops(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.run("sessions", "--json").stdout)
        return listed

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """A server with the account `demo`, whose desktop `blank` runs."""
    running = Server(folder)
    yield running
    running.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_operator_ends_a_desktop(server: Server) -> None:
    client, status = server.sign_in()
    assert status == 200
    shown = client.post("/api/v1/desktops/blank/viewers").json()["session"]
    (desktop,) = server.desktops()
    assert desktop["id"] == shown
    ended = server.run("sessions", "end", shown)
    assert ended.returncode == 0, ended.stderr
    assert "The desktop blank of demo has ended" in ended.stderr
    assert not psutil.pid_exists(desktop["pids"]["x_server"]), "its processes have ended with the command"
    assert server.desktops() == []
    answer = client.post(f"/api/v1/desktops/blank/viewers?resume={shown}")
    assert (answer.status_code, answer.json()["code"]) == (410, "desktop-ended-by-operator")
    assert [line["by"] for line in server.log_lines("session ending")] == ["operator"]
    again = server.run("sessions", "end", shown)
    assert again.returncode == 2
    assert "is running" in again.stderr


def test_a_disabled_account_is_out_at_once_and_its_desktop_stays(server: Server) -> None:
    client, _ = server.sign_in()
    assert client.get("/api/v1/me").status_code == 200
    disabled = server.run("account", "disable", "demo")
    assert disabled.returncode == 0, disabled.stderr
    assert "Still running: blank" in disabled.stderr
    assert client.get("/api/v1/me").status_code == 401
    assert server.sign_in()[1] == 401
    assert [desktop["state"] for desktop in server.desktops()] == ["ready"]
    assert server.run("account", "enable", "demo").returncode == 0
    _, status = server.sign_in()
    assert status == 200
    ended = server.run("account", "disable", "demo", "--end-desktops")
    assert "Ended: blank" in ended.stderr
    assert server.desktops() == []


def test_a_password_change_is_recorded_without_the_password(server: Server) -> None:
    client, _ = server.sign_in()
    changed = server.run("account", "passwd", "demo", stdin="another password\n")
    assert changed.returncode == 0, changed.stderr
    assert client.get("/api/v1/me").status_code == 401
    assert server.sign_in()[1] == 401
    assert server.sign_in("another password")[1] == 200
    assert server.desktops(), "the desktop keeps running"
    (line,) = server.log_lines("account password changed")
    assert line["username"] == "demo"
    (event,) = [
        event
        for event in json.loads(server.run("account", "history", "--json").stdout)
        if event["action"] == "password changed"
    ]
    assert event["operator"]
    assert "another password" not in server.log.read_text() + changed.stderr + json.dumps(event)


def test_deleting_an_account_ends_its_desktops_and_keeps_its_homes(server: Server) -> None:
    client, _ = server.sign_in()
    home = server.state / "homes" / "demo" / "blank"
    (home / "notes.txt").write_text("what demo wrote")
    refused = server.run("account", "delete", "demo")
    assert refused.returncode == 2
    for said in ("signed out", "unsaved work is lost", "set aside", "nobody could be asked"):
        assert said in refused.stderr
    assert client.get("/api/v1/me").status_code == 200, "nothing was done without a confirmation"

    deleted = server.run("account", "delete", "demo", "--yes")
    assert deleted.returncode == 0, deleted.stderr
    assert "Ended: blank" in deleted.stderr
    assert client.get("/api/v1/me").status_code == 401
    assert server.desktops() == []
    assert server.run("account", "list").stdout.startswith("There is no account")
    (kept,) = (server.state / "deleted-homes").iterdir()
    assert (kept / "blank" / "notes.txt").read_text() == "what demo wrote"
    assert not (server.state / "homes" / "demo").exists()
    assert server.run("account", "deleted-homes").stdout == f"{kept.name}\n"
    assert server.run("account", "deleted-homes", "--wipe", "../homes").returncode == 2
    assert server.run("account", "deleted-homes", "--wipe", kept.name).returncode == 0
    assert not kept.exists()


def test_deleting_asks_for_the_name_of_the_account(folder: Path, server: Server) -> None:
    def delete(answer: bytes) -> int:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "display_server.cli", "account", "delete", "demo", "--wipe-homes"),
                *("--state", str(server.state)),
            ],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=server.environment,
            cwd=ROOT,
        ) as process:
            os.close(theirs)
            os.write(ours, answer)
            output, _ = process.communicate(timeout=PATIENCE_S)
            os.close(ours)
        assert b"are DELETED and cannot be restored" in output
        return process.returncode

    assert delete(b"yes\n") == 2
    assert server.run("account", "list").stdout.startswith("demo")
    assert delete(b"demo\n") == 0
    assert server.run("account", "list").stdout.startswith("There is no account")
    assert not (server.state / "homes" / "demo").exists()
    assert not (server.state / "deleted-homes").exists()


def test_a_server_that_does_not_answer_is_named(server: Server) -> None:
    """The account is disabled all the same, and the command fails."""
    (socket,) = server.folder.glob("lightbox-*/operator.sock")
    socket.unlink()
    failed = server.run("account", "disable", "demo")
    assert failed.returncode == 1
    assert "The account demo is disabled" in failed.stderr
    assert f"process id {server.process.pid} did not answer" in failed.stderr
    assert server.sign_in()[1] == 401


def test_a_backup_of_a_running_server_is_restored_on_an_empty_host(server: Server, folder: Path) -> None:
    (server.state / "homes" / "demo" / "blank" / "notes.txt").write_text("what demo wrote")
    root = (server.state / "tls" / "ca.crt").read_bytes()
    archive = folder / "backup.tar.gz"
    saved = server.run("backup", str(archive), "--homes")
    assert saved.returncode == 0, saved.stderr
    assert archive.stat().st_mode & 0o777 == 0o600

    refused = server.run("restore", str(archive))
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr

    target = folder / "restored"
    restored = subprocess.run(
        [
            *(sys.executable, "-m", "display_server.cli", "restore", str(archive)),
            *("--state", str(target)),
        ],
        env=server.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert restored.returncode == 0, restored.stderr
    other = Server(folder, state=target)
    try:
        assert other.ready["password"] == server.ready["password"]
        client, status = other.sign_in()
        assert status == 200
        assert client.post("/api/v1/desktops/blank/viewers").status_code == 201
        assert (target / "tls" / "ca.crt").read_bytes() == root, "devices trust the restored server"
        assert (target / "homes" / "demo" / "blank" / "notes.txt").read_text() == "what demo wrote"
    finally:
        other.stop()


def test_a_database_of_0_1_0_is_converted_and_serves(folder: Path) -> None:
    state = folder / "state"
    state.mkdir(mode=0o700)
    schema = (ROOT / "tests" / "vectors" / "database_schema_5.sql").read_text("utf-8")
    with sqlite3.connect(state / "lightbox.db") as connection:
        connection.executescript(schema)
    connection.close()
    server = Server(folder)
    try:
        answer = server.client().post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
        assert (answer.status_code, answer.json()["display_name"]) == (200, "김")
        answer = server.client().post("/api/v1/sign-in", json={"username": "lee", "password": PASSWORD})
        assert answer.status_code == 401, "the account was disabled"
        assert (state / "lightbox.db.schema-5").is_file()
    finally:
        server.stop()


def test_recognises_a_program_that_burns_a_processor() -> None:
    """A real process and its real processor time; only the clock is the test's."""
    burning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        processes = BusyProcesses(after_s=0.5)

        def sample() -> Any:
            return read_process_table()[burning.pid].sample

        began = sample()
        assert processes.observe([("one", began)], 0) == []
        wait_for(lambda: sample().cpu_s - began.cpu_s >= 0.5)
        (report,) = processes.observe([("one", sample())], 0.5)
        assert (report.pid, report.session) == (burning.pid, "one")
        assert report.load >= 1
        assert report.program.startswith("python")
    finally:
        burning.kill()
        burning.wait()


def test_entitlements_are_given_explained_and_removed_while_people_work(server: Server) -> None:
    """The configuration entitles `demo` as well."""
    client, _ = server.sign_in()
    shown = client.post("/api/v1/desktops/blank/viewers").json()["session"]

    def run(*arguments: str) -> Any:
        done = server.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run("groups", "add", "Ward 3")
    run("groups", "add-member", "ward 3", "demo")
    run("entitlements", "add", "blank", "--group", "ward 3")
    why = run("entitlements", "why", "demo", "blank")
    assert [(path["subject"], path["groups"]) for path in why["paths"]] == [
        ("user", []),
        ("group", ["ward 3"]),
    ]
    nobody = server.run("entitlements", "why", "lee", "blank")
    assert nobody.returncode == 1
    assert "There is no account named lee" in nobody.stdout
    person = run("users", "show", "demo")
    assert (person["desktops"], list(person["groups"])) == (["blank"], ["ward 3"])
    assert [session["id"] for session in person["sessions"]] == [shown]
    # The configuration entitles as well, so that nothing ends.
    assert run("groups", "delete", "ward 3", "--yes") == {"ended": 0, "warned": 0, "until_sign_out": 0}
    assert server.log_lines("access changed: The group ward 3 is deleted"), "the server has acted"
    refused = server.run("entitlements", "remove", "blank", "--user", "demo")
    assert refused.returncode == 2
    assert "The configuration entitles" in refused.stderr
    assert [desktop["id"] for desktop in server.desktops()] == [shown]
