"""The gateway of a server that is root is a user of its own, who reaches nothing else of the server."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker_link.admin_paths import EVENTS_PATH
from display_server.config import IsolationConfig
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.integration.isolation.gateway_attacks import assert_out_of_reach, targets
from tests.integration.isolation.servers import PATIENCE_S, Server, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")

DEFAULTS = IsolationConfig()
GATEWAY = DEFAULTS.id_base + DEFAULTS.id_count - 1
#: The gateway of another server on the same host, with a range of its own.
OTHER_GATEWAY = GATEWAY + DEFAULTS.id_count


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        Path(path).chmod(0o755)  # so that nothing is refused because of the folder of the test
        running = Server(Path(path))
        try:
            assert running.start(), running.log.read_text()
            yield running
        finally:
            running.close()
    assert not running.lasting.path.exists()
    assert not running.lasting.gateway.exists()


def status_of(process: psutil.Process) -> dict[str, str]:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def view(server: Server) -> str:
    """Opens a viewer, whose agent answers. Returns the session of its desktop."""
    client = server.client()
    opened = server.open(client).json()
    with connect(
        server.url.replace("https", "wss") + opened["websocket"],
        ssl=server.context(),
        origin=Origin(server.url),
        subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(TICKET_PREFIX + opened["ticket"])],
        additional_headers={"Cookie": "; ".join(f"{n}={v}" for n, v in client.cookies.items())},
        compression=None,
        proxy=None,
    ) as viewer:
        assert viewer.ping().wait(PATIENCE_S), "the relay passes it on to the agent"
    client.close()
    return str(opened["session"])


def test_what_is_of_the_broker_is_out_of_reach(server: Server) -> None:
    session = view(server)
    other = GatewaySockets(server.lasting.gateway.with_name("gateway-of-another-server"), OTHER_GATEWAY)
    other.open_folder()
    try:
        with other.listen(other.requests):
            facts = targets(server, session, other.requests)
            spawner = server.spawner()
            assert spawner is not None
            facts["processes"]["spawner"] = spawner.pid
            assert_out_of_reach((GATEWAY, GATEWAY), (0, 0), facts)
    finally:
        other.remove_folder()


def test_the_process_keeps_no_privilege_and_nothing_of_the_server(server: Server) -> None:
    gateway, broker = server.parts()["gateway"], server.parts()["broker"]
    status = status_of(gateway)
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(GATEWAY)}
    assert status["Groups"] == ""
    assert {status[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {""}
    assert status["NoNewPrivs"] == "1"
    assert os.getsid(gateway.pid) == gateway.pid != os.getsid(broker.pid), "no terminal of the operator"
    descriptors = [str(path.readlink()) for path in Path(f"/proc/{gateway.pid}/fd").iterdir()]
    files = [name for name in descriptors if not re.match(r"(pipe|socket|anon_inode):", name)]
    assert set(files) == {"/dev/null", str(server.log), "/memfd:traces (deleted)"}
    assert files.count("/memfd:traces (deleted)") == 1, "that of the broker is not for the gateway"
    assert Path(f"/proc/{gateway.pid}/cwd").readlink() == Path("/")


def test_it_passes_on_events_that_never_end(server: Server) -> None:
    """Its way to answer them is loaded before it loses the access to its own program."""
    server.run("roles", "give", "administrator", "--user", "kim")
    with contextlib.closing(server.client()) as client, client.stream("GET", EVENTS_PATH) as events:
        assert events.status_code == 200, server.log.read_text()
        assert next(events.iter_lines())
    assert server.log_lines("module loaded after the start") == []


def test_it_is_started_again_as_the_same_user_and_reloads(server: Server) -> None:
    killed = server.parts()["gateway"]
    killed.kill()
    gateway = wait_for(lambda: server.parts().get("gateway", killed) != killed and server.parts()["gateway"])
    assert isinstance(gateway, psutil.Process)
    wait_for(lambda: status_of(gateway)["Uid"].split()[0] == str(GATEWAY))
    session = view(server)
    for name in ("server.crt", "server.key"):
        (server.state / "tls" / name).unlink()
    assert "new connections get the new certificate" in server.run("reload").stdout
    assert view(server) == session
    assert server.parts()["gateway"] == gateway
    assert server.log_lines("module loaded after the start") == []
    assert server.log_lines("request of another user refused") == []


@pytest.mark.nightly
def test_one_that_hangs_is_killed_and_replaced() -> None:
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        server = Server(Path(path))
        try:
            assert server.start(), server.log.read_text()
            hung = server.parts()["gateway"]
            hung.send_signal(signal.SIGSTOP)
            wait_for(lambda: server.parts().get("gateway", hung) != hung)
            assert view(server)
            killed = server.log_lines("process hangs and is killed")
            assert ("gateway", "T (stopped)") in [(line["role"], line["state"]) for line in killed]
        finally:
            server.close()
