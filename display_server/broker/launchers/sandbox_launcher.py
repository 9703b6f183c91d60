"""The launcher that starts each desktop in a container of its own, with the help of the spawner."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog

from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.desktop_network import DesktopNetwork, LookUp, look_up
from display_server.broker.launchers.launcher import ENDED_EARLY
from display_server.broker.launchers.profile_needs import names_a_browser
from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.broker.launchers.supervised_desktop import SupervisedDesktop
from display_server.broker.launchers.supervisor_connection import request_of_supervisor
from display_server.desktop.spec import (
    ControlRequest,
    DesktopSpec,
    DesktopState,
    DesktopStatus,
    read_status,
)
from display_server.errors import DesktopError
from display_server.spawner import layout
from display_server.spawner.messages import (
    ExecSupervisor,
    Limits,
    ListDesktops,
    RunningContainer,
    StartDesktop,
    StopDesktop,
)

log = structlog.get_logger(__name__)

#: How long a supervisor may take to end its desktop, s. It needs about 1 s; then the container is killed.
STOP_TIMEOUT_S = 8.0
#: How long a supervisor may take until its control socket accepts connections, s; then another is started.
CONNECT_TIMEOUT_S = 15.0
#: Pause between two attempts to connect, s.
_POLL_S = 0.02
#: A supervisor that ran longer than this was no failure of the desktop, s.
STABLE_AFTER_S = 10.0
#: How many supervisors may die young in a row. A desktop that was never ready then counts as failed. One that
#: people use goes on: its programs do not need a supervisor.
RESTARTS_MAX = 3
#: Pause before each further supervisor of a desktop that people use, s.
RESTART_PAUSE_S = 2.0
#: Longest status line, bytes.
LINE_MAX_BYTES = 64 * 1024

#: Returns the first host id of the range that belongs to a person's desktop; always the same one.
IdsOf = Callable[[str, str], Awaitable[int]]


class SandboxLauncher:
    """A LastingLauncher: starts containers through `spawner`, and finds them again."""

    def __init__(
        self,
        spawner: SpawnerClient,
        folders: DesktopFolders,
        ids_of: IdsOf,
        limits: Limits,
        look_up: LookUp = look_up,
    ) -> None:
        self._spawner = spawner
        self._folders = folders
        self._ids_of = ids_of
        self._limits = limits
        self._look_up = look_up

    async def start(self, spec: DesktopSpec) -> SandboxDesktop:
        if spec.attach is not None:
            raise DesktopError(
                "A display that already runs cannot be shown in isolation.",
                next_step="The administrator has to start Lightbox with --no-isolation for it.",
            )
        network = DesktopNetwork(spec.network, look_up=self._look_up)
        request = StartDesktop(
            session=spec.session,
            username=spec.user,
            desktop=spec.desktop,
            first_id=await self._ids_of(*_ids_owner(spec)),
            spec=msgspec.json.encode(_inside(spec)).decode(),
            limits=self._limits,
            nested_namespaces=names_a_browser(spec.profile),
            network=await network.first_access(),
            keeps_home=spec.keeps_home,
        )
        try:
            await self._spawner.send(request)
            desktop = SandboxDesktop(spec, self._spawner, network)
        except BaseException:  # also a cancellation, which the spawner does not notice
            await asyncio.shield(_remove(self._spawner, spec.session))
            raise
        try:
            await desktop.wait_until_ready()
        except BaseException:
            await asyncio.shield(desktop.stop())
            raise
        return desktop

    async def examine(self) -> None:
        """Raises DesktopError when the spawner does not answer, so that no desktop can be started."""
        await self._spawner.send(ListDesktops())

    async def running(self) -> list[DesktopSpec]:
        answer = await self._spawner.send(ListDesktops())
        return [self._outside(container) for container in answer.containers]

    async def adopt(self, spec: DesktopSpec) -> SandboxDesktop:
        network = DesktopNetwork(spec.network, look_up=self._look_up)
        desktop = SandboxDesktop(spec, self._spawner, network, adopted=True)
        try:
            await desktop.wait_until_ready()
        except asyncio.CancelledError:
            await asyncio.shield(desktop.release())
            raise
        except BaseException:
            await asyncio.shield(desktop.stop())
            raise
        return desktop

    async def remove(self, session: str) -> None:
        await self._spawner.send(StopDesktop(session))

    def _outside(self, container: RunningContainer) -> DesktopSpec:
        """Returns the specification with the paths that are valid on the host, as `start` got it."""
        try:
            inside = msgspec.json.decode(container.spec, type=DesktopSpec)
        except msgspec.MsgspecError as error:
            raise DesktopError(
                f"The desktop {container.session} was started by another version of Lightbox: {error}.",
                next_step="Start the former version again, or run `lightbox sessions end --all`.",
            ) from error
        return msgspec.structs.replace(
            inside,
            session=container.session,
            user=container.username,
            desktop=container.desktop,
            home=str(self._folders.homes / container.username / container.desktop)
            if inside.keeps_home
            else inside.home,
            folder=str(self._folders.desktops / container.session),
            log_folder=str(self._folders.logs),
            isolated=False,
            peers=[],
        )


def _ids_owner(spec: DesktopSpec) -> tuple[str, str]:
    """Returns whose range of ids a desktop has, as username and desktop.

    The places of floating pools have ranges of their own, which no account can have. The next desktop of a
    place has the same range: nothing that belonged to these ids is left, because the home was in memory.
    """
    return (spec.user, spec.desktop) if spec.keeps_home else ("", f"{spec.desktop}/{spec.user}")


def _inside(spec: DesktopSpec) -> DesktopSpec:
    """Returns the specification with the paths that are valid inside the container."""
    return msgspec.structs.replace(
        spec,
        home=layout.home_folder(spec.user),
        folder=layout.DESKTOP_FOLDER,
        log_folder=layout.DESKTOP_FOLDER,
        isolated=True,
        peers=sorted(layout.AGENT_PEERS),
    )


async def _remove(spawner: SpawnerClient, session: str) -> None:
    try:
        await spawner.send(StopDesktop(session))
    except DesktopError as error:
        log.error("desktop not removed", session=session, error=str(error))


class SandboxDesktop(SupervisedDesktop):
    """A RunningDesktop: a container, as the broker sees it through the supervisor's control socket."""

    isolated = True

    def __init__(
        self, spec: DesktopSpec, spawner: SpawnerClient, network: DesktopNetwork, *, adopted: bool = False
    ) -> None:
        """`adopted`: an earlier process started the desktop, and its supervisor may have been killed."""
        self._spawner = spawner
        self._adopted = adopted
        self._names = asyncio.create_task(network.follow(spec.session, spawner), name=f"names {spec.session}")
        super().__init__(spec)

    async def release(self) -> None:
        self._names.cancel()
        self._monitoring.cancel()
        await asyncio.gather(self._monitoring, return_exceptions=True)

    async def stop(self) -> None:
        self._stopping = True
        self._names.cancel()
        with contextlib.suppress(OSError, TimeoutError):  # no supervisor, or one that does not answer
            await request_of_supervisor(self._spec.control_socket, ControlRequest.STOP)
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.wait()
        await _remove(self._spawner, self._spec.session)
        self._monitoring.cancel()
        await asyncio.gather(self._monitoring, return_exceptions=True)

    async def _monitor(self) -> str | None:
        """Follows the supervisor, and starts another one when it ends early, until the desktop is over.

        Returns why the desktop failed, or None.
        """
        try:
            return await self._follow_supervisors()
        finally:
            self._started.set()

    async def _follow_supervisors(self) -> str | None:
        loop = asyncio.get_running_loop()
        young = 0
        if self._adopted and not self._is_over():
            try:
                await self._spawner.send(ExecSupervisor(self._spec.session))  # nothing if one runs
            except DesktopError as error:
                return error.in_one_line()
        while True:
            started_s = loop.time()
            await self._follow()
            if self._status is not None and self._status.state is DesktopState.FAILED:
                return self._status.error or ENDED_EARLY
            if self._stopping or (self._status and self._status.state is DesktopState.ENDED):
                return None
            young = 0 if loop.time() - started_s > STABLE_AFTER_S else young + 1
            if young > RESTARTS_MAX:
                if not self._started.is_set():
                    return "The supervisor of this desktop does not run. Open the desktop again."
                await asyncio.sleep(RESTART_PAUSE_S)
            log.warning("supervisor replaced", session=self._spec.session)
            try:
                await self._spawner.send(ExecSupervisor(self._spec.session))
            except DesktopError as error:
                return error.in_one_line()

    def _is_over(self) -> bool:
        """Looks whether a supervisor failed or ended before anybody could connect to it."""
        with contextlib.suppress(DesktopError):
            status = read_status(Path(self._spec.folder))
            if status is not None and status.state in (DesktopState.FAILED, DesktopState.ENDED):
                self._status = status
                return True
        return False

    async def _follow(self) -> None:
        """Reads the supervisor's status until its connection ends, or until it does not listen in time."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + CONNECT_TIMEOUT_S
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(
                    str(self._spec.control_socket), limit=LINE_MAX_BYTES
                )
                break
            except OSError:
                if self._is_over() or loop.time() > deadline_s:
                    return
                await asyncio.sleep(_POLL_S)
        try:
            while line := await reader.readline():
                self._status = msgspec.json.decode(line, type=DesktopStatus)
                if self._status.state is not DesktopState.STARTING:
                    self._started.set()
        except (OSError, ValueError) as error:  # MsgspecError is a ValueError
            log.warning("supervisor's status lost", session=self._spec.session, error=str(error))
        finally:
            writer.close()
