"""Floating pools of real containers: spare desktops, one person each, and homes that end with them."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.isolation.floating import DOCUMENT, FloatingServer
from tests.integration.isolation.servers import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")


@pytest.fixture
def server() -> Iterator[FloatingServer]:
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        running = FloatingServer(Path(path), maximum=2, spare=1)
        try:
            yield running
        finally:
            running.close()


def test_each_person_gets_a_fresh_desktop_and_leaves_nothing(server: FloatingServer) -> None:
    server.start()
    [spare] = server.wait_for_spare(1)
    kim = server.person("kim")
    [entry] = kim.get("/api/v1/desktops").json()
    assert (entry["home"], entry["state"]) == ("until-sign-out", "spare")
    assert server.open(kim).json()["session"] == spare
    assert (server.owners()[spare], server.rows()[spare]) == ("kim", ("ready", None))
    [entry] = kim.get("/api/v1/desktops").json()
    assert (entry["state"], entry["ends_in_s"] <= 3600) == ("ready", True)

    assert server.home(spare).name == "person"
    server.write_document(spare, "patient data")
    on_disk = [path for path in server.state.rglob("*") if path.name in (DOCUMENT, "person")]
    assert on_disk == []
    assert list((server.state / "homes").iterdir()) == []

    # The broker is killed: kim's desktop stays kim's, and the one that waits goes on waiting.
    [waiting] = server.wait_for_spare(1)
    server.end(signal.SIGKILL)
    server.start()
    assert server.wait_for_spare(1) == [waiting]
    lee = server.person("lee")
    assert server.open(lee).json()["session"] == waiting
    assert server.open(kim, resume=spare).json()["session"] == spare
    assert (server.document(spare), server.document(waiting)) == ("patient data", None)
    full = server.open(server.person("park"))
    assert (full.status_code, full.json()["code"]) == (503, "pool-full")

    answer = kim.post(f"{server.url}/api/v1/sign-out", headers={"Origin": server.url})
    assert answer.json()["ended"] == ["blank"]
    wait_for(lambda: server.rows()[spare] == ("ended", "sign-out"))
    [fresh] = server.wait_for_spare(1)
    assert fresh not in (spare, waiting)
    kim_again = server.person("kim")
    gone = server.open(kim_again, resume=spare)
    assert (gone.status_code, gone.json()["code"]) == (410, "desktop-ended-signed-out")
    assert server.open(kim_again).json()["session"] == fresh
    assert server.document(fresh) is None


@pytest.mark.nightly  # a quarter of a minute of processor
def test_an_operator_takes_a_pool_out_of_service(server: FloatingServer) -> None:
    server.start()
    [spare] = server.wait_for_spare(1)
    kim = server.person("kim")
    assert server.open(kim).json()["session"] == spare
    server.wait_for_spare(1)
    server.run("pools", "maintain", "blank")
    wait_for(lambda: list(server.owners().values()) == ["kim"])
    refused = server.open(server.person("lee"))
    assert (refused.status_code, refused.json()["code"]) == (503, "pool-maintenance")
    [pool] = json.loads(server.run("pools", "--json").stdout)
    assert (pool["state"], pool["assigned"], pool["waiting"]) == ("maintenance", 1, 0)
    assert "maintenance" in server.run("pools").stdout
    assert "is a pool" in server.run("pools", "resume", "none", code=1).stderr
    server.run("pools", "resume", "blank")
    server.wait_for_spare(1)

    # A deleted account's floating desktop ends as well, also without a server.
    server.end(signal.SIGTERM)
    server.run("account", "delete", "kim", "--yes")
    assert spare not in server.owners()
