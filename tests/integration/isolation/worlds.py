"""Two desktops beside each other, with and without isolation, and ways to run programs in them."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from display_server.broker.folders import DesktopFolders
from display_server.broker.lasting_folder import base_folder as base_folder_of_spawners
from display_server.broker.launchers.launcher import Launcher, RunningDesktop
from display_server.broker.launchers.process_launcher import SUPERVISOR_COMMAND, ProcessLauncher
from display_server.broker.launchers.sandbox_launcher import SandboxLauncher
from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.config import IsolationConfig
from display_server.desktop.session_processes import kill_session_processes
from display_server.desktop.spec import DesktopSpec, DesktopStatus
from display_server.server.isolation import SpawnerProcess
from display_server.spawner import layout
from display_server.spawner.messages import Answer, Limits, Request, StartDesktop
from display_server.spawner.nested_namespaces import LIMITS as NAMESPACE_LIMITS
from display_server.spawner.runtime import Runtime, choose_runtime

FOLDER = Path(__file__).parent
PROGRAMS = FOLDER / "hostile_programs.py"
NESTED_PROGRAMS = FOLDER / "nested_programs.py"
BOMBS_PROGRAM = FOLDER / "bombs.py"
CALLS_32_BIT = FOLDER / "calls_32_bit.py"
VICTIM = FOLDER / "victim.py"
PATIENCE_S = 120.0
LIMITS = Limits(memory_mb=512, processes=200, temporary_mb=64)
CONFIG = IsolationConfig(enabled=True)
#: Exit codes of a program that the kernel killed because the desktop's memory was used up.
KILLED = (137, -9)

T = TypeVar("T")


class BackgroundLoop:
    """An event loop in a thread, so that fixtures can keep desktops for a whole module."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class World(ABC):
    """The desktops of kim, in which hostile programs run, and of lee, which they attack."""

    def __init__(self, loop: BackgroundLoop, base: Path) -> None:
        self.loop = loop
        self.base = base
        self.folders = DesktopFolders(desktops=base / "desktops", homes=base / "homes", logs=base / "logs")
        for folder in (self.folders.desktops, self.folders.homes, self.folders.logs):
            folder.mkdir(mode=0o700, parents=True)
        (base / "database").write_text("accounts")
        (base / "key").write_text("PRIVATE KEY")
        self.desktops: dict[str, RunningDesktop] = {}
        self.specs: dict[str, DesktopSpec] = {}
        self.facts: dict[str, Any] = {}

    @abstractmethod
    def launcher(self) -> Launcher:
        """Returns what starts the desktops of this world."""

    def start(self, username: str, profile: str = "blank", network: Sequence[str] = ()) -> None:
        session = f"{username}-{self.base.name[-8:].lower().replace('_', '-')}"
        spec = DesktopSpec(
            session=session,
            user=username,
            desktop=profile,
            profile=profile,
            width_px=640,
            height_px=480,
            home=str(self.folders.homes / username / profile),
            folder=str(self.folders.desktops / session),
            log_folder=str(self.folders.logs),
            network=list(network),
        )
        self.specs[username] = spec
        self.desktops[username] = self.loop.run(self.launcher().start(spec))

    def status(self, username: str) -> DesktopStatus:
        status = self.desktops[username].status()
        assert status is not None
        return status

    def run(
        self, username: str, arguments: Sequence[str], *, user: int = layout.PERSON_ID
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program in a desktop, as one that the person has started there."""
        with self.program(username, arguments, user=user) as process:
            output, _ = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(arguments, process.returncode, output)

    @abstractmethod
    def program(
        self, username: str, arguments: Sequence[str], *, user: int = layout.PERSON_ID
    ) -> subprocess.Popen[str]:
        """Starts a program in a desktop, as one that the person has started there."""

    def close(self) -> None:
        for desktop in self.desktops.values():
            self.loop.run(desktop.stop())


class OpenWorld(World):
    """Without isolation: every program runs as the user who started Lightbox, which is root here."""

    def launcher(self) -> Launcher:
        return ProcessLauncher(SUPERVISOR_COMMAND)

    def program(
        self, username: str, arguments: Sequence[str], *, user: int = layout.PERSON_ID
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.specs[username].home,
        )

    def close(self) -> None:
        super().close()
        for spec in self.specs.values():
            kill_session_processes(spec.session)


class NestingClient(SpawnerClient):
    """Starts every desktop as if its profile named a browser."""

    async def send(self, request: Request) -> Answer:
        if isinstance(request, StartDesktop):
            request = msgspec.structs.replace(request, nested_namespaces=True)
        return await super().send(request)


class IsolatedWorld(World):
    """Each desktop in a container of its own."""

    def __init__(
        self,
        loop: BackgroundLoop,
        base: Path,
        *,
        limits: Limits = LIMITS,
        nested_namespaces: bool = False,
    ) -> None:
        super().__init__(loop, base)
        self.spawner = self.make_spawner()
        loop.run(self.spawner.start())
        self._ids: dict[tuple[str, str], int] = {}
        self.client = (NestingClient if nested_namespaces else SpawnerClient)(self.spawner.socket)
        self._launcher = SandboxLauncher(self.client, self.folders, self._first_id, limits, self.look_up)
        self.runtime = Runtime(choose_runtime(), self.spawner.folder / "runtime")

    def make_spawner(self) -> SpawnerProcess:
        return SpawnerProcess(CONFIG, self.folders, base_folder_of_spawners() / self.base.name)

    async def look_up(self, name: str) -> Sequence[str]:
        """Returns the addresses of names in the lists of what desktops may reach."""
        raise OSError(f"{name} has no address")

    async def _first_id(self, username: str, desktop: str) -> int:
        number = self._ids.setdefault((username, desktop), len(self._ids))
        return CONFIG.id_base + number * layout.IDS_PER_DESKTOP

    def launcher(self) -> Launcher:
        return self._launcher

    def init_pid(self, username: str) -> int:
        pid = self.runtime.init_pid(self.specs[username].session)
        assert pid is not None
        return pid

    def program(
        self, username: str, arguments: Sequence[str], *, user: int = layout.PERSON_ID
    ) -> subprocess.Popen[str]:
        home = layout.home_folder(username)
        process: dict[str, Any] = {
            "terminal": False,
            "user": {"uid": user, "gid": user, "umask": 0o077},
            "args": list(arguments),
            "env": ["PATH=/usr/bin:/bin", f"HOME={home}", "LANG=C.UTF-8"],
            "cwd": home if user == layout.PERSON_ID else "/",
            "capabilities": {},
            "noNewPrivileges": True,
        }
        bundle = self.spawner.folder / "bundles" / self.specs[username].session
        process["rlimits"] = json.loads((bundle / "process.json").read_text())["rlimits"]
        file = bundle / "test-process.json"
        file.write_text(json.dumps(process))
        return subprocess.Popen(
            self.runtime.command("exec", "--process", str(file), self.specs[username].session),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def close(self) -> None:
        super().close()
        self.loop.run(self.spawner.stop())


class OtherHost:
    """A host with a TCP service: a network namespace, joined to this one by a pair of interfaces."""

    def __init__(self) -> None:
        self.name = f"lbi{os.getpid()}"
        # A network of four addresses for each process, because tests run at the same time in several.
        network = ipaddress.ip_address("10.231.0.0") + 4 * (os.getpid() % 2**14)
        self.address, self.here = str(network + 2), str(network + 1)
        self._service: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> OtherHost:
        ours, theirs = f"{self.name}a", f"{self.name}b"
        for command in (
            f"ip netns add {self.name}",
            f"ip link add {ours} type veth peer name {theirs} netns {self.name}",
            f"ip address add {self.here}/30 dev {ours}",
            f"ip link set {ours} up",
            f"ip -n {self.name} address add {self.address}/30 dev {theirs}",
            f"ip -n {self.name} link set {theirs} up",
        ):
            subprocess.run(shlex.split(command), check=True)
        service = (
            "import socket, sys\n"
            "listener = socket.create_server((sys.argv[1], 0))\n"
            "print(listener.getsockname()[1], flush=True)\n"
            "sys.stdin.read()\n"
        )
        self._service = subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, "-c", service, self.address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._service.stdout is not None
        self.port = int(self._service.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        if self._service is not None:
            self._service.communicate("")
        for command in (f"ip link delete {self.name}a", f"ip netns delete {self.name}"):
            subprocess.run(shlex.split(command), check=False)


@contextlib.contextmanager
def base_folder() -> Iterator[Path]:
    """A short path, because sockets are below it, on the memory file system that the product uses."""
    base = Path(tempfile.mkdtemp(prefix="lightbox-iso-", dir="/dev/shm"))
    try:
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


@contextlib.contextmanager
def attack_targets(world: World, other: OtherHost) -> Iterator[None]:
    """Starts both desktops and everything that hostile programs attack; fills `world.facts`."""
    world.start("kim")
    world.start("lee")
    neighbour, status = world.specs["lee"], world.status("lee")
    own = world.status("kim")
    inside = layout.DESKTOP_FOLDER if isinstance(world, IsolatedWorld) else world.specs["kim"].folder
    home = Path(neighbour.home)
    (home / "secret").write_text("of lee")
    os.chown(home / "secret", home.stat().st_uid, home.stat().st_gid)
    (home / "secret").chmod(0o600)
    posix_shm = Path("/dev/shm") / f"{world.base.name}-shared"
    posix_shm.write_text("of the host")
    token = f"victim-{world.base.name}"
    with contextlib.ExitStack() as stack:
        stack.callback(posix_shm.unlink)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        victim = stack.enter_context(
            world.program("lee", [sys.executable, "-I", "-c", VICTIM.read_text(), token])
        )
        stack.callback(lambda: victim.communicate("", timeout=PATIENCE_S))
        assert victim.stdout is not None
        world.facts |= msgspec.json.decode(victim.stdout.readline())
        host = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", "input()", f"host-{token}"], stdin=subprocess.PIPE, text=True
            )
        )
        stack.callback(lambda: host.communicate("\n", timeout=PATIENCE_S))
        sockets = {
            "host_port": socket.create_server(("127.0.0.1", 0)),
            "host_port_v6": socket.create_server(("::1", 0), family=socket.AF_INET6),
            "host_any_port": socket.create_server(("0.0.0.0", 0)),
        }
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("0.0.0.0", 0))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        abstract.bind(f"\0host-{token}")
        abstract.listen()
        for name, listener in sockets.items():
            stack.enter_context(listener)
            world.facts[name] = listener.getsockname()[1]
        disks = [path for path in Path("/dev").iterdir() if path.is_block_device()]
        world.facts |= {
            "neighbour_secret": str(home / "secret"),
            "homes": str(world.folders.homes),
            "database": str(world.base / "database"),
            "authority_key": str(world.base / "key"),
            "product_file": str(Path(msgspec.__file__)),
            "scratch": str(scratch) if not isinstance(world, IsolatedWorld) else "/tmp",
            "disk": str(disks[0]),
            "neighbour_framebuffer": f"{neighbour.folder}/framebuffer/Xvfb_screen0",
            "framebuffer": f"{inside}/framebuffer/Xvfb_screen0",
            "spec": f"{inside}/spec.json",
            "authority": f"{inside}/xauthority",
            "agent_socket": f"{inside}/agent.sock",
            "control_socket": f"{inside}/supervisor.sock",
            "neighbour_agent_socket": str(neighbour.socket),
            "neighbour_authority": f"{neighbour.folder}/xauthority",
            "neighbour_x_socket": f"/tmp/.X11-unix/X{(status.display or '').lstrip(':')}",
            "neighbour_x_server": status.pids.x_server,
            "host_process": host.pid,
            "host_command": f"host-{token}",
            "abstract_socket": f"host-{token}",
            "agent": own.pids.agent,
            "supervisor": own.pids.supervisor,
            "x_server": own.pids.x_server,
            "posix_shm": posix_shm.name,
            "host_address": other.here,
            "host_datagram_port": datagrams.getsockname()[1],
            "other_host": other.address,
            "other_host_port": other.port,
            "processes": 2 * LIMITS.processes,
            "memory_mb": LIMITS.memory_mb + 200,
            "temporary_mb": LIMITS.temporary_mb + 20,
            "namespaces": NAMESPACE_LIMITS["net"] + 1,
        }
        yield


def attack(world: World, programs: Path, name: str) -> tuple[int, str]:
    """Runs a hostile program in kim's desktop. Returns its exit code and what it printed."""
    done = world.run("kim", [sys.executable, "-I", "-c", programs.read_text(), name, json.dumps(world.facts)])
    return done.returncode, done.stdout


def assert_refused(result: tuple[int, str]) -> None:
    code, output = result
    assert "succeeded" not in output
    if code not in KILLED:
        assert code == 1, output
        assert output.split(":")[0].endswith("Error"), output  # refused, and not a mistake in the program


def wait_for(condition: Callable[[], T], what: str) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"timed out waiting for {what}"
        time.sleep(0.05)
    return value
