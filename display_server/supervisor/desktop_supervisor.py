"""The keeper of one desktop: `python -m display_server.supervisor.desktop_supervisor FOLDER`.

Starts the X server, the agent and the profile's programs, and is the reaper of everything below it, so that
nothing of a desktop outlives it. Ends on SIGTERM or SIGINT, and when its standard input closes: that is the
lifeline to whoever started it. Each change of state is written to `FOLDER/status.json` and, as a line of the
same JSON, to standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from display_server.desktop.profiles import profile
from display_server.desktop.spec import (
    DesktopSpec,
    DesktopState,
    DesktopStatus,
    Pids,
    read_spec,
    write_status,
)
from display_server.errors import DesktopError, LightboxError
from display_server.supervisor import environment, x_server
from display_server.supervisor.agent_process import AGENT, AgentProcess
from display_server.supervisor.children import Child, Children, describe_exit
from display_server.supervisor.supervisor_state import SupervisorEvent, after

#: The session bus of the desktop's programs is there within this, or they do without.
BUS_TIMEOUT_S = 3.0
_BUS_POLL_S = 0.005


class DesktopSupervisor:
    """A desktop's whole life is `run`."""

    def __init__(self, spec: DesktopSpec, *, agent: Sequence[str] = AGENT, log: int = 2) -> None:
        self._spec = spec
        self._agent_command = agent
        self._log = log
        self._state = DesktopState.STARTING
        self._error: str | None = None
        self._over = asyncio.Event()
        self._children = Children()
        self._server: x_server.XServer | None = None
        self._agent: AgentProcess | None = None
        self._laid_out = spec.attach is not None
        self._size_px = spec.width_px, spec.height_px

    async def run(self) -> int:
        """Returns the exit code: 0 when told to end, 1 when something broke."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._step, SupervisorEvent.TOLD_TO_END)
        self._hold_lifeline(loop)
        self._publish()
        work = asyncio.create_task(self._work())
        try:
            await self._over.wait()
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            await self._end()
        return 0 if self._state is DesktopState.ENDED else 1

    async def _work(self) -> None:
        try:
            wanted = profile.load(self._spec.profile)
            if self._spec.attach is not None:
                self._server = x_server.attached(self._spec.attach, os.environ)
                self._size_px = await asyncio.to_thread(x_server.size_of, self._server)
            else:
                bare = environment.bare(self._spec)
                self._server = await x_server.start_x_server(
                    self._children, self._spec, bare, wanted.screen_max
                )
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_agent(self._server))
                if self._server.child is not None:
                    group.create_task(self._watch_x_server(self._server.child))
                    group.create_task(self._furnish(wanted, self._server))
        except* LightboxError as errors:
            self._break(str(errors.exceptions[0]))
        except* Exception as errors:
            self._tell("keeper failed", error=repr(errors.exceptions[0]))
            self._break(f"The desktop's keeper failed: {errors.exceptions[0]!r}")

    async def _keep_agent(self, server: x_server.XServer) -> None:
        self._agent = AgentProcess(
            self._children,
            self._spec,
            server,
            environment.bare(self._spec),
            self._log,
            command=self._agent_command,
            changed=self._publish,
            answered=self._agent_answers,
            tell=self._tell,
        )
        await self._agent.keep()

    def _agent_answers(self) -> None:
        """A desktop can be viewed when somebody shows it and it has the size that was ordered."""
        if self._agent is not None and self._agent.answers and self._laid_out:
            self._step(SupervisorEvent.AGENT_ANSWERED)

    async def _watch_x_server(self, child: Child) -> None:
        code = await child.wait()
        raise DesktopError(f"The X server ended ({describe_exit(code)}).{x_server.last_words(self._spec)}")

    async def _furnish(self, wanted: profile.Profile, server: x_server.XServer) -> None:
        """Programs come to a screen that has its size. The agent starts meanwhile, and takes far longer."""
        await asyncio.to_thread(x_server.lay_out, server, self._spec)
        self._laid_out = True
        self._agent_answers()
        if wanted.programs:
            await self._run_programs(wanted, server)

    async def _run_programs(self, wanted: profile.Profile, server: x_server.XServer) -> None:
        # These are not needed for a desktop to be ready, so their import must not delay it.
        from display_server.supervisor.programs import Programs
        from display_server.supervisor.window_manager import WindowManagerProbe

        bus = await self._start_bus() if wanted.session_bus else None
        around = environment.for_programs(self._spec, server, bus)
        if around["LANG"] != self._spec.locale:
            self._tell("locale missing", wanted=self._spec.locale, taken=around["LANG"])
        output = self._open_program_log()
        try:
            with contextlib.closing(WindowManagerProbe(server)) as probe:
                programs = Programs(self._children, wanted, self._spec, around, output, self._tell, probe)
                await programs.run()
        finally:
            os.close(output)

    async def _start_bus(self) -> Path | None:
        """D-Bus for the programs alone. Without it they work, some more slowly."""
        socket = Path(self._spec.folder) / "bus"
        bus = environment.bare(self._spec) | {"HOME": self._spec.home}
        command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address=unix:path={socket}"]
        try:
            child = self._children.start("session bus", command, bus, output=self._log)
        except DesktopError as error:
            self._tell(
                "program missing", program="session bus", error=str(error), cure="apt-get install dbus"
            )
            return None
        for _ in range(int(BUS_TIMEOUT_S / _BUS_POLL_S)):
            if socket.exists() or not child.alive:
                break
            await asyncio.sleep(_BUS_POLL_S)
        return socket if socket.exists() else None

    def _open_program_log(self) -> int:
        """What programs print may tell of patients: into the person's own home, not into our log."""
        path = Path(self._spec.home) / ".programs.log"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    async def _end(self) -> None:
        """Programs and agent first, so that they can say goodbye to the X server; then the rest."""
        server = self._server.child if self._server else None
        await self._children.end(spare=[server] if server and server.alive else [])
        await self._children.end()
        folder = Path(self._spec.folder)
        shutil.rmtree(self._spec.framebuffer_folder, ignore_errors=True)
        shutil.rmtree(folder / "runtime", ignore_errors=True)
        for name in ("xauthority", "agent.sock", "bus"):
            (folder / name).unlink(missing_ok=True)
        self._publish()

    def _hold_lifeline(self, loop: asyncio.AbstractEventLoop) -> None:
        def on_readable() -> None:
            if not os.read(0, 4096):
                loop.remove_reader(0)
                self._step(SupervisorEvent.TOLD_TO_END)

        try:
            loop.add_reader(0, on_readable)
        except (OSError, ValueError):  # a file or /dev/null: nobody holds the other end
            self._step(SupervisorEvent.TOLD_TO_END)

    def _break(self, error: str) -> None:
        if self._error is None and self._state in (DesktopState.STARTING, DesktopState.READY):
            self._error = error
        self._step(SupervisorEvent.BROKE)

    def _step(self, event: SupervisorEvent) -> None:
        before, self._state = self._state, after(self._state, event)
        if self._state is not before:
            self._tell(self._state.value, error=self._error)
            # `ended` is told when it is so; `failed` at once, because people wait for it.
            if self._state is not DesktopState.ENDED:
                self._publish()
        if self._state in (DesktopState.FAILED, DesktopState.ENDED):
            self._over.set()

    def _publish(self) -> None:
        server = self._server
        x_child = server.child if server else None
        status = DesktopStatus(
            session=self._spec.session,
            state=self._state,
            pids=Pids(
                keeper=os.getpid(),
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
            write_status(Path(self._spec.folder), status)
        except OSError as error:  # a full disk must not take the desktop with it
            self._tell("status not written", error=str(error))
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(1, msgspec.json.encode(status) + b"\n")

    def _tell(self, event: str, **fields: Any) -> None:
        """A JSON line like those of every other process; structlog would cost the start 50 ms."""
        line = {"event": event, "logger": "keeper", "session": self._spec.session}
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        told = json.dumps(line | {"timestamp": stamp} | {k: v for k, v in fields.items() if v is not None})
        with contextlib.suppress(OSError):
            os.write(self._log, told.encode() + b"\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="keeper", description="Keeps one desktop alive, and ends it whole.")
    parser.add_argument("folder", type=Path, help="the desktop's folder, with spec.json in it")
    parser.add_argument(
        "--agent-command", type=shlex.split, default=list(AGENT), help="instead of Lightbox's agent"
    )
    given = parser.parse_args(arguments)
    try:
        spec = read_spec(given.folder)
    except DesktopError as error:
        print(error, file=sys.stderr)
        return 2
    return asyncio.run(_run(spec, given.agent_command))


async def _run(spec: DesktopSpec, agent: Sequence[str]) -> int:
    return await DesktopSupervisor(spec, agent=agent).run()


if __name__ == "__main__":
    sys.exit(main())
