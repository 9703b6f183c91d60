"""Gateway and broker that hang are noticed by each other, and replaced by the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.fakes.gateway import make_web_client
from tests.integration.test_reload import PATIENCE_S, ROOT, Server, environment, running_server, write_config
from tests.integration.test_two_processes import healthy, is_replaced, no_restarts, part, until

#: A process that hangs is replaced after 6 s, so that nobody has to wait for the real limit.
HUNG_SOON = ("--hung-after", "6")


@contextlib.contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextlib.asynccontextmanager
async def server_of(*options: str) -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        folder = Path(path)
        make_web_client(folder / "dist")
        write_config(folder)
        async with running_server(folder, *options) as running:
            yield running


async def test_a_broker_that_is_stopped_counts_as_away_while_viewers_go_on() -> None:
    async with server_of("--agents-apart") as server:
        client = await server.sign_in("kim")
        await server.open_viewer(client)
        broker = part(server, "broker")
        with no_restarts(server), stopped(broker):
            refused = await client.get("/api/v1/me")
            assert (refused.status_code, refused.json()["code"]) == (503, "broker-away")
            health = await client.get("/healthz")
            assert [reason["code"] for reason in health.json()["reasons"]] == ["broker-away"]
            assert (await client.get("/")).status_code == 200, "the page itself needs no broker"
            await server.everybody_works("while the broker is stopped")
        await healthy(client)
        assert part(server, "broker") == broker
        assert (await client.get("/api/v1/me")).status_code == 200
        await server.everybody_works("with the same broker")
        assert server.log_lines("broker silent")
        assert server.log_lines("broker answers again")


async def test_viewers_of_a_gateway_that_was_stopped_are_known_again() -> None:
    async with server_of() as server:
        client = await server.sign_in("kim")
        viewer = await server.open_viewer(client)
        gateway = part(server, "gateway")
        with no_restarts(server):
            with stopped(gateway):
                await until(lambda: bool(server.log_lines("gateway silent; its link is closed")))
            await server.everybody_works("with the same gateway")
            await until(lambda: len(server.log_lines("broker reached")) == 2)
            assert (await client.post("/api/v1/sign-out")).status_code < 300
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(viewer.recv(), PATIENCE_S)
        assert part(server, "gateway") == gateway
        server.viewers.clear()


async def test_a_broker_that_stays_stopped_is_replaced() -> None:
    async with server_of(*HUNG_SOON) as server:
        client = await server.sign_in("kim")
        broker = part(server, "broker")
        broker.suspend()
        await until(lambda: is_replaced(server, "broker", broker))
        await healthy(client)
        assert (await client.get("/api/v1/me")).status_code == 200, "people are still signed in"
        killed = server.log_lines("process hangs and is killed")
        assert ("broker", "T (stopped)") in [(line["role"], line["state"]) for line in killed]


async def test_a_gateway_that_stays_stopped_is_replaced() -> None:
    async with server_of(*HUNG_SOON) as server:
        client = await server.sign_in("kim")
        opened = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
        viewer = await server.open_viewer(client)
        server.viewers.clear()
        gateway = part(server, "gateway")
        gateway.suspend()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(viewer.recv(), PATIENCE_S)
        async with server.client() as again:  # its connection waits for the next gateway
            again.cookies.update(client.cookies)
            answer = await again.post(f"/api/v1/desktops/reading/viewers?resume={opened}")
            assert (answer.status_code, answer.json()["session"]) == (201, opened)
            await server.open_viewer(again)
            await server.everybody_works("the same desktop")
        killed = server.log_lines("process hangs and is killed")
        assert ("gateway", "T (stopped)") in [(line["role"], line["state"]) for line in killed]


async def test_a_process_whose_event_loop_is_blocked_is_replaced_and_the_log_says_where_it_was(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.hanging_process_program"),
            stdout=asyncio.subprocess.PIPE,
            stderr=stream,
            env=environment(tmp_path),
            cwd=ROOT,
        )
    try:
        assert process.stdout is not None
        for expected in (b"first\n", b"again\n"):
            assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == expected, log.read_text()
        (killed,) = [
            line
            for line in map(json.loads, log.read_text().splitlines())
            if line["event"] == "process hangs and is killed"
        ]
        assert killed["role"] == "hanging"
        assert "in wait_for_something_that_never_comes" in killed["traces"]
        # A process that hangs cannot keep the server from ending either.
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == b"ended\n"
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE_S)
