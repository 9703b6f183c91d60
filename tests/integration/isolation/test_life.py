"""Isolated desktops outlive the server and the spawner; whoever starts next finds them again."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import ssl
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from display_server.broker.launchers.sandbox_launcher import RESTARTS_MAX
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from display_server.spawner.runtime import CGROUPS
from tests.integration.isolation.servers import PATIENCE_S, Server, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        running = Server(Path(path))
        try:
            yield running
        finally:
            running.close()
    assert not running.lasting.path.exists()


def session_of(server: Server) -> str:
    """Opens the desktop and returns its session."""
    answer = server.open(server.client())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["session"])


def test_a_desktop_goes_on_when_server_and_spawner_end(server: Server) -> None:
    server.start()
    client = server.client()
    session = str(server.open(client).json()["session"])
    program = server.start_program(session)
    before = server.processes(session)
    assert {"Xvfb", "supervisor", "agent"} <= set(before)
    [listed] = server.desktops()
    assert (listed["id"], listed["state"], listed["url"]) == (session, "ready", server.url)

    for number in (signal.SIGKILL, signal.SIGTERM):
        server.end(number)
        assert server.rows() == {session: ("ready", None)}
        [listed] = server.desktops()
        assert (listed["id"], listed["state"], listed["url"]) == (session, "ready", None)
        server.start()
        # The person is still signed in, and reconnects to the same desktop.
        answer = server.open(client, resume=session)
        assert (answer.status_code, answer.json()["session"]) == (201, session)
        after = server.processes(session)
        assert {name: process.pid for name, process in after.items()} == {
            name: process.pid for name, process in before.items()
        }
        assert program.is_running()

    first_spawner = server.spawner()
    assert first_spawner is not None
    first_spawner.kill()
    second_spawner = wait_for(server.spawner)
    assert second_spawner != first_spawner
    assert server.processes(session).keys() == before.keys()

    for _ in range(RESTARTS_MAX + 2):  # the new spawner is not the parent of the first one
        killed = server.processes(session)["supervisor"]
        killed.kill()
        wait_for(lambda: server.processes(session).get("supervisor", killed) != killed)  # noqa: B023
        wait_for(lambda: server.has_supervisor(session))
    assert server.processes(session)["Xvfb"] == before["Xvfb"]
    assert server.open(client, resume=session).json()["session"] == session

    answer = client.post(f"{server.url}/api/v1/desktops/blank/end", headers={"Origin": server.url})
    assert answer.status_code == 204
    wait_for(lambda: server.rows()[session][0] == "ended")
    assert server.rows() == {session: ("ended", "person")}
    assert not program.is_running()
    assert list(CGROUPS.glob(f"**/lightbox/{session}")) == []
    server.end(signal.SIGTERM)
    assert not server.lasting.path.exists()


@pytest.mark.nightly
def test_what_ended_or_was_forgotten_while_no_server_ran(server: Server) -> None:
    server.start()
    ended = session_of(server)
    os.kill(server.container(ended).init_pid, signal.SIGKILL)
    server.end(signal.SIGKILL)
    assert server.desktops() == []
    server.start()
    assert server.rows() == {ended: ("ended", "server")}
    answer = server.open(server.client(), resume=ended)
    assert (answer.status_code, answer.json()["code"]) == (410, "desktop-ended")

    orphan = session_of(server)
    program = server.start_program(orphan)
    server.end(signal.SIGKILL)
    with sqlite3.connect(server.state / "lightbox.db") as db:
        db.execute("DELETE FROM sessions WHERE id = ?", [orphan])
    db.close()
    server.start()
    assert not program.is_running()
    assert server.desktops() == []
    assert [line["session"] for line in server.log_lines("desktop of no known session ended")] == [orphan]


@pytest.mark.nightly
def test_a_desktop_that_was_starting_is_found_again(server: Server) -> None:
    server.start()
    client = server.client()
    with ThreadPoolExecutor(1) as other:
        opening = other.submit(server.open, client)
        wait_for(lambda: any(server.lasting.path.glob("bundles/*/supervisor.pid")))
        server.end(signal.SIGKILL)
        with pytest.raises(httpx2.TransportError):
            opening.result()
    assert [state for state, _ in server.rows().values()] == ["starting"]
    server.start()
    [session] = server.rows()
    assert session_of(server) == session
    assert server.rows() == {session: ("ready", None)}


def test_sessions_end_ends_desktops_with_and_without_a_server(server: Server) -> None:
    server.start()
    session = session_of(server)
    other = server.run("sessions", "end", code=2)
    assert "Name one desktop, or all of them" in other.stderr
    server.run("sessions", "end", "--all")
    assert server.rows() == {session: ("ended", "operator")}

    session = session_of(server)
    program = server.start_program(session)
    server.end(signal.SIGTERM)
    assert program.is_running()
    done = server.run("sessions", "end", session)
    assert "No server was running" in done.stderr
    assert not program.is_running()
    assert server.rows()[session] == ("ended", "operator")
    assert server.desktops() == []
    assert not server.lasting.path.exists()
    assert "No desktop is running" in server.run("sessions", "end", "--all").stderr


@pytest.mark.nightly
def test_accounts_lose_desktops_that_run_without_a_server(server: Server) -> None:
    server.start()
    program = server.start_program(session_of(server))
    server.end(signal.SIGTERM)
    assert "Still running: blank" in server.run("account", "disable", "kim").stderr
    assert program.is_running()
    assert "Ended: blank" in server.run("account", "delete", "kim", "--yes").stderr
    assert not program.is_running()


@pytest.mark.nightly
def test_only_one_server_has_isolated_desktops_and_one_without_isolation_leaves_them_alone(
    server: Server,
) -> None:
    server.start()
    session = session_of(server)
    first, url = server.process, server.url
    assert server.start() == ""
    assert server.process is not None
    server.process.communicate(timeout=120)
    server.process, server.url = first, url
    assert "Another Lightbox server uses the state folder" in server.log.read_text()
    assert server.open(server.client()).json()["session"] == session

    server.end(signal.SIGTERM)
    server.configure(isolation=False)
    server.start()
    assert server.rows() == {session: ("ready", None)}
    assert server.log_lines("isolated desktops of an earlier server run on")
    server.end(signal.SIGTERM)
    server.configure()
    server.start()
    assert session_of(server) == session


def test_the_demo_ends_its_desktops_but_finds_them_after_it_was_killed(server: Server) -> None:
    demo = (
        "demo",
        "--json",
        "--isolation",
        "--profile",
        "blank",
        "--port",
        "0",
        "--state",
        str(server.state),
    )
    server.start(*demo)
    [session] = server.rows()
    server.end(signal.SIGKILL)
    server.start(*demo)
    assert server.rows() == {session: ("ready", None)}
    server.end(signal.SIGINT)
    assert server.rows() == {session: ("ended", "server")}
    assert not server.lasting.path.exists()


async def works_during(
    server: Server, client: httpx2.Client, ticket: str, events: list[Callable[[], None]]
) -> None:
    """Opens a viewer, whose agent has to answer before, between and after the events."""
    context = ssl.create_default_context(cafile=str(server.state / "tls" / "ca.crt"))
    async with connect(
        server.url.replace("https", "wss") + "/viewer",
        ssl=context,
        origin=Origin(server.url),
        subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"{TICKET_PREFIX}{ticket}")],
        additional_headers={"Cookie": "; ".join(f"{n}={v}" for n, v in client.cookies.items())},
        compression=None,
        ping_interval=None,
    ) as viewer:
        for event in (lambda: None, *events):
            await asyncio.to_thread(event)
            await asyncio.wait_for(await viewer.ping(), PATIENCE_S)  # the relay passes it on to the agent


def test_an_open_desktop_goes_on_without_a_broker_and_the_next_one_adopts_it(server: Server) -> None:
    server.start()
    client = server.client()
    opened = server.open(client).json()
    gateway, broker = server.parts()["gateway"], server.parts()["broker"]
    assert server.process is not None
    parent = psutil.Process(server.process.pid)

    def kill_broker() -> None:
        parent.suspend()  # so that it starts no other one yet
        broker.kill()
        assert client.get(f"{server.url}/api/v1/me").json()["code"] == "broker-away"

    def await_next_broker() -> None:
        parent.resume()
        wait_for(lambda: client.get(f"{server.url}/healthz").status_code == 200)

    try:
        asyncio.run(works_during(server, client, opened["ticket"], [kill_broker, await_next_broker]))
    finally:
        parent.resume()
    assert server.open(client, resume=opened["session"]).json()["session"] == opened["session"]
    assert server.parts()["gateway"] == gateway
    assert server.rows() == {opened["session"]: ("ready", None)}
