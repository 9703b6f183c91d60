"""Starts the spawner for a server that runs as root, and the launcher that uses it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from pathlib import Path

import msgspec
import structlog

from display_server.broker.desktop_ids import DesktopIdRanges
from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.sandbox_launcher import SandboxLauncher
from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.broker.store import Store
from display_server.config import IsolationConfig
from display_server.errors import ConfigurationError
from display_server.spawner.messages import Limits

log = structlog.get_logger(__name__)

#: Where spawners keep their bundles: a memory file system whose path every user may pass through.
BASE = Path("/run/lightbox")
#: How long the spawner may take until it listens, s. It needs 0.1 s.
START_TIMEOUT_S = 15.0
#: Pause between two looks whether it listens, s.
_POLL_S = 0.01
#: Delay before a spawner that ended is started again, s.
RESTART_DELAY_S = 0.2


def limits_of(config: IsolationConfig) -> Limits:
    """Raises ConfigurationError when a limit is out of range."""
    fields = {
        name: getattr(config, name) for name in ("memory_mb", "processes", "cpu_percent", "temporary_mb")
    }
    try:
        return msgspec.convert(fields, Limits)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"isolation: {error}", hint="deploy/lightbox.example.toml shows every key."
        ) from error


class SpawnerProcess:
    """The spawner as a child of the server. It is started again when it ends; desktops go on meanwhile."""

    def __init__(self, config: IsolationConfig, folders: DesktopFolders, name: str) -> None:
        self.folder = BASE / name
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._command = (
            *(sys.executable, "-m", "display_server.spawner"),
            *("--folder", str(self.folder)),
            *("--homes", str(folders.homes)),
            *("--desktops", str(folders.desktops)),
            *("--logs", str(folders.logs)),
            *("--client-uid", str(os.geteuid())),
            *("--id-base", str(config.id_base)),
            *("--id-count", str(config.id_count)),
        )

    @property
    def socket(self) -> Path:
        return self.folder / "spawner.sock"

    async def start(self) -> None:
        """Returns when the spawner listens. Raises ConfigurationError when it does not start."""
        if os.geteuid() != 0:
            raise ConfigurationError(
                "Isolated desktops need root, and Lightbox runs as another user.",
                hint="Start Lightbox as root, or with --no-isolation for a single person on this host.",
            )
        _make_folder(self.folder)
        self._process = await self._spawn()
        deadline_s = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while not self.socket.exists():
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline_s:
                raise ConfigurationError(
                    "The process that starts isolated desktops does not start.",
                    hint="The log above says why, and `lightbox doctor` what this host lacks.",
                )
            await asyncio.sleep(_POLL_S)
        self._watching = asyncio.create_task(self._watch(), name="spawner")

    async def stop(self) -> None:
        """Ends the spawner and removes its folder. The desktops have ended before."""
        if self._watching is not None:
            self._watching.cancel()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

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
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the server's terminal must not reach it before the server
        )


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    folder.parent.chmod(0o711)


async def isolated_launcher(
    config: IsolationConfig,
    folders: DesktopFolders,
    store: Store,
    name: str,
    stack: contextlib.AsyncExitStack,
) -> SandboxLauncher:
    """Starts a spawner, which ends with `stack`, and returns the launcher. Raises ConfigurationError."""
    limits = limits_of(config)
    process = SpawnerProcess(config, folders, name)
    stack.push_async_callback(process.stop)
    await process.start()
    ids = DesktopIdRanges(store, config.id_base, config.id_count)
    return SandboxLauncher(SpawnerClient(process.socket), ids.first_id, limits)
