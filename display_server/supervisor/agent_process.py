"""The display agent as a child of the supervisor: started, checked for health and restarted when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from display_server.desktop.session_processes import describe_exit
from display_server.desktop.spec import DesktopSpec
from display_server.errors import DesktopError
from display_server.protocol.subprotocol import SECRET_HEADER
from display_server.supervisor.children import Child, Children, ExitCode, Identity
from display_server.supervisor.supervisor_log import IF_IT_HAPPENS_AGAIN, LogEvent
from display_server.supervisor.x_server import XServer

AGENT_COMMAND = (sys.executable, "-m", "display_server.agent")
#: The name of the agent in the record of processes.
PROCESS_NAME = "agent"
#: Delay before the next start, s, by the number of agents in a row that exited young. The first restart is
#: immediate, because somebody is looking at the desktop.
BACKOFF_S = (0.0, 0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
#: An agent that ran longer than this resets the backoff, s.
STABLE_AFTER_S = 3.0
#: The desktop fails when this many agents exited and none of them was ever healthy.
START_ATTEMPTS_MAX = 5
#: An agent that is not healthy within this time after its start is killed, s.
HEALTH_TIMEOUT_S = 15.0
#: Interval at which a healthy agent is asked, s: so it knows that its supervisor lives.
SIGN_OF_LIFE_INTERVAL_S = 1.0
#: How long one health check may take, s.
_HEALTH_CHECK_S = 1.0
#: Pause between two health checks of an agent that is starting, s.
_POLL_S = 0.01


class AgentProcess:
    """Runs one agent at a time.

    `on_pid_change` is called when an agent started or exited, `on_healthy` when a new agent passes its first
    health check. The agent's output goes to the descriptor `output`.
    """

    def __init__(
        self,
        children: Children,
        spec: DesktopSpec,
        server: XServer,
        environment: Mapping[str, str],
        output: int,
        *,
        command: Sequence[str] = AGENT_COMMAND,
        identity: Identity | None = None,
        on_pid_change: Callable[[], None],
        on_healthy: Callable[[], None],
        log: LogEvent,
    ) -> None:
        self._children = children
        self._spec = spec
        # OpenBLAS would start one thread per core, which costs memory and time; the agent never uses them.
        self._environment = {**environment, "OPENBLAS_NUM_THREADS": "1"}
        self._output = output
        self._identity = identity
        self._argv = [
            *command,
            *("--folder", spec.folder),
            *("--display", server.display),
            *("--xauthority", str(server.xauthority)),
            *("--source", "fbdir" if server.child else "shm"),
        ]
        self._on_pid_change, self._on_healthy, self._log = on_pid_change, on_healthy, log
        self._child: Child | None = None
        #: Whether any agent has been healthy so far.
        self.was_healthy = False

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.alive else None

    async def run(self) -> None:
        """Runs until cancelled. Raises DesktopError when no agent becomes healthy."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started_s = loop.time()
            self._child = self._children.adopt(PROCESS_NAME)  # from a supervisor that was killed
            if self._child is None:
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                started_s = loop.time()
                self._child = self._start()
            self._on_pid_change()
            code = await self._wait_for_exit(self._child)
            uptime_s = loop.time() - started_s
            self._on_pid_change()
            self._log("agent exited", exit=describe_exit(code), uptime_s=round(uptime_s, 3))
            failures = 0 if uptime_s > STABLE_AFTER_S else failures + 1
            if not self.was_healthy and failures >= START_ATTEMPTS_MAX:
                raise DesktopError(
                    f"The display agent does not start ({describe_exit(code)}).",
                    next_step=f"Try again. {IF_IT_HAPPENS_AGAIN}",
                )

    def restart(self) -> None:
        """Kills the agent, which may hang; `run` starts the next one."""
        if (pid := self.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _start(self) -> Child:
        # A killed agent leaves its socket behind, which would be mistaken for that of the new agent.
        self._spec.socket.unlink(missing_ok=True)
        return self._children.start(
            PROCESS_NAME, self._argv, self._environment, output=self._output, identity=self._identity
        )

    async def _wait_for_exit(self, child: Child) -> ExitCode:
        health_check = asyncio.create_task(self._check_health(child))
        try:
            return await child.wait()
        finally:
            health_check.cancel()

    async def _check_health(self, child: Child) -> None:
        """Kills an agent that is not healthy in time. Afterwards asks it regularly, until it is cancelled."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + HEALTH_TIMEOUT_S
        while not await is_healthy(self._spec):
            if loop.time() > deadline_s:
                self._log("agent does not respond", pid=child.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
                return
            await asyncio.sleep(_POLL_S)
        self.was_healthy = True
        self._on_healthy()
        while True:
            # The agent tells its viewers when these questions stop. An agent that does not answer is not
            # killed: it may only be slow, and the person can restart it.
            await asyncio.sleep(SIGN_OF_LIFE_INTERVAL_S)
            await is_healthy(self._spec)


async def is_healthy(spec: DesktopSpec) -> bool:
    """Returns whether the agent of this desktop listens and answers `GET /healthz` with 200."""
    request = f"GET /healthz HTTP/1.1\r\nHost: agent\r\n{SECRET_HEADER}: {spec.secret}\r\n"
    try:
        reader, writer = await asyncio.open_unix_connection(str(spec.socket))
    except OSError:
        return False
    try:
        writer.write(f"{request}Connection: close\r\n\r\n".encode())
        async with asyncio.timeout(_HEALTH_CHECK_S):
            return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
