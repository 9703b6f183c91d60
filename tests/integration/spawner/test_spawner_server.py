"""The spawner's socket, with containers that do not exist."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.errors import ConfigurationError, DesktopError
from display_server.process_stat import read_stat
from display_server.spawner import own_folder
from display_server.spawner.messages import (
    HEADER,
    REQUEST_MAX_BYTES,
    VERSION,
    ExecSupervisor,
    Limits,
    ListDesktops,
    StartDesktop,
    StopDesktop,
    decode_answer,
)
from display_server.spawner.runtime import Runtime
from display_server.spawner.server import SpawnerServer
from display_server.spawner.spawner import Settings, Spawner

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to users of desktops")
ID_BASE, ID_COUNT = 0x7000_0000, 4000


class FakeRuntime(Runtime):
    """Containers whose init is this process. `calls` lists what was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(["false"], folder)
        self.calls: list[tuple[str, str]] = []
        self.running: set[str] = set()

    def run(self, name: str, bundle: Path) -> None:
        self.calls.append(("run", name))
        self.running.add(name)

    def execute(self, name: str, bundle: Path, process: Path, pid_file: Path, log: int) -> None:
        self.calls.append(("execute", name))
        pid_file.write_text(str(os.getpid()))
        os.write(log, b"supervisor\n")

    def init_pid(self, name: str) -> int | None:
        return os.getpid() if name in self.running else None

    def remove(self, name: str) -> None:
        self.calls.append(("remove", name))
        self.running.discard(name)


class World:
    """A spawner with folders of its own."""

    def __init__(self, base: Path, client_uid: int) -> None:
        self.base = base
        for name in ("homes", "desktops", "logs", "own/bundles"):
            (base / name).mkdir(parents=True)
        self.settings = Settings(
            folder=base / "own",
            homes=base / "homes",
            desktops=base / "desktops",
            logs=base / "logs",
            id_base=ID_BASE,
            id_count=ID_COUNT,
            product=(),
        )
        self.runtime = FakeRuntime(base / "own/runtime")
        self.log: list[str] = []
        spawner = Spawner(self.settings, self.runtime, {"PATH": "/usr/bin"})
        self.path = base / "own/spawner.sock"
        self.server = SpawnerServer(self.path, client_uid, spawner, self.log.append)
        self.client = SpawnerClient(self.path)

    def exchange(self, data: bytes) -> bytes:
        """Sends bytes to the server and returns everything that it answers."""
        ours, theirs = socket.socketpair()
        with ours:
            serving = threading.Thread(target=self._serve, args=(theirs,))
            serving.start()
            ours.sendall(data)
            ours.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: ours.recv(65536), b""))
            serving.join()
        return answer

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            self.server.serve_one(connection)


@contextlib.contextmanager
def serving(world: World) -> Iterator[None]:
    """Serves meanwhile, and no longer: a server collects all children of its process, of later tests too."""
    ends, open_end = os.pipe()
    thread = threading.Thread(target=world.server.serve, args=(ends,))
    thread.start()
    try:
        yield
    finally:
        os.close(open_end)
        thread.join()
        os.close(ends)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, os.geteuid())
    with serving(world):
        yield world


def start(session: str = "bcd", first_id: int = ID_BASE) -> StartDesktop:
    return StartDesktop(session, "kim", "office", first_id, '{"session":"bcd"}', Limits())


async def test_starts_a_desktop_once_and_removes_it(world: World) -> None:
    await world.client.send(start())
    folder = world.base / "desktops/bcd"
    assert (folder / "spec.json").read_text() == '{"session":"bcd"}'
    status = folder.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (ID_BASE, ID_BASE + 2, 0o3770)
    assert (world.base / "homes/kim/office").stat().st_uid == ID_BASE + 1
    assert (world.base / "logs/office.log").read_text() == "supervisor\n"
    with pytest.raises(DesktopError, match="exists already"):
        await world.client.send(start())
    [found] = (await world.client.send(ListDesktops())).containers
    assert (found.session, found.username, found.desktop) == ("bcd", "kim", "office")
    assert (found.first_id, found.spec) == (ID_BASE, '{"session":"bcd"}')
    stat = read_stat(os.getpid())
    assert stat is not None
    assert (found.init_pid, found.init_start_ticks) == (os.getpid(), stat.start_ticks)
    await world.client.send(StopDesktop("bcd"))
    await world.client.send(StopDesktop("bcd"))
    assert not folder.exists()
    assert (await world.client.send(ListDesktops())).containers == []
    assert (world.base / "homes/kim/office").exists()


async def test_starts_a_supervisor_only_where_none_runs(world: World) -> None:
    await world.client.send(start())
    await world.client.send(ExecSupervisor("bcd"))
    assert world.runtime.calls == [("run", "bcd"), ("execute", "bcd")]
    (world.settings.bundles / "bcd/supervisor.pid").write_text(str(2**22 + 1))  # no such process
    await world.client.send(ExecSupervisor("bcd"))
    assert world.runtime.calls[2:] == [("execute", "bcd")]
    with pytest.raises(DesktopError, match="does not run any more"):
        await world.client.send(ExecSupervisor("xyz"))


@pytest.mark.parametrize(
    "changes",
    [
        {"boot_id": "another start of the host"},
        {"container": {"init_start_ticks": 1}},
        {"container": {"init_pid": 2**22 + 1}},
        {"container": "unreadable"},
    ],
    ids=repr,
)
async def test_what_is_left_of_ended_containers_is_removed(world: World, changes: dict[str, Any]) -> None:
    await world.client.send(start())
    await world.client.send(msgspec.structs.replace(start("xyz", ID_BASE + 4), username="lee"))
    record = world.settings.bundles / "bcd/container.json"
    fields = json.loads(record.read_text())
    for name, value in changes.items():
        fields[name] = fields[name] | value if isinstance(value, dict) else value
    record.write_text(json.dumps(fields))

    containers = (await world.client.send(ListDesktops())).containers

    assert [container.session for container in containers] == ["xyz"]
    assert [path.name for path in world.settings.bundles.iterdir()] == ["xyz"]
    assert [path.name for path in world.settings.desktops.iterdir()] == ["xyz"]
    assert ("remove", "bcd") in world.runtime.calls


async def test_a_spawner_that_was_killed_during_a_start_leaves_no_container(world: World) -> None:
    await world.client.send(start())
    (world.settings.bundles / "bcd/container.json").unlink()  # it is written once the container runs
    assert (await world.client.send(ListDesktops())).containers == []
    assert ("remove", "bcd") in world.runtime.calls


def test_a_server_of_another_version_gets_a_clear_answer(world: World) -> None:
    body = b'{"type":"a request of the next version"}'
    answer = decode_answer(world.exchange(HEADER.pack(VERSION + 1, len(body)) + body)[HEADER.size :])
    assert answer.error is not None
    assert f"version {VERSION} of its messages, and this server version {VERSION + 1}" in answer.error
    assert "Running desktops go on" in answer.next_step


async def test_requests_wait_for_a_spawner_that_is_being_started_again(tmp_path: Path) -> None:
    client = SpawnerClient(tmp_path / "own/spawner.sock")
    asked = asyncio.create_task(client.send(ListDesktops()))
    await asyncio.sleep(0)
    world = World(tmp_path, os.geteuid())
    with serving(world):
        assert (await asked).containers == []


def test_one_spawner_at_a_time_uses_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "lightbox/own"
    tmp_path.chmod(0o755)
    lock = own_folder.take(folder)
    with pytest.raises(ConfigurationError, match="Another spawner uses the folder"):
        own_folder.take(folder, timeout_s=0)
    (folder / "bundles/bcd").mkdir(parents=True)
    own_folder.remove_if_empty(folder)
    assert folder.exists()
    (folder / "bundles/bcd").rmdir()
    own_folder.remove_if_empty(folder)
    assert not folder.exists()
    os.close(lock)
    os.close(own_folder.take(folder, timeout_s=0))
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="other users may write there"):
        own_folder.take(folder, timeout_s=0)


def test_the_next_spawner_waits_for_a_command_of_one_that_was_killed(tmp_path: Path) -> None:
    folder, bundle = tmp_path / "lightbox/own", tmp_path / "bundle"
    tmp_path.chmod(0o755)
    bundle.mkdir()
    script = "touch started; while [ ! -e go_on ]; do sleep 0.01; done"
    lock = own_folder.take(folder)
    runtime = Runtime(["sh", "-c", f"cd {tmp_path} && {script}"], folder, [lock])
    command = threading.Thread(target=runtime.run, args=("bcd", bundle))
    command.start()
    while not (tmp_path / "started").exists():
        time.sleep(0.01)
    os.close(lock)  # as the kernel does when it kills the spawner
    with pytest.raises(ConfigurationError, match="Another spawner uses the folder"):
        own_folder.take(folder, timeout_s=0)
    (tmp_path / "go_on").touch()
    command.join()
    os.close(own_folder.take(folder, timeout_s=0))


@pytest.mark.parametrize("first_id", [1, 1000, ID_BASE - 4, ID_BASE + 1, ID_BASE + ID_COUNT])
async def test_ids_outside_of_the_range_are_refused(world: World, first_id: int) -> None:
    with pytest.raises(DesktopError, match="are not for desktops"):
        await world.client.send(start(first_id=first_id))
    assert world.runtime.calls == []


async def test_a_failed_start_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DesktopError("The container could not be started.", next_step="Try again.")

    monkeypatch.setattr(world.runtime, "run", fail)
    with pytest.raises(DesktopError, match=r"could not be started\. Try again\."):
        await world.client.send(start())
    assert ("remove", "bcd") in world.runtime.calls
    assert not (world.base / "desktops/bcd").exists()
    assert not (world.settings.bundles / "bcd").exists()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}", b'{"type":"start"}', b'{"type":"stop","session":"../.."}', b"\xff" * 99]
)
def test_malformed_requests_are_answered_with_an_error(world: World, body: bytes) -> None:
    answer = decode_answer(world.exchange(HEADER.pack(VERSION, len(body)) + body)[HEADER.size :])
    assert answer.error is not None
    assert "does not accept this request" in answer.error
    assert world.runtime.calls == []


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0", HEADER.pack(VERSION, 10) + b"short", HEADER.pack(VERSION, REQUEST_MAX_BYTES + 1) + b"x"],
)
def test_a_client_that_breaks_off_or_sends_too_much_gets_no_answer(world: World, data: bytes) -> None:
    with contextlib.suppress(ConnectionResetError):  # the server did not read everything
        assert world.exchange(data) == b""
    assert "lost a client" in world.log[-1]


def test_other_users_are_refused(world: World) -> None:
    request = msgspec.json.encode(StopDesktop("bcd"))
    program = (
        "import os, socket, sys\n"
        "os.setgid(12345); os.setuid(12345)\n"
        "connection = socket.socket(socket.AF_UNIX)\n"
        "connection.connect(sys.argv[1])\n"
        "connection.sendall(bytes.fromhex(sys.argv[2]))\n"
        "print(len(connection.recv(100)))\n"
    )
    for folder in (*reversed(world.path.parents[:3]), world.path.parent):
        folder.chmod(0o755)
    world.path.chmod(0o666)  # so that only the check of the peer refuses
    data = (HEADER.pack(VERSION, len(request)) + request).hex()
    answer = subprocess.run(
        [sys.executable, "-I", "-c", program, str(world.path), data], capture_output=True, text=True
    )
    assert answer.stdout in ("0\n", ""), answer
    assert world.runtime.calls == []
