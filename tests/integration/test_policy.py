"""`lightbox policy` with a server that runs, and without one."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_operator_commands import PATIENCE_S, ROOT, Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        running = Server(Path(path))
        yield running
        running.stop()


def lightbox(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `lightbox policy` without the state folder of the server."""
    return subprocess.run(
        [sys.executable, "-m", "display_server.cli", "policy", *arguments],
        env=server.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def effective(server: Server, *arguments: str) -> dict[str, tuple[object, str]]:
    shown = server.run("policy", "effective", "--person", "demo", *arguments, "--json")
    assert shown.returncode == 0, shown.stderr
    return {one["key"]: (one["value"], one["origin"]) for one in json.loads(shown.stdout)}


def test_a_policy_is_in_force_as_soon_as_it_is_set(server: Server) -> None:
    before = effective(server, "--desktop", "blank")
    assert before["idle_lock_minutes"][1] == "configuration"
    assert before["clipboard_to_desktop"][1] in ("profile", "configuration")
    assert before["monitors"] == (6, "default")
    client, status = server.sign_in()
    assert status == 200
    assert client.get("/api/v1/lock").json()["after_s"] == before["idle_lock_minutes"][0] * 60  # type: ignore[operator]
    done = server.run("policy", "set", "quick-lock", "idle_lock_minutes=2", "monitors=2")
    assert done.returncode == 0, done.stderr
    assert client.get("/api/v1/lock").json()["after_s"] == 120
    assert effective(server)["idle_lock_minutes"] == (2, "policy quick-lock")
    assert server.run("policy", "remove", "quick-lock").returncode == 0
    assert client.get("/api/v1/lock").json()["after_s"] == before["idle_lock_minutes"][0] * 60  # type: ignore[operator]


def test_a_policy_that_locks_out_its_author_is_refused(server: Server) -> None:
    strict = ("policy", "set", "factor", "second_factor=always")
    refused = server.run(*strict, "--author", "demo", "--address", "192.0.2.7")
    assert refused.returncode == 2
    assert "lock you out" in refused.stderr
    zero = server.run("policy", "set", "zero", "idle_lock_minutes=0")
    assert (zero.returncode, "from 1 to 480" in zero.stderr) == (2, True)


def test_policies_are_set_and_removed_without_a_server(server: Server) -> None:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        state = Path(path) / "state"

        def run(*arguments: str) -> str:
            done = lightbox(server, *arguments, "--json", "--state", str(state))
            assert done.returncode == 0, done.stderr
            return done.stdout

        run("set", "exact", "picture_mode=exact", "session_hours=unlimited", "--tag", "diagnostic")
        (rule,) = json.loads(run("list"))
        assert (rule["id"], rule["conditions"]) == ("exact", {"tag": "diagnostic"})
        assert rule["values"] == {"picture_mode": "exact", "session_hours": "unlimited"}
        run("remove", "exact")
        missing = lightbox(server, "show", "exact", "--state", str(state))
        assert (missing.returncode, "no policy named" in missing.stderr) == (2, True)
        with sqlite3.connect(state / "lightbox.db") as db:
            found = db.execute(
                "SELECT action, role FROM audit_entries WHERE action LIKE 'policy-%' ORDER BY seq"
            )
            assert found.fetchall() == [("policy-set", "operator"), ("policy-removed", "operator")]


def test_the_keys_are_listed_with_what_to_write(server: Server) -> None:
    keys = {one["key"]: one for one in json.loads(lightbox(server, "keys", "--json").stdout)}
    assert keys["picture_mode"]["form"] == "one of exact, adaptive, economy"
    assert keys["idle_lock_minutes"]["titles"]["ko"]
