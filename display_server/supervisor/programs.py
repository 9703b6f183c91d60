"""A profile's programs on a running X server: started in order, and again as the profile says."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from display_server.desktop.profiles import studies
from display_server.desktop.profiles.profile import (
    FOLDER,
    Profile,
    Program,
    Restart,
    expand,
    fill,
    placed_files,
)
from display_server.desktop.spec import DesktopSpec
from display_server.errors import DesktopError
from display_server.supervisor.children import PROGRAM_OOM_SCORE, Children, describe_exit

#: Between an end and the next start: doubles from the first to the last.
RESTART_FIRST_S, RESTART_LAST_S = 0.25, 30.0
#: A program that ran this long starts from the first delay again.
RESTART_FORGET_S = 20.0
#: The others start without the window manager if it is not there by then.
WINDOW_MANAGER_TIMEOUT_S = 3.0
_POLL_S = 0.02

#: What is told of programs, with fields: (event, fields).
Tell = Callable[..., None]


class Programs:
    """Runs until cancelled; the processes themselves are the keeper's to end."""

    def __init__(
        self,
        children: Children,
        profile: Profile,
        spec: DesktopSpec,
        environment: Mapping[str, str],
        output: int,
        tell: Tell,
        window_manager_ready: Callable[[], bool],
    ) -> None:
        self._children = children
        self._profile = profile
        self._home = Path(spec.home)
        own = {name: fill(value, self._home) for name, value in profile.environment.items()}
        self._environment = {**environment, **own}
        self._output = output
        self._tell = tell
        self._window_manager_ready = window_manager_ready

    async def run(self) -> None:
        """Raises nothing but cancellation: a desktop with one program less is still a desktop."""
        self._lay_out_home()
        async with asyncio.TaskGroup() as group:
            for program in self._profile.programs:
                if program.window_manager:
                    await self._window_manager(group.create_task(self._keep(program)))
            for program in self._profile.programs:
                if not program.window_manager:
                    group.create_task(self._keep(program))

    def _lay_out_home(self) -> None:
        for folder in self._profile.folders:
            (self._home / folder).mkdir(parents=True, exist_ok=True)
        for placed in placed_files(self._profile):
            target = self._home / placed.target
            try:
                if not (placed.keep and target.exists()):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(fill((FOLDER / placed.source).read_text("utf-8"), self._home), "utf-8")
            except OSError as error:
                self._tell("settings not written", file=str(target), error=str(error))
        if self._profile.studies:
            try:
                studies.lay_out(self._home)
            except (OSError, DesktopError) as error:
                self._tell("sample studies missing", error=str(error))

    async def _window_manager(self, life: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + WINDOW_MANAGER_TIMEOUT_S
        while not life.done() and not self._window_manager_ready():
            if loop.time() > deadline_s:
                self._tell("window manager is late")
                return
            await asyncio.sleep(_POLL_S)

    async def _keep(self, program: Program) -> None:
        command = expand(program.command, self._home)
        if shutil.which(command[0], path=self._environment["PATH"]) is None:
            self._tell("program missing", program=program.name, cure=f"apt-get install {program.package}")
            return
        delay_s = RESTART_FIRST_S
        loop = asyncio.get_running_loop()
        await asyncio.sleep(program.delay_s)
        while True:
            started_s = loop.time()
            try:
                child = self._children.start(
                    program.name,
                    command,
                    {**self._environment, **program.environment},
                    output=self._output,
                    folder=self._home,
                    oom_score=PROGRAM_OOM_SCORE,
                )
            except DesktopError as error:
                self._tell("program failed", program=program.name, error=str(error))
                return
            code = await child.wait()
            self._tell("program ended", program=program.name, exit=describe_exit(code))
            if program.restart is Restart.NEVER or (program.restart is Restart.ON_FAILURE and code == 0):
                return
            if loop.time() - started_s > RESTART_FORGET_S:
                delay_s = RESTART_FIRST_S
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RESTART_LAST_S)
