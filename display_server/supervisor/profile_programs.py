"""Runs a profile's programs on an X server: starts them in order and restarts them as the profile says."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping

from display_server.desktop.profiles.profile import Profile, Program, Restart, substitute
from display_server.desktop.session_processes import describe_exit
from display_server.desktop.x11.text_scale import TextScaleWatch
from display_server.errors import DesktopError, Malfunction
from display_server.supervisor.children import PROGRAM_NICENESS, PROGRAM_OOM_SCORE, Child, Children, ExitCode
from display_server.supervisor.home import Home
from display_server.supervisor.places import Places
from display_server.supervisor.supervisor_log import LogEvent

#: Delay before the first restart of a program, s. It doubles with each restart.
BACKOFF_FIRST_S = 0.25
#: The longest delay before a restart, s.
BACKOFF_MAX_S = 30.0
#: A program that ran longer than this is restarted after the first delay again, s.
STABLE_AFTER_S = 20.0
#: How long the other programs wait for the window manager, s; then they start without it.
WINDOW_MANAGER_TIMEOUT_S = 3.0
#: How long a program that was started gets to install its signal handlers, s.
SIGNAL_AFTER_S = 2.0
_POLL_S = 0.02


class ProfilePrograms:
    """The programs of one desktop.

    Settings files that depend on the text size are written again whenever it changes. Cancelling `run` stops
    restarts, but the supervisor has to terminate the processes.
    """

    def __init__(
        self,
        children: Children,
        profile: Profile,
        places: Places,
        home: Home,
        environment: Mapping[str, str],
        log: LogEvent,
        window_manager_ready: Callable[[], bool],
        text_scale: TextScaleWatch,
    ) -> None:
        self._children = children
        self._profile = profile
        self._places = places
        self._home = home
        additions = {name: substitute(value, places.home) for name, value in profile.environment.items()}
        self._environment = {**environment, **additions}
        self._log = log
        self._window_manager_ready = window_manager_ready
        self._text_scale = text_scale
        self._text_percent = 100
        self._commands: Mapping[str, list[str]] = {}
        self._output = -1  # the descriptor of the programs' log
        #: The programs that are signalled when the text size changes, by name: signal, process, start in s.
        self._signalled: dict[str, tuple[str, Child, float]] = {}

    async def run(self) -> None:
        """Runs until all programs ended for good.

        A program that is missing or fails is only logged: the rest of the desktop remains useful. Programs
        that an earlier supervisor started go on.
        """
        is_new = not any(self._children.record.find(_name(program)) for program in self._profile.programs)
        answer, self._output = await self._home.prepare(whole=is_new)
        self._commands = answer.commands
        try:
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow_text_scale())
                await self._run_programs()
                following.cancel()
        finally:
            os.close(self._output)

    async def _run_programs(self) -> None:
        async with asyncio.TaskGroup() as group:
            for program in self._profile.programs:
                if program.window_manager:
                    await self._wait_for_window_manager(group.create_task(self._run_program(program)))
            for program in self._profile.programs:
                if not program.window_manager and not program.on_demand:
                    group.create_task(self._run_program(program))

    async def _follow_text_scale(self) -> None:
        """Lets window manager and panel follow the text size. Runs until it is cancelled."""
        try:
            self._text_scale.open()
            while True:
                percent = await self._text_scale.read()
                if percent != self._text_percent:
                    self._text_percent = percent
                    _, log = await self._home.prepare(whole=False, text_percent=percent)
                    os.close(log)
                    await self._signal_programs()
                await self._text_scale.wait_for_change()
        except (Malfunction, OSError) as error:  # the X server has ended, or the home cannot be written
            self._log("text size not followed", error=str(error))

    async def _signal_programs(self) -> None:
        loop = asyncio.get_running_loop()
        for name, child, started_s in list(self._signalled.values()):
            await asyncio.sleep(started_s + SIGNAL_AFTER_S - loop.time())
            if child.alive:
                os.kill(child.pid, signal.Signals[name])

    async def _wait_for_window_manager(self, program: asyncio.Task[None]) -> None:
        """Waits until the window manager is ready, its program ended, or the timeout passed."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + WINDOW_MANAGER_TIMEOUT_S
        while not program.done() and not self._window_manager_ready():
            if loop.time() > deadline_s:
                self._log("window manager not ready", timeout_s=WINDOW_MANAGER_TIMEOUT_S)
                return
            await asyncio.sleep(_POLL_S)

    async def _run_program(self, program: Program) -> None:
        """Runs one program, with restarts, until it ends for good."""
        command = self._commands[program.name]
        if shutil.which(command[0], path=self._environment["PATH"]) is None:
            self._log("program missing", program=program.name, hint=f"apt-get install {program.package}")
            return
        backoff_s = BACKOFF_FIRST_S
        loop = asyncio.get_running_loop()
        was_started = self._children.record.find(_name(program)) is not None
        if not was_started:
            await asyncio.sleep(program.delay_s)
        while True:
            started_s = loop.time()
            child = self._children.adopt(_name(program))  # from a supervisor that was killed
            code = None
            if child is None and not was_started:
                child = self._start(program, command)
                if child is None:
                    return
            if child is not None:
                if program.text_size_signal is not None:
                    self._signalled[program.name] = program.text_size_signal, child, started_s
                code = await child.wait()
            was_started = False
            self._log("program exited", program=program.name, exit=describe_exit(code))
            if not _restarts(program.restart, code):
                return
            if loop.time() - started_s > STABLE_AFTER_S:
                backoff_s = BACKOFF_FIRST_S
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    def _start(self, program: Program, command: list[str]) -> Child | None:
        try:
            return self._children.start(
                _name(program),
                command,
                {**self._environment, **program.environment},
                output=self._output,
                folder=self._places.home,
                oom_score=PROGRAM_OOM_SCORE,
                identity=self._places.person,
                # Elsewhere the niceness would count against all processes of the host.
                niceness=PROGRAM_NICENESS if self._places.person else 0,
            )
        except DesktopError as error:
            self._log("program failed", program=program.name, error=str(error))
            return None


def _name(program: Program) -> str:
    """Returns the program's name in the record of processes."""
    return f"program {program.name}"


def _restarts(restart: Restart, code: ExitCode) -> bool:
    """Returns whether a program starts again. Nobody knows whether an unknown exit code was a failure."""
    return restart is Restart.ALWAYS or (restart is Restart.ON_FAILURE and code not in (0, None))
