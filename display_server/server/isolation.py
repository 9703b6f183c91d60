"""Starts the spawner for a server that runs as root, and the launcher that uses it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from display_server.broker.folders import DesktopFolders, StateFolder
from display_server.broker.lasting_folder import LastingFolder, sole_server
from display_server.broker.launchers.homes import SpawnerHomes
from display_server.broker.launchers.sandbox_launcher import SandboxLauncher
from display_server.broker.launchers.spawner_client import SilentSpawnerError, SpawnerClient
from display_server.config import IsolationConfig
from display_server.desktop.profiles.folders import operator_folder
from display_server.errors import ConfigurationError
from display_server.spawner.bundle import memory_file_systems_mb
from display_server.spawner.messages import Limits, ListDesktops

if TYPE_CHECKING:
    from display_server.broker.store import Store

log = structlog.get_logger(__name__)

#: How long the spawner may take until it answers, s. It needs 0.5 s, and first waits for a former spawner,
#: which completes its last request.
START_TIMEOUT_S = 60.0
#: Pause between two attempts to reach it, s.
_POLL_S = 0.02
#: Delay before a spawner that ended is started again, s.
RESTART_DELAY_S = 0.2
#: Smallest limit of a home, MiB. The file system of an image needs a part of it.
HOME_MIN_MB = 64
#: Largest fraction of a desktop's memory that its memory file systems may take, so that X server and programs
#: keep the rest.
TEMPORARY_SHARE = 0.75


def limits_of(config: IsolationConfig) -> Limits:
    """Raises ConfigurationError when a limit is out of range."""
    fields = {
        name: getattr(config, name) for name in ("memory_mb", "processes", "cpu_percent", "temporary_mb")
    }
    fields["home_mb"] = round(config.home_gb * 1024)
    if 0 < config.home_gb * 1024 < HOME_MIN_MB:
        raise ConfigurationError(
            f"`isolation.home_gb` is too small: {config.home_gb:g}.",
            hint=f"A home needs at least {HOME_MIN_MB / 1024:g}. 0 sets no limit.",
        )
    if memory_file_systems_mb(config.temporary_mb) > config.memory_mb * TEMPORARY_SHARE:
        raise ConfigurationError(
            f"`isolation.temporary_mb` ({config.temporary_mb}) is too large for `isolation.memory_mb` "
            f"({config.memory_mb}): full /tmp and /dev/shm would leave no memory to the programs.",
            hint="Both count as memory of the desktop. Choose a smaller `temporary_mb`, or a larger "
            "`memory_mb`.",
        )
    try:
        return msgspec.convert(fields, Limits)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"isolation: {error}", hint="deploy/lightbox.example.toml shows every key."
        ) from error


def spawner_command(
    config: IsolationConfig,
    folder: Path,
    desktops: Path,
    homes: Path,
    client_uid: int,
    profiles: Path | None,
) -> tuple[str, ...]:
    """Returns the command that runs a spawner, which serves the user `client_uid` alone.

    `profiles` is the folder of the operator's profiles.
    """
    return (
        *(sys.executable, "-m", "display_server.spawner"),
        *("--folder", str(folder)),
        *("--homes", str(homes)),
        *("--desktops", str(desktops)),
        *("--client-uid", str(client_uid)),
        *("--id-base", str(config.id_base)),
        *("--id-count", str(config.id_count)),
        *("--network-range", config.network_range),
        *(("--profiles", str(profiles)) if profiles is not None else ()),
    )


async def _answers(socket: Path) -> None:
    """Returns when the spawner answers. There may be the socket of a former one, which was killed."""
    while True:
        try:
            await SpawnerClient(socket).send(ListDesktops())
            return
        except SilentSpawnerError:
            await asyncio.sleep(_POLL_S)


async def wait_for_service(socket: Path, timeout_s: float = START_TIMEOUT_S) -> None:
    """Returns when the spawner that is a service of its own answers. Raises ConfigurationError."""
    try:
        async with asyncio.timeout(timeout_s):
            await _answers(socket)
    except TimeoutError as error:
        raise ConfigurationError(
            f"The spawner does not answer at {socket}.",
            hint="systemctl start lightbox-spawner, or run `lightbox spawner` as root with the same "
            "configuration. Its log says why it does not run.",
        ) from error


class SpawnerProcess:
    """The spawner as a child of the server. It is started again when it ends; desktops go on meanwhile.

    It ends with this process, even if this process is killed, and desktops go on then, too.
    """

    def __init__(self, config: IsolationConfig, folders: DesktopFolders, folder: Path) -> None:
        """`folder` is the spawner's own, which it creates, and removes unless desktops run."""
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._command: tuple[str, ...] = (
            *spawner_command(
                config, folder, folders.desktops, folders.homes, os.geteuid(), operator_folder()
            ),
            *("--logs", str(folders.logs)),
            "--end-with-stdin",
        )

    @property
    def socket(self) -> Path:
        return self.folder / "spawner.sock"

    async def start(self) -> None:
        """Returns when the spawner answers. Raises ConfigurationError when it does not start."""
        if os.geteuid() != 0:
            raise ConfigurationError(
                "Isolated desktops need root, and Lightbox runs as another user.",
                hint="Start Lightbox as root, or with --no-isolation for a single person on this host.",
            )
        self._process = await self._spawn()
        asking = asyncio.create_task(_answers(self.socket))
        ended = asyncio.create_task(self._process.wait())
        await asyncio.wait({asking, ended}, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not asking.done():
            asking.cancel()
            raise ConfigurationError(
                "The process that starts isolated desktops does not start.",
                hint="The log above says why, and `lightbox doctor` what this host lacks.",
            )
        asking.result()
        self._watching = asyncio.create_task(self._watch(), name="spawner")

    async def stop(self) -> None:
        """Ends the spawner. Desktops go on."""
        if self._watching is not None:
            self._watching.cancel()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()

    async def _watch(self) -> None:
        assert self._process is not None
        while True:
            code = await self._process.wait()
            log.error("spawner ended and is started again", exit=code)
            await asyncio.sleep(RESTART_DELAY_S)
            self._process = await self._spawn()

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,  # never written to; closed when this process ends
            start_new_session=True,  # Ctrl-C in the server's terminal must not reach it before the server
        )


def warn_of_isolated_desktops(state: StateFolder) -> None:
    """Logs that isolated desktops run which a server without isolation can neither show nor end."""
    folder = LastingFolder.of(state.path)
    if folder.desktops.is_dir() and any(folder.desktops.iterdir()):
        log.warning(
            "isolated desktops of an earlier server run on",
            folder=str(folder.desktops),
            next_step="Start the server with isolation again, or run `lightbox sessions end --all`.",
        )


@dataclass(frozen=True, slots=True)
class Isolation:
    """What the composition root needs for isolated desktops."""

    launcher: SandboxLauncher
    homes: SpawnerHomes
    folders: DesktopFolders
    instance: str  # under this name the database records the sessions
    host_restarted: bool  # since the last server with this state folder


def homes_of(state: StateFolder, config: IsolationConfig) -> Path:
    """Returns the folder of all homes of isolated desktops."""
    return state.service_homes if config.spawner == "service" else state.homes


async def isolated_desktops(
    config: IsolationConfig, state: StateFolder, store: Store, stack: contextlib.AsyncExitStack
) -> Isolation:
    """Starts a spawner, which ends with `stack`, unless it is a service. Desktops may outlive both.

    Raises ConfigurationError.
    """
    limits = limits_of(config)
    folder = LastingFolder.of(state.path)
    folders = DesktopFolders(desktops=folder.desktops, homes=homes_of(state, config), logs=state.logs)
    host_restarted = stack.enter_context(sole_server(state))
    if config.spawner == "service":
        await wait_for_service(folder.socket)
    else:
        process = SpawnerProcess(config, folders, folder.path)
        stack.push_async_callback(process.stop)
        await process.start()
    from display_server.broker.desktop_ids import DesktopIdRanges

    ids = DesktopIdRanges(store, config.id_base, config.id_count)
    spawner = SpawnerClient(folder.socket)
    launcher = SandboxLauncher(spawner, folders, ids.first_id, limits)
    return Isolation(launcher, SpawnerHomes(spawner), folders, folder.name, host_restarted)
