"""What the public door adds to a round trip: ping → pong through it, and straight at the agent's socket."""

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
from display_server.protocol.limits import AGENT_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX, USER_HEADER, VIEWER_HEADER

PINGS = 400
WARM_UP = 50
HELLO = {
    "type": "hello",
    "protocol": 1,
    "client": "benchmark",
    "monitor": 0,
    "cache_bytes": 0,
    "encodings": list(ENCODING_NAMES),
}


def relay(bench: Bench) -> Outcome:
    """The two ways are taken in turn within the same seconds, so that the machine's load is the same for
    both."""
    socket = bench.running.agent_socket
    if socket is None:
        raise NotApplicableError("it has no agent behind a door of its own")
    page = bench.surface.page
    # The page is signed in; its own API gives the ticket, as for any viewer.
    answer = page.evaluate(
        "fetch(location.pathname.replace('/desktop/', '/api/v1/desktops/') + '/viewers', {method: 'POST'})"
        ".then(response => response.json())"
    )
    address = f"wss://{page.evaluate('location.host')}{answer['websocket']}"
    cookies = "; ".join(f"{c.get('name')}={c.get('value')}" for c in page.context.cookies())
    origin = page.evaluate("location.origin")
    ways = in_turn(direct(socket), through_door(address, answer["ticket"], cookies, origin))
    with ThreadPoolExecutor(1) as apart:  # the browser's driver has an event loop in this thread
        times = apart.submit(asyncio.run, ways).result()
    medians = {name: statistics.median(values) for name, values in times.items()}
    return Outcome(
        {
            "direct_p50_ms": medians["direct"],
            "door_p50_ms": medians["door"],
            "added_p50_ms": medians["door"] - medians["direct"],
        },
        {f"{name}_ms": values for name, values in times.items()},
    )


async def in_turn(
    direct: AbstractAsyncContextManager[ClientConnection], door: AbstractAsyncContextManager[ClientConnection]
) -> dict[str, list[float]]:
    """Round trips of the two ways, ms."""
    times: dict[str, list[float]] = {"direct": [], "door": []}
    async with direct as near, door as far:
        for connection in (near, far):
            await connection.send(json.dumps(HELLO))
        for count in range(PINGS + WARM_UP):
            for name, connection in (("direct", near), ("door", far)):
                took = await round_trip_ms(connection, count)
                if count >= WARM_UP:
                    times[name].append(took)
    return times


def direct(socket: Path) -> AbstractAsyncContextManager[ClientConnection]:
    """As the gateway connects: with the trusted heads."""
    return unix_connect(
        str(socket),
        "ws://localhost/viewer",
        additional_headers={USER_HEADER: "benchmark", VIEWER_HEADER: "benchmark"},
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        max_size=AGENT_BINARY_MAX_BYTES,
    )


def through_door(
    address: str, ticket: str, cookies: str, origin: str
) -> AbstractAsyncContextManager[ClientConnection]:
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
    """Everything else that arrives meanwhile is dropped."""
    began = time.perf_counter()
    await connection.send(json.dumps({"type": "ping", "t": float(count)}))
    while True:
        message = await asyncio.wait_for(connection.recv(), timeout=5)
        if isinstance(message, str):
            said = json.loads(message)
            if said["type"] == "pong" and said["t"] == count:
                return (time.perf_counter() - began) * 1000
