"""The latency that the gateway adds: ping → pong through the gateway, and directly at the agent's socket."""

from __future__ import annotations

import asyncio
import json
import ssl
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from display_codecs import ENCODING_NAMES
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.typing import Origin, Subprotocol

from benchmarks.cases.case import Bench, NotApplicableError, Outcome
from display_server.desktop.spec import read_spec
from display_server.protocol.limits import AGENT_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import (
    SECRET_HEADER,
    SUBPROTOCOL,
    TICKET_PREFIX,
    USER_HEADER,
    VIEWER_HEADER,
)

#: Round trips that count, on each connection.
PINGS = 400
#: Round trips before them that do not count.
WARM_UP = 50
#: The first message of a viewer.
HELLO = {
    "type": "hello",
    "protocol": 1,
    "client": "benchmark",
    "monitor": 0,
    "cache_bytes": 0,
    "encodings": list(ENCODING_NAMES),
}


def relay(bench: Bench) -> Outcome:
    """Measures round trips on both connections in turn, so that the machine's load affects both alike."""
    socket = bench.running.agent_socket
    if socket is None:
        raise NotApplicableError("it has no agent behind a gateway")
    page = bench.surface.page
    # The page is signed in, so its API issues a ticket as for any viewer.
    answer = page.evaluate(
        "fetch(location.pathname.replace('/desktop/', '/api/v1/desktops/') + '/viewers', {method: 'POST'})"
        ".then(response => response.json())"
    )
    address = f"wss://{page.evaluate('location.host')}{answer['websocket']}"
    cookies = "; ".join(f"{c.get('name')}={c.get('value')}" for c in page.context.cookies())
    origin = page.evaluate("location.origin")
    measurement = in_turn(direct(socket), through_gateway(address, answer["ticket"], cookies, origin))
    with ThreadPoolExecutor(1) as executor:  # Playwright runs an event loop in this thread
        times = executor.submit(asyncio.run, measurement).result()
    medians = {name: statistics.median(values) for name, values in times.items()}
    return Outcome(
        {
            "direct_p50_ms": medians["direct"],
            "gateway_p50_ms": medians["gateway"],
            "added_p50_ms": medians["gateway"] - medians["direct"],
        },
        {f"{name}_ms": values for name, values in times.items()},
    )


async def in_turn(
    direct: AbstractAsyncContextManager[ClientConnection],
    gateway: AbstractAsyncContextManager[ClientConnection],
) -> dict[str, list[float]]:
    """Returns the round trip times of both connections, ms."""
    times: dict[str, list[float]] = {"direct": [], "gateway": []}
    async with direct as to_agent, gateway as to_gateway:
        for connection in (to_agent, to_gateway):
            await connection.send(json.dumps(HELLO))
        for count in range(PINGS + WARM_UP):
            for name, connection in (("direct", to_agent), ("gateway", to_gateway)):
                took = await round_trip_ms(connection, count)
                if count >= WARM_UP:
                    times[name].append(took)
    return times


def direct(socket: Path) -> AbstractAsyncContextManager[ClientConnection]:
    """Connects to the agent like the gateway, with the headers that the agent trusts."""
    return unix_connect(
        str(socket),
        "ws://localhost/viewer",
        additional_headers={
            SECRET_HEADER: read_spec(socket.parent).secret,
            USER_HEADER: "benchmark",
            VIEWER_HEADER: "benchmark",
        },
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        max_size=AGENT_BINARY_MAX_BYTES,
    )


def through_gateway(
    address: str, ticket: str, cookies: str, origin: str
) -> AbstractAsyncContextManager[ClientConnection]:
    """Connects to the gateway like a browser, without checking its certificate."""
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    return connect(
        address,
        ssl=unverified,
        origin=Origin(origin),
        additional_headers={"Cookie": cookies},
        subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"{TICKET_PREFIX}{ticket}")],
        compression=None,
        max_size=AGENT_BINARY_MAX_BYTES,
        proxy=None,
    )


async def round_trip_ms(connection: ClientConnection, count: int) -> float:
    """Sends a ping and waits for its pong. Other messages are ignored."""
    began = time.perf_counter()
    await connection.send(json.dumps({"type": "ping", "t": float(count)}))
    while True:
        message = await asyncio.wait_for(connection.recv(), timeout=5)
        if isinstance(message, str):
            reply = json.loads(message)
            if reply["type"] == "pong" and reply["t"] == count:
                return (time.perf_counter() - began) * 1000
