"""Supervises one desktop: starts its X server, its agent and its programs, and ends them all together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from display_server.desktop.profiles import profile
from display_server.desktop.session_processes import explain_exit
from display_server.desktop.spec import (
    ControlRequest,
    DesktopSpec,
    DesktopState,
    DesktopStatus,
    Pids,
    read_status,
    write_status,
)
from display_server.errors import DesktopError, LightboxError
from display_server.spawner import layout
from display_server.supervisor import environment, x_server
from display_server.supervisor.agent_process import AGENT_COMMAND, AgentProcess
from display_server.supervisor.children import Child, Children
from display_server.supervisor.control import ControlSocket
from display_server.supervisor.places import places_of
from display_server.supervisor.supervisor_log import IF_IT_HAPPENS_AGAIN, SupervisorLog
from display_server.supervisor.supervisor_state import SupervisorEvent, next_state

#: Descriptors instead of `sys.stdin` and so on, which are None when the descriptor is closed.
_STDIN, _STDOUT, _STDERR = 0, 1, 2

E = TypeVar("E", bound=Exception)


class DesktopSupervisor:
    """Runs one desktop from its start to its end; `run` is called once.

    The logs of the supervisor, the agent and the session bus go to standard error.
    """

    def __init__(
        self,
        spec: DesktopSpec,
        *,
        agent_command: Sequence[str] = AGENT_COMMAND,
        ends_with_stdin: bool = False,
    ) -> None:
        self._spec = spec
        self._agent_command = agent_command
        self._ends_with_stdin = ends_with_stdin
        self._control = ControlSocket(
            spec.control_socket,
            {
                ControlRequest.STOP: lambda: self._handle(SupervisorEvent.STOP_REQUESTED),
                ControlRequest.RESTART_DISPLAY: self._restart_display,
            },
            layout.SUPERVISOR_PEERS if spec.isolated else frozenset(),
        )
        self._log = SupervisorLog(_STDERR, spec.session)
        self._error: str | None = None
        self._over = asyncio.Event()
        self._places = places_of(spec)
        self._children = Children(Path(spec.folder), self._places.others)
        #: The last status of a supervisor that was killed, if its desktop can be continued.
        self._previous = _continued(read_status(Path(spec.folder)))
        self._state = self._previous.state if self._previous else DesktopState.STARTING
        self._server: x_server.XServer | None = None
        self._agent: AgentProcess | None = None
        self._has_initial_size = spec.attach is not None
        self._size_px = spec.width_px, spec.height_px

    async def run(self) -> int:
        """Returns the exit code: 0 when the desktop was stopped, 1 when it failed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._handle, SupervisorEvent.STOP_REQUESTED)
        if self._ends_with_stdin:
            self._watch_stdin(loop)
        await self._control.start()
        if self._previous is None:  # otherwise the file keeps what the next supervisor would need
            self._publish_status()
        work = asyncio.create_task(self._supervise())
        try:
            await self._over.wait()
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            await self._clean_up()
            self._control.close()
        return 0 if self._state is DesktopState.ENDED else 1

    async def _supervise(self) -> None:
        try:
            desktop_profile = profile.load(self._spec.profile)
            if self._spec.attach is not None:
                self._server = x_server.attached_x_server(self._spec.attach, os.environ)
                self._size_px = await asyncio.to_thread(x_server.screen_size, self._server)
            elif self._previous is not None:
                self._log("desktop continued", former_supervisor=self._previous.pids.supervisor)
                self._server = x_server.adopt_x_server(self._children, self._places, self._previous)
                self._has_initial_size = self._state is DesktopState.READY
            else:
                # A supervisor that was killed while it started the X server may have left processes behind.
                await self._children.terminate()
                self._children.record.forget()
                self._server = await x_server.start_x_server(
                    self._children,
                    self._spec,
                    self._places,
                    environment.service_environment(self._spec),
                    desktop_profile.screen_max,
                )
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run_agent(self._server))
                if self._server.child is not None:
                    group.create_task(self._watch_x_server(self._server.child))
                    group.create_task(self._set_up_screen(desktop_profile, self._server))
        except* LightboxError as errors:
            self._fail(_first(errors).in_one_line())
        except* OSError as errors:
            error = _first(errors)
            self._log("supervisor failed", error=repr(error))
            self._fail(
                f"A file of this desktop could not be used: {error.strerror}. The administrator has to check "
                "the free space and the permissions of the state folder. Then open the desktop again."
            )
        except* Exception as errors:
            self._log("supervisor failed", error=repr(_first(errors)))
            self._fail(f"A fault of Lightbox has ended this desktop. Open it again. {IF_IT_HAPPENS_AGAIN}")

    async def _run_agent(self, server: x_server.XServer) -> None:
        self._agent = AgentProcess(
            self._children,
            self._spec,
            server,
            environment.service_environment(self._spec),
            _STDERR,
            command=self._agent_command,
            identity=self._places.display,
            on_pid_change=self._publish_status,
            on_healthy=self._check_readiness,
            log=self._log,
        )
        await self._agent.run()

    def _check_readiness(self) -> None:
        """The desktop is ready when its agent is healthy and its screen has the ordered size."""
        if self._agent is not None and self._agent.was_healthy and self._has_initial_size:
            self._handle(SupervisorEvent.READY)

    async def _watch_x_server(self, child: Child) -> None:
        code = await child.wait()
        raise DesktopError(
            f"The X server of this desktop {explain_exit(code)}.",
            next_step=f"Open the desktop again; its programs have ended. {IF_IT_HAPPENS_AGAIN}",
        )

    async def _set_up_screen(self, desktop_profile: profile.Profile, server: x_server.XServer) -> None:
        """Gives the screen its size and then starts the programs.

        The agent starts at the same time, because that takes far longer. A desktop that was ready before
        keeps the size that its viewers gave it.
        """
        if not self._has_initial_size:
            await asyncio.to_thread(x_server.apply_initial_size, server, self._spec)
            self._has_initial_size = True
        self._check_readiness()
        if desktop_profile.programs:
            await self._run_programs(desktop_profile, server)

    async def _run_programs(self, desktop_profile: profile.Profile, server: x_server.XServer) -> None:
        # A desktop is ready without its programs, so the import of these modules must not delay it.
        from display_server.desktop.x11.text_scale import TextScaleWatch
        from display_server.desktop.x11.window_manager import WindowManagerProbe
        from display_server.supervisor.browser_policies import write_policies
        from display_server.supervisor.home import Home
        from display_server.supervisor.profile_programs import ProfilePrograms
        from display_server.supervisor.session_bus import start_session_bus

        if desktop_profile.browser is not None and self._spec.isolated:
            write_policies(desktop_profile.browser, self._places.home)
        bus = None
        if desktop_profile.session_bus:
            bus = await start_session_bus(self._children, self._spec, self._places, _STDERR, self._log)
        variables = environment.program_environment(self._spec, self._places, server, bus)
        if variables["LANG"] != self._spec.locale:
            self._log("locale missing", wanted=self._spec.locale, used=variables["LANG"])
        home = Home(
            self._children,
            self._places,
            self._spec.profile,
            environment.service_environment(self._spec) | {"HOME": self._spec.home},
            _STDERR,
            self._log,
        )
        with (
            contextlib.closing(WindowManagerProbe(server.display, server.xauthority)) as probe,
            contextlib.closing(TextScaleWatch(server.display, server.xauthority)) as text_scale,
        ):
            await ProfilePrograms(
                self._children,
                desktop_profile,
                self._places,
                home,
                variables,
                self._log,
                probe,
                text_scale,
            ).run()

    async def _clean_up(self) -> None:
        """Terminates all processes, removes private files and publishes the final status.

        The X server ends last, so that programs and agent can close their connections in order.
        """
        server = self._server.child if self._server else None
        await self._children.terminate(except_for=[server] if server and server.alive else [])
        await self._children.terminate()
        folder = Path(self._spec.folder)
        shutil.rmtree(self._spec.framebuffer_folder, ignore_errors=True)
        if not self._spec.isolated:  # a container's runtime folder ends with it
            shutil.rmtree(self._places.runtime, ignore_errors=True)
        for path in (self._places.authority, self._spec.socket, self._spec.host_socket, folder / "bus"):
            path.unlink(missing_ok=True)
        self._children.record.forget()
        self._publish_status()

    def _watch_stdin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stops the desktop when standard input closes, that is, when the parent process ends."""

        def on_readable() -> None:
            if not os.read(_STDIN, 4096):
                loop.remove_reader(_STDIN)
                self._handle(SupervisorEvent.STOP_REQUESTED)

        try:
            loop.add_reader(_STDIN, on_readable)
        except (OSError, ValueError):  # a file or /dev/null: no parent holds the other end
            self._handle(SupervisorEvent.STOP_REQUESTED)

    def _restart_display(self) -> None:
        if self._agent is not None:
            self._agent.restart()

    def _fail(self, error: str) -> None:
        if self._error is None and self._state in (DesktopState.STARTING, DesktopState.READY):
            self._error = error
        self._handle(SupervisorEvent.FAILURE)

    def _handle(self, event: SupervisorEvent) -> None:
        before, self._state = self._state, next_state(self._state, event)
        if self._state is not before:
            failed = self._state is DesktopState.FAILED
            self._log(
                f"desktop {self._state.value}",
                error=self._error,
                x_server_log=(x_server.log_excerpt(self._spec) or None) if failed else None,
            )
            # `failed` is published at once, because somebody waits for the desktop; `ended` only by
            # `_clean_up`, when all processes have ended.
            if self._state is not DesktopState.ENDED:
                self._publish_status()
        if self._state in (DesktopState.FAILED, DesktopState.ENDED):
            self._over.set()

    def _publish_status(self) -> None:
        """Writes the status to `status.json` and, as one line of JSON, to standard output."""
        server = self._server
        x_child = server.child if server else None
        status = DesktopStatus(
            session=self._spec.session,
            state=self._state,
            pids=Pids(
                supervisor=os.getpid(),
                x_server=x_child.pid if x_child and x_child.alive else None,
                agent=self._agent.pid if self._agent else None,
            ),
            width_px=self._size_px[0],
            height_px=self._size_px[1],
            error=self._error,
            display=server.display if server else None,
            xauthority=str(server.xauthority) if server else None,
        )
        try:
            # A server that is not root reads it. The folder keeps everybody else out.
            write_status(Path(self._spec.folder), status, 0o644 if self._spec.isolated else 0o600)
        except OSError as error:  # a full disk must not end the desktop
            self._log("status not written", error=str(error))
        encoded = msgspec.json.encode(status)
        self._control.publish(encoded)
        with contextlib.suppress(OSError):  # the parent process has ended
            os.write(_STDOUT, encoded + b"\n")


def _continued(previous: DesktopStatus | None) -> DesktopStatus | None:
    """Returns the status if it is that of a desktop that can go on: its X server was ready."""
    if previous is None or previous.display is None:
        return None
    return previous if previous.state in (DesktopState.STARTING, DesktopState.READY) else None


def _first(errors: ExceptionGroup[E]) -> E:
    """Returns the first error of a group, which may contain other groups."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
