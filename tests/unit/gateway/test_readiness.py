"""`/readyz`: whether a person who comes now can sign in and start a desktop."""

from __future__ import annotations

from structlog.testing import capture_logs

from display_server.broker.launchers.launcher_watch import LauncherWatch
from display_server.broker.sqlite_database import SqliteDatabase
from display_server.errors import DesktopError
from tests.fakes.gateway import MAY_READ_METRICS, GatewayUnderTest


class Spawner:
    """Answers, or not."""

    def __init__(self) -> None:
        self.away = False

    async def ask(self) -> None:
        if self.away:
            raise DesktopError("The spawner does not answer.", next_step="Look at its log.")


async def test_is_ready_until_the_database_is_lost(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    database = local_gateway.services.store.database
    assert isinstance(database, SqliteDatabase)
    database.path.unlink()
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (503, "database-missing")
    metrics = (await client.get("/metrics", headers=MAY_READ_METRICS)).text
    assert "lightbox_database_usable 0.0" in metrics


async def test_a_server_that_can_start_no_desktop_works_but_is_not_ready(
    local_gateway: GatewayUnderTest,
) -> None:
    client, spawner = local_gateway.in_process_client(), Spawner()
    watch = local_gateway.services.launcher_watch
    watch._ask = spawner.ask
    spawner.away = True
    await watch.run_once()
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["no-desktop-starts"]
    assert (await client.get("/healthz")).status_code == 200, "those who work here can go on"
    metrics = (await client.get("/metrics", headers=MAY_READ_METRICS)).text
    assert "lightbox_launcher_usable 0.0" in metrics
    spawner.away = False
    await watch.run_once()
    assert (await client.get("/readyz")).status_code == 200


async def test_the_log_has_each_change_once() -> None:
    spawner = Spawner()
    watch = LauncherWatch(spawner.ask)
    with capture_logs() as log:
        for away in (False, True, True, False, False):
            spawner.away = away
            await watch.run_once()
    assert [line["event"] for line in log] == ["no desktop can be started", "desktops can be started again"]
