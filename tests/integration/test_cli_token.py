"""`lightbox token` creates, lists and revokes tokens, and shows a secret once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from display_server.broker.api_tokens import PREFIX, ApiTokens
from display_server.broker.store import Store
from display_server.cli.app import app
from display_server.errors import ConfigurationError
from display_server.telemetry import logs


@pytest.fixture(autouse=True)
def _logs_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in this process, whose later tests cannot log to a standard error that was closed."""
    monkeypatch.setattr(logs, "configure_logs", lambda *_, **__: None)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def run(state: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["token", *words, "--state", str(state)])


def test_a_token_is_created_listed_and_revoked(state: Path) -> None:
    made = run(state, "create", "Report", "--scope", "people.read", "--scope", "audit.read", "--days", "2")
    secret = made.stdout.splitlines()[-1]
    assert secret.startswith(PREFIX)
    listed = json.loads(run(state, "list", "--json").stdout)
    assert [(one["name"], one["scopes"], one["read_only"]) for one in listed] == [
        ("report", ["audit.read", "people.read"], False)
    ]
    shown = run(state, "list").stdout
    assert "never used" in shown
    assert secret not in shown

    async def works() -> bool:
        store = await Store.open(state / "lightbox.db")
        try:
            return await ApiTokens(store).find(secret) is not None
        finally:
            await store.close()

    assert asyncio.run(works())
    assert run(state, "revoke", "report").exit_code == 0
    assert not asyncio.run(works())
    assert "There is no token" in run(state, "list").stdout


def test_a_token_without_scopes_says_that_it_may_do_nothing(state: Path) -> None:
    assert "may do nothing" in run(state, "create", "empty").stderr


def test_a_wrong_scope_is_refused(state: Path) -> None:
    error = run(state, "create", "report", "--scope", "everything").exception
    assert isinstance(error, ConfigurationError)
    assert "sessions.read" in error.hint
