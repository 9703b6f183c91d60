"""The display agent as the keeper sees it: started, asked whether it answers, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from display_server.desktop.spec import DesktopSpec
from display_server.errors import DesktopError
from display_server.supervisor.children import Child, Children, describe_exit
from display_server.supervisor.x_server import XServer

AGENT = (sys.executable, "-m", "display_server.agent")
#: Before the next start, by how many agents in a row died young. The first is at once: somebody is watching.
BACKOFF_S = (0.0, 0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
#: An agent that lived this long had no trouble starting.
LIVED_S = 10.0
#: A desktop whose agent never answered is given up after so many agents.
ATTEMPTS_MAX = 5
#: An agent that takes longer to answer for the first time hangs.
ANSWER_TIMEOUT_S = 15.0
_POLL_S = 0.01
_QUESTION = b"GET /healthz HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n"


class AgentProcess:
    """One agent at a time. `changed` is called when its pid changed, `answered` when a new one answers."""

    def __init__(
        self,
        children: Children,
        spec: DesktopSpec,
        server: XServer,
        environment: Mapping[str, str],
        output: int,
        *,
        command: Sequence[str] = AGENT,
        changed: Callable[[], None],
        answered: Callable[[], None],
        tell: Callable[..., None],
    ) -> None:
        self._children = children
        self._spec = spec
        # One thread per core for matrices that nobody multiplies would cost memory and time to start.
        self._environment = {**environment, "OPENBLAS_NUM_THREADS": "1"}
        self._output = output
        self._argv = [
            *command,
            *("--folder", spec.folder),
            *("--display", server.display),
            *("--xauthority", str(server.xauthority)),
            *("--source", "fbdir" if server.child else "shm"),
        ]
        self._changed, self._answered, self._tell = changed, answered, tell
        self._ever_answered = False
        self.child: Child | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child and self.child.alive else None

    @property
    def answers(self) -> bool:
        """Whether one of them did."""
        return self._ever_answered

    async def keep(self) -> None:
        """Until cancelled. Raises DesktopError when no agent ever answers."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            self._spec.socket.unlink(missing_ok=True)  # of a killed one: it would be taken for the new one's
            started_s = loop.time()
            self.child = self._children.start("agent", self._argv, self._environment, output=self._output)
            self._changed()
            code = await self._live(self.child)
            lived_s = loop.time() - started_s
            self._changed()
            self._tell("agent ended", exit=describe_exit(code), lived_s=round(lived_s, 3))
            failures = 0 if lived_s > LIVED_S else failures + 1
            self.restarts += 1
            if not self._ever_answered and failures >= ATTEMPTS_MAX:
                raise DesktopError(f"The display agent does not start ({describe_exit(code)}).")

    async def _live(self, child: Child) -> int:
        answer = asyncio.create_task(self._until_answer(child))
        try:
            return await child.wait()
        finally:
            answer.cancel()

    async def _until_answer(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + ANSWER_TIMEOUT_S
        while not await answers(self._spec.socket):
            if loop.time() > deadline_s:
                self._tell("agent hangs", pid=child.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
                return
            await asyncio.sleep(_POLL_S)
        self._ever_answered = True
        self._answered()


async def answers(socket: Path) -> bool:
    """Whether an agent serves this socket and says that it is well."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(_QUESTION)
        async with asyncio.timeout(1.0):
            return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
