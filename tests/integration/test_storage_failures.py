"""A running server whose disk becomes full or read-only, or whose database is deleted or damaged.

The faults are real: the state folder lies on a small memory file system in a mount namespace of the program.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fakes.gateway import make_web_client
from tests.fakes.server_processes import server_processes

ROOT = Path(__file__).resolve().parents[2]
#: Size of the memory file system, MiB: the files of a new server take less than 1 MiB.
DISK_MIB = 4
#: Users other than root need a user namespace in order to mount something.
AS_ROOT = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
INTO = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
PATIENCE_S = 90.0


class Server:
    """`tests.fakes.gateway_program` with its state on a disk of its own, and an HTTP client."""

    def __init__(self, state: Path, web_client: Path, runtime: Path) -> None:
        self._state = state
        state.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.fakes.gateway_program", str(state), str(web_client), "echo"]
        mount = f'mount -t tmpfs -o size={DISK_MIB}m,mode=700 disk "$0" && exec "$@"'
        self.process = subprocess.Popen(
            ["unshare", "--mount", *AS_ROOT, "sh", "-c", mount, str(state), *command],
            cwd=ROOT,
            env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(runtime)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.ready: dict[str, str] = json.loads(line)
        context = ssl.create_default_context(cafile=str(self.path("tls", "ca.crt")))
        self.client = httpx2.Client(
            base_url=self.ready["url"],
            verify=context,
            headers={"Origin": self.ready["url"]},
            timeout=PATIENCE_S,
            trust_env=False,
        )

    def path(self, *parts: str) -> Path:
        """Returns a path of the state folder, as the program's mount namespace has it."""
        return Path(f"/proc/{self.process.pid}/root{self._state}", *parts)

    def run(self, script: str) -> None:
        """Runs a shell script in the program's mount namespace; `$0` is the state folder."""
        enter = ["nsenter", "--target", str(self.process.pid), "--mount", *INTO]
        subprocess.run([*enter, "sh", "-ec", script, str(self._state)], check=True)

    def health(self) -> tuple[int, list[str]]:
        """Returns the status of `/healthz` and the codes of its reasons."""
        answer = self.client.get("/healthz")
        body: dict[str, Any] = answer.json()
        for reason in body.get("reasons", []):
            assert reason["cause"]
            assert reason["next_step"]
            assert str(self._state) not in answer.text  # everybody can read it
        return answer.status_code, [reason["code"] for reason in body.get("reasons", [])]

    def sign_in(self) -> httpx2.Response:
        credentials = {"username": self.ready["username"], "password": self.ready["password"]}
        return self.client.post("/api/v1/sign-in", json=credentials)

    def end(self) -> list[dict[str, Any]]:
        """Ends the program and returns the lines of its log."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, errors
        assert "Traceback" not in errors
        assert "sqlalche" not in errors
        return [json.loads(line) for line in errors.splitlines() if line.startswith("{")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lb") as runtime:
        running = Server(tmp_path / "state", make_web_client(tmp_path / "dist"), Path(runtime))
        yield running
        running.client.close()
        running.process.kill()
        running.process.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def faults(log: list[dict[str, Any]]) -> list[str]:
    return [line["fault"] for line in log if line["event"] == "storage failed"]


def fill(path: Path) -> None:
    """Writes a file until its disk is full."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


def test_a_disk_that_is_full_or_read_only_is_noticed_and_its_recovery_too(server: Server) -> None:
    assert server.health() == (200, [])
    fill(server.path("filler"))
    assert server.health() == (503, ["disk-full"])
    server.path("filler").unlink()
    assert server.health() == (200, [])

    # The files that the server has open forbid a remount, so another mount covers the folder.
    server.run('mount --bind "$0" "$0"; mount -o remount,ro,bind "$0"')
    assert server.health() == (503, ["read-only"])
    server.run('umount "$0"')
    assert server.health() == (200, [])
    assert server.sign_in().status_code == 200
    log = server.end()
    assert faults(log) == ["disk-full", "read-only"]
    assert [line["event"] for line in log].count("storage works again") == 2


def test_a_failed_write_is_explained_in_plain_words_and_once_in_the_log(server: Server) -> None:
    broker = server_processes(server.process.pid)["broker"].pid
    unlimited = resource.prlimit(broker, resource.RLIMIT_FSIZE)
    resource.prlimit(broker, resource.RLIMIT_FSIZE, (0, unlimited[1]))
    for _ in range(2):
        refused = server.sign_in()
        assert (refused.status_code, refused.json()["code"]) == (503, "store-failed")
        assert "account database" in refused.json()["message"]
        assert "sqlite" not in refused.text.lower()
    assert server.health() == (503, ["input-output-error"])
    resource.prlimit(broker, resource.RLIMIT_FSIZE, unlimited)
    assert server.health() == (200, [])
    assert server.sign_in().status_code == 200
    assert faults(server.end()) == ["input-output-error"]


def test_a_deleted_database_is_noticed_without_a_request(server: Server) -> None:
    server.path("lightbox.db").unlink()
    assert server.process.stderr is not None
    lines: list[str] = []
    while not any("storage failed" in line for line in lines):
        lines.append(server.process.stderr.readline())
        assert lines[-1], "the log ended"
    found = json.loads(lines[-1])
    assert found["fault"] == "database-missing"
    assert "Restart Lightbox" in found["next_step"]
    assert server.health() == (503, ["database-missing"])
    assert server.sign_in().json()["code"] == "store-failed"
    server.end()
