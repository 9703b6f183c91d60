"""What people and monitoring learn when the database fails under a running gateway."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from display_server import __version__
from display_server.broker.sqlite_database import SqliteDatabase
from display_server.protocol.close_codes import CloseCode
from tests.fakes.gateway import PASSWORD, GatewayUnderTest


def database_file(gateway: GatewayUnderTest) -> Path:
    database = gateway.services.store.database
    assert isinstance(database, SqliteDatabase)
    return database.path


async def test_a_deleted_database_shows_in_every_answer(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    assert (await client.get("/healthz")).json() == {"status": "ok", "version": __version__}
    database_file(local_gateway).unlink()
    with capture_logs() as log:
        for path in ("/api/v1/me", "/api/v1/desktops"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "store-failed")
            assert int(answer.headers["retry-after"]) > 0
        health = await client.get("/healthz")
    assert health.status_code == 503
    assert health.json()["status"] == "failed"
    [reason] = health.json()["reasons"]
    assert reason["code"] == "database-missing"
    assert "deleted" in reason["cause"]
    assert "Restart" in reason["next_step"]
    assert str(database_file(local_gateway).parent) not in health.text
    assert [entry["event"] for entry in log] == ["storage failed"]


async def test_a_failure_does_not_count_as_a_wrong_password(local_gateway: GatewayUnderTest) -> None:
    path = database_file(local_gateway)
    hidden = path.rename(path.with_name("hidden"))
    client = local_gateway.in_process_client()
    for _ in range(10):
        answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
        assert answer.json()["code"] == "store-failed"
    hidden.rename(path)
    await local_gateway.sign_in("kim")


async def test_a_viewer_reconnects_later(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    database_file(gateway).unlink()
    with capture_logs() as log:
        viewer = await gateway.open_viewer(client, ticket)
        await viewer.wait_closed()
    assert viewer.close_code == CloseCode.GOING_AWAY
    assert viewer.close_reason == "The server cannot use its account database."
    assert "exception" not in {entry.get("log_level") for entry in log}
    assert not any(entry.get("exc_info") for entry in log)


@pytest.mark.parametrize("damage", [b"", b"\xff" * 8192])
async def test_damage_is_noticed_when_somebody_asks(local_gateway: GatewayUnderTest, damage: bytes) -> None:
    path = database_file(local_gateway)
    with path.open("r+b") as file:
        file.truncate(len(damage))
        file.write(damage)
    health = await local_gateway.in_process_client().get("/healthz")
    assert (health.status_code, health.json()["reasons"][0]["code"]) == (503, "database-damaged")
