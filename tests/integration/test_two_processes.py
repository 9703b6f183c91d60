"""Gateway and broker are two processes: either may be killed, and neither has what belongs to the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.fakes.gateway import make_web_client
from tests.fakes.server_processes import server_processes
from tests.integration.test_reload import PATIENCE_S, ROOT, Server, environment, running_server, write_config

#: An unprivileged user, as which a process tries to reach the broker.
NOBODY = 65534
#: Libraries that only the broker needs, by a word in the names of their files.
OF_THE_BROKER = ("sqlalchemy", "argon2", "sqlite3")
#: What a process of another user does: it connects, and sends a request that a gateway could send.
INTRUDER = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
connection.sendall(b'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n'
    b'Lightbox-Forwarded: {"address":"","cookies":{"path":"","cross_site":false}}\\r\\n\\r\\n')
print(connection.recv(100))
"""


def part(server: Server, role: str) -> psutil.Process:
    """Returns the process that has this role now."""
    return server_processes(server.process.pid)[role]


def is_replaced(server: Server, role: str, former: psutil.Process) -> bool:
    present = server_processes(server.process.pid).get(role)
    return present is not None and present.pid != former.pid


@contextlib.contextmanager
def no_restarts(server: Server) -> Iterator[None]:
    """Stops the process that would start again whatever dies."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        folder = Path(path)
        make_web_client(folder / "dist")
        write_config(folder)
        async with running_server(folder) as running:
            yield running


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)


async def healthy(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await client.get("/healthz")).status_code != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


async def test_a_killed_gateway_costs_people_a_reconnection(server: Server) -> None:
    client = await server.sign_in("kim")
    opened = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    viewer = await server.open_viewer(client)
    server.viewers.clear()
    gateway, broker = part(server, "gateway"), part(server, "broker")
    gateway.kill()
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(viewer.recv(), PATIENCE_S)
    # The parent holds the listening socket, so that this connection waits for the next gateway.
    async with server.client() as again:
        again.cookies.update(client.cookies)
        answer = await again.post(f"/api/v1/desktops/reading/viewers?resume={opened}")
        assert (answer.status_code, answer.json()["session"]) == (201, opened)
        await server.open_viewer(again)
        await server.everybody_works("the same desktop")
    assert part(server, "broker") == broker, "the broker did not notice"
    assert part(server, "gateway") != gateway


async def test_a_killed_broker_is_reported_and_comes_back(server: Server) -> None:
    client = await server.sign_in("kim")
    shown = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    gateway, broker = part(server, "gateway"), part(server, "broker")
    with no_restarts(server):
        broker.kill()
        health = await client.get("/healthz")
        assert [reason["code"] for reason in health.json()["reasons"]] == ["broker-away"]
        refused = await client.get("/api/v1/me")
        assert (refused.status_code, refused.json()["code"]) == (503, "broker-away")
        assert "Try again" in refused.json()["message"]
        assert (await client.get("/")).status_code == 200
    await until(lambda: is_replaced(server, "broker", broker))
    await healthy(client)
    assert (await client.get("/api/v1/me")).status_code == 200, "people are still signed in"
    answer = await client.post(f"/api/v1/desktops/reading/viewers?resume={shown}")
    assert (answer.status_code, answer.json()["code"]) == (410, "desktop-ended")
    await server.open_viewer(client)
    await server.everybody_works("a new desktop")
    assert part(server, "gateway") == gateway
    assert (await server.reload())[0] == 0, "the new broker gets the operator's signals"


async def test_another_broker_uses_the_configuration_that_was_reloaded(server: Server) -> None:
    write_config(server.folder, users='"lee"', desktops="reading second")
    assert (await server.reload())[0] == 0
    broker = part(server, "broker")
    broker.kill()
    await until(lambda: is_replaced(server, "broker", broker))
    client = server.client()
    await healthy(client)
    lee = await server.sign_in("lee")
    names = [entry["name"] for entry in (await lee.get("/api/v1/desktops")).json()]
    assert names == ["reading", "second"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_a_process_of_another_user_cannot_ask_the_broker(server: Server) -> None:
    (requests,) = server.folder.glob("lightbox-*/broker.sock")

    def intrude() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", INTRUDER, str(requests), str(NOBODY)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert "PermissionError" in (await asyncio.to_thread(intrude)).stderr
    # Even where somebody opens the folders by mistake, the broker looks at who connects.
    for path in (server.folder, requests.parent):
        path.chmod(0o755)
    requests.chmod(0o666)
    answer = await asyncio.to_thread(intrude)
    assert answer.stdout.strip() in ("", "b''")
    assert "PermissionError" not in answer.stderr
    assert server.log_lines("request of another user refused")[0]["uid"] == NOBODY


@pytest.fixture
def command() -> Iterator[subprocess.Popen[bytes]]:
    """The real command, which has started."""
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        folder = Path(path)
        make_web_client(folder / "dist")
        write_config(folder)
        arguments = ("serve", "--config", str(folder / "lightbox.toml"), "--json", "--no-isolation")
        process = subprocess.Popen(
            [sys.executable, "-m", "display_server.cli", *arguments],
            stdout=subprocess.PIPE,
            env=environment(folder),
            cwd=ROOT,
        )
        assert process.stdout is not None
        try:
            assert process.stdout.readline(), "the server did not start"
            yield process
        finally:
            process.terminate()
            process.communicate()


def test_the_gateway_has_neither_the_database_nor_the_code_of_the_broker(
    command: subprocess.Popen[bytes],
) -> None:
    gateway, broker = server_processes(command.pid)["gateway"], server_processes(command.pid)["broker"]
    assert [file.path for file in broker.open_files() if file.path.endswith("/state/lightbox.db")]
    assert [file.path for file in gateway.open_files() if "/state/" in file.path] == []
    assert libraries(broker) == set(OF_THE_BROKER)
    assert libraries(gateway) == set()
    assert broker.net_connections("inet") == [], "the broker has no socket of the network"
    assert [one.status for one in gateway.net_connections("inet")] == [psutil.CONN_LISTEN]


def test_nothing_remains_when_the_parent_is_killed(command: subprocess.Popen[bytes]) -> None:
    children = list(server_processes(command.pid).values())
    command.kill()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert alive == []


def libraries(process: psutil.Process) -> set[str]:
    """Returns which of the broker's libraries a process has loaded, as far as they have native parts."""
    paths = [mapping.path.lower() for mapping in process.memory_maps()]
    return {name for name in OF_THE_BROKER if any(name in path for path in paths)}
