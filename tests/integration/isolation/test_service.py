"""Spawner as a service of root, server and gateway as users without privileges, as systemd starts them."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from display_server.broker.gateway_sockets import GatewaySockets
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.fakes.server_processes import server_processes
from tests.integration.isolation.gateway_attacks import assert_out_of_reach, targets
from tests.integration.isolation.servers import PATIENCE_S, ROOT, Server, wait_for
from tests.integration.isolation.worlds import base_folder

UNIT = ROOT / "deploy" / "systemd" / "lightbox-spawner.service"
#: The users of server and gateway, and of somebody else on this host. Debian has all of them.
SERVER, GATEWAY, STRANGER = "daemon", "proxy", "games"
#: What a user of the host tries with a desktop: its files, and the spawner's socket.
TRY = """
import socket, sys
from pathlib import Path
for name in sys.argv[1:]:
    path = Path(name)
    try:
        if path.suffix == ".sock":
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(name)
        else:
            path.read_bytes()
        print(path.name, "open")
    except PermissionError:
        print(path.name, "refused")
"""


#: Where a Python without the virtual environment finds the same packages.
SEARCHED = {
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "codecs/src"), sysconfig.get_path("purelib")]),
}


def command_as(user: str, *words: str) -> list[str]:
    """Returns a command that runs as this user, without any privilege, and with none to be gained."""
    found = pwd.getpwnam(user)
    ids = (f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups")
    return ["setpriv", *ids, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", *words]


@functools.cache
def python_of_others() -> str | None:
    """Returns a Python that other users can run Lightbox with; that of this process may be in a home."""
    program = (
        "import subprocess, sys, display_server.cli; subprocess.run([sys.executable, '-c', ''], check=True)"
    )
    for python in (sys.executable, "/usr/bin/python3"):
        words = command_as(SERVER, python, "-c", program)
        with contextlib.suppress(OSError):
            if subprocess.run(words, env=SEARCHED, capture_output=True, cwd="/", check=False).returncode == 0:
                return python
    return None


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")


def capabilities_of_the_unit() -> list[str]:
    [names] = re.findall(r"^CapabilityBoundingSet=((?:.*\\\n)*.*)", UNIT.read_text(), re.MULTILINE)
    return [name.removeprefix("CAP_").lower() for name in re.findall(r"CAP_\w+", names)]


def ids_of(user: str) -> tuple[int, int]:
    found = pwd.getpwnam(user)
    return found.pw_uid, found.pw_gid


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class ServiceServer(Server):
    """A server that runs as SERVER, its gateway as GATEWAY, and its spawner as root with capabilities of the
    unit."""

    def configure(self, *, isolation: bool = True) -> None:
        super().configure(isolation=isolation)
        keys = f'[isolation]\nspawner = "service"\ngateway_user = "{GATEWAY}"'
        text = self.config.read_text().replace("[isolation]", keys)
        self.config.write_text(text.replace("port = 0", f"port = {free_port()}"))
        self.config.chmod(0o644)
        if not self.state.exists():
            self.state.mkdir(mode=0o700)
            user = pwd.getpwnam(SERVER)
            os.chown(self.state, user.pw_uid, user.pw_gid)
        self.service: subprocess.Popen[str] | None = None
        self.gateway: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **SEARCHED, "HOME": "/nonexistent"}

    def command(self, *words: str) -> list[str]:
        return self._command_of(SERVER, *words)

    def _command_of(self, user: str, *words: str) -> list[str]:
        python = python_of_others()
        assert python is not None
        return command_as(user, python, "-m", "display_server.cli", *words)

    def start_gateway(self) -> str:
        """Starts the gateway as `ExecStart=` of its unit does. Returns what it prints when it is ready."""
        with self.log.open("ab") as log:
            self.gateway = subprocess.Popen(
                self._command_of(GATEWAY, "gateway", "--config", str(self.config)),
                env=self.environment,
                cwd="/",
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.gateway.stdout is not None
        return self.gateway.stdout.readline()

    def end_gateway(self) -> None:
        if self.gateway is not None:
            self.gateway.send_signal(signal.SIGTERM)
            self.gateway.communicate(timeout=PATIENCE_S)
            assert self.gateway.returncode == 0
            self.gateway = None

    def start_service(self) -> None:
        """Starts the spawner as `ExecStart=` of its unit does."""
        granted = ",".join(["-all", *(f"+{name}" for name in capabilities_of_the_unit())])
        words = ["spawner", "--user", SERVER, "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.service = subprocess.Popen(
                [
                    *("setpriv", "--no-new-privs", f"--bounding-set={granted}"),
                    *(sys.executable, "-m", "display_server.cli", *words),
                ],
                env=self.environment,
                cwd=ROOT,
                stderr=log,
                text=True,
            )

    def end_service(self) -> None:
        if self.service is not None:
            self.service.send_signal(signal.SIGTERM)
            self.service.wait(PATIENCE_S)

    def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE_S)

    def close(self) -> None:
        """Ends the gateway, the server, then the desktops, then the spawner."""
        self.end_gateway()
        super().close()
        self.end_service()
        assert not self.lasting.path.exists()
        shutil.rmtree(self.lasting.gateway)  # which stays, for the next server


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceServer]:
    if python_of_others() is None:
        pytest.skip("not run: other users cannot read this installation")
    with base_folder() as base:
        base.chmod(0o755)
        server = ServiceServer(base)
        with contextlib.closing(server):
            server.start_service()
            assert server.start(), server.log.read_text()
            assert server.start_gateway(), server.log.read_text()
            yield server


def attempts(user: str, *paths: Path) -> set[str]:
    done = subprocess.run(
        command_as(user, "/usr/bin/python3", "-c", TRY, *map(str, paths)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd="/",
        check=True,
    )
    return {line.split()[1] for line in done.stdout.splitlines()}


def test_a_server_without_privileges_opens_an_isolated_desktop(running: ServiceServer) -> None:
    assert running.process is not None
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(rf"^Uid:\t{pwd.getpwnam(SERVER).pw_uid}\t", status, re.MULTILINE)
    with contextlib.closing(running.client()) as client:
        opened = running.open(client)
        assert opened.status_code == 201, (opened.text, running.log.read_text()[-2000:])
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        listed = client.get(f"{running.url}/api/v1/desktops").json()
        assert [(desktop["name"], desktop["isolated"]) for desktop in listed] == [("blank", True)]
    # The gateway reaches the agent, which answers the viewer.
    with connect(
        running.url.replace("https", "wss") + opened.json()["websocket"],
        ssl=running.context(),
        origin=Origin(running.url),
        subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(TICKET_PREFIX + opened.json()["ticket"])],
        additional_headers={"Cookie": cookie},
        compression=None,
        proxy=None,
    ) as viewer:
        viewer.send("{}")  # which the agent refuses, and nobody else reads it
        with pytest.raises(ConnectionClosed):
            viewer.recv(PATIENCE_S)
        assert viewer.close_code == CloseCode.PROTOCOL_VIOLATION


def test_server_and_gateway_are_two_users_without_privileges(running: ServiceServer) -> None:
    assert running.process is not None
    assert running.gateway is not None
    processes = {
        SERVER: [running.process.pid, running.parts()["broker"].pid],
        GATEWAY: [running.gateway.pid, server_processes(running.gateway.pid)["gateway"].pid],
    }
    assert set(running.parts()) == {"broker"}
    for user, pids in processes.items():
        for pid in pids:
            status = Path(f"/proc/{pid}/status").read_text()
            assert re.search(rf"^Uid:(\t{ids_of(user)[0]}){{4}}$", status, re.MULTILINE)
            assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    listening = psutil.Process(processes[SERVER][1]).net_connections("inet")
    assert listening == [], "the broker has no socket of the network"


def test_what_is_of_the_broker_is_out_of_the_gateways_reach(running: ServiceServer) -> None:
    with contextlib.closing(running.client()) as client:
        session = running.open(client).json()["session"]
    # Of another server of the same user, whose gateway has another one.
    other = GatewaySockets(running.lasting.gateway.with_name("gateway-of-another-service"), 12345)
    other.open_folder()
    os.chown(other.folder, *ids_of(SERVER))
    try:
        with other.listen(other.requests):
            os.chown(other.requests, *ids_of(SERVER))
            facts = targets(running, session, other.requests)
            assert_out_of_reach(ids_of(GATEWAY), ids_of(SERVER), facts)
    finally:
        other.remove_folder()


def test_gateway_and_server_find_each_other_again(running: ServiceServer) -> None:
    assert running.gateway is not None
    with contextlib.closing(running.client()) as client:
        session = running.open(client).json()["session"]
        parent = running.gateway.pid
        killed = server_processes(parent)["gateway"]
        killed.kill()
        wait_for(lambda: server_processes(parent).get("gateway", killed) != killed)
        assert running.open(client, resume=session).json()["session"] == session
        running.end(signal.SIGTERM)
        assert client.get("/api/v1/me").json()["code"] == "broker-away"
        assert running.start(), running.log.read_text()
        wait_for(lambda: client.get("/healthz").status_code == 200)
        assert running.open(client, resume=session).json()["session"] == session
        assert "reloaded" in running.run("reload").stdout
    os.kill(parent, signal.SIGHUP)
    assert running.gateway.poll() is None


def test_the_server_refuses_to_start_without_a_user_for_its_gateway(running: ServiceServer) -> None:
    text = running.config.read_text()
    other = running.folder / "without.toml"
    other.write_text(text.replace(f'gateway_user = "{GATEWAY}"', ""))
    other.chmod(0o644)
    done = subprocess.run(
        running.command("serve", "--config", str(other)),
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd="/",
        check=False,
    )
    assert done.returncode == 2
    assert "isolation.gateway_user" in done.stderr


def test_nobody_else_reaches_a_desktop(running: ServiceServer) -> None:
    with contextlib.closing(running.client()) as client:
        session = running.open(client).json()["session"]
    folder = running.lasting.desktops / session
    names = ("supervisor.sock", "agent.sock", "spec.json", "status.json")
    paths = [*(folder / name for name in names), running.lasting.socket]
    assert attempts(STRANGER, *paths) == {"refused"}
    assert attempts(SERVER, *paths) == {"open"}
    [listed] = running.desktops()
    assert (listed["id"], listed["state"], listed["isolated"]) == (session, "ready", True)


def test_homes_belong_to_root_and_to_their_people_alone(running: ServiceServer) -> None:
    with contextlib.closing(running.client()) as client:
        running.open(client)
    homes = running.state.with_name("state-homes") / "homes"
    home = homes / "kim" / "blank"
    first_id = running.container(running.desktops()[0]["id"]).first_id
    assert (homes.stat().st_uid, homes.stat().st_mode & 0o777) == (0, 0o711)
    assert (home.parent.stat().st_uid, home.stat().st_uid, home.stat().st_mode & 0o777) == (
        0,
        first_id + 1,
        0o700,
    )
    assert not (running.state / "homes" / "kim").exists()


def test_a_desktop_outlives_its_spawner(running: ServiceServer) -> None:
    with contextlib.closing(running.client()) as client:
        session = running.open(client).json()["session"]
        pid = running.container(session).init_pid
        running.end_service()
        running.start_service()
        wait_for(lambda: running.lasting.socket.exists())
        assert running.open(client).json()["session"] == session
    assert running.container(session).init_pid == pid


def test_homes_of_a_deleted_account_are_set_aside_by_the_spawner(running: ServiceServer) -> None:
    """Otherwise the next person of this name would get them."""
    with contextlib.closing(running.client()) as client:
        running.open(client)
    running.run("account", "delete", "kim", "--yes")
    homes = running.state.with_name("state-homes")
    assert list((homes / "homes").iterdir()) == []
    assert [path.name.startswith("kim-") for path in (homes / "deleted-homes").iterdir()] == [True]
