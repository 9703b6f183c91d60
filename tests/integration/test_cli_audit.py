"""`lightbox audit` lists, verifies, exports, reviews and purges the audit of a state folder."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from display_server.broker.store import Store
from display_server.cli.app import app
from display_server.errors import ConfigurationError
from display_server.telemetry import logs
from tests.fakes.audit_chain import fill


@pytest.fixture(autouse=True)
def _logs_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in this process, whose later tests cannot log to a standard error that was closed."""
    monkeypatch.setattr(logs, "configure_logs", lambda *_, **__: None)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    asyncio.run(record(folder, 5))
    return folder


async def record(folder: Path, count: int) -> None:
    store = await Store.open(folder / "lightbox.db")
    await fill(store, count)
    await store.close()


def configure(tmp_path: Path, state: Path) -> Path:
    file = tmp_path / "lightbox.toml"
    file.write_text(
        f'state = "{state}"\n[audit]\nretention_years = 1\ncheckpoint_file = "{tmp_path / "checkpoints"}"\n'
    )
    file.chmod(0o600)
    return file


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["audit", *(str(word) for word in words)])


def test_lists_and_searches_entries(state: Path) -> None:
    assert len(run("list", "--state", state).stdout.splitlines()) == 5
    assert len(run("list", "--limit", "2", "--state", state).stdout.splitlines()) == 2
    found = json.loads(run("search", "--account", "person3", "--json", "--state", state).stdout)
    assert [row["seq"] for row in found] == [4]
    early = run("search", "--object", "desktop:person", "--until", "2023-01-01", "--json", "--state", state)
    assert json.loads(early.stdout) == []
    wrong = run("search", "--action", "nothing", "--state", state)
    assert isinstance(wrong.exception, ConfigurationError)


def test_exports_every_entry_in_both_forms(state: Path) -> None:
    lines = run("export", "--state", state).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5]
    lines = run("export", "--format", "syslog", "--state", state).stdout.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("<8") for line in lines)


def test_verifies_with_checkpoints_and_finds_a_change(tmp_path: Path, state: Path) -> None:
    config = configure(tmp_path, state)
    assert run("checkpoint", "--config", config).exit_code == 0
    key = tmp_path / "key.pem"
    key.write_text(run("checkpoint", "--public-key", "--config", config).stdout)
    good = run("verify", "--config", config, "--key", key)
    assert good.exit_code == 0, good.output
    assert "Proven by a checkpoint outside of this host: everything up to entry 5" in good.stdout
    with sqlite3.connect(state / "lightbox.db") as database:
        database.execute("DROP TRIGGER audit_entries_keep_content")
        database.execute("UPDATE audit_entries SET account = 'somebody' WHERE seq = 3")
    database.close()
    bad = run("verify", "--config", config)
    assert bad.exit_code == 1
    assert "Entry 3 was altered" in bad.stdout
    report = json.loads(run("verify", "--json", "--config", config).stdout)
    assert not report["intact"]
    assert report["findings"][0]["seq"] == 3


def test_purges_after_the_retention(tmp_path: Path, state: Path) -> None:
    config = configure(tmp_path, state)
    refused = run("purge", "--config", config)
    assert isinstance(refused.exception, ConfigurationError)
    done = run("purge", "--yes", "--config", config)  # the entries are of 2023
    assert json.loads(done.stdout)["audit"] == "purge"
    (left,) = json.loads(run("list", "--json", "--config", config).stdout)
    assert left["action"] == "audit-purged"
    verified = run("verify", "--config", config)
    assert verified.exit_code == 0, verified.output
    assert json.loads((tmp_path / "checkpoints").read_text())["seq"] == 5
    assert "No entry is older than 1 years." in run("purge", "--yes", "--config", config).stderr


def test_reviews_a_month(state: Path) -> None:
    text = run("review", "--month", "2023-11", "--state", state).stdout
    assert text.startswith("Review of 2023-11: 5 entries.")
    found = json.loads(run("review", "--month", "2023-12", "--json", "--state", state).stdout)
    assert found["entries"] == 0
