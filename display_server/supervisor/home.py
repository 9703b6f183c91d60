"""The supervisor's side of `home_setup`: prepares the home here, or in a process of the person."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

import msgspec

from display_server.errors import DesktopError
from display_server.supervisor.children import Children
from display_server.supervisor.home_setup import (
    ANSWER_MAX_BYTES,
    HomeAnswer,
    HomeJob,
    open_program_log,
    prepare,
)
from display_server.supervisor.places import Places
from display_server.supervisor.supervisor_log import IF_IT_HAPPENS_AGAIN, LogEvent

_COMMAND = (sys.executable, "-I", "-m", "display_server.supervisor.home_setup")


class Home:
    """The home of one desktop. `output` is where the process of the person prints what goes wrong."""

    def __init__(
        self,
        children: Children,
        places: Places,
        profile: str,
        environment: Mapping[str, str],
        output: int,
        log: LogEvent,
    ) -> None:
        self._children = children
        self._places = places
        self._profile = profile
        self._environment = environment
        self._output = output
        self._log = log

    async def prepare(self, *, whole: bool, text_percent: int = 100) -> tuple[HomeAnswer, int]:
        """Returns the answer and the open log of the programs, which the caller closes.

        `whole` is false when a desktop goes on that was prepared before. Raises DesktopError and OSError.
        """
        job = HomeJob(
            home=str(self._places.home),
            profile=self._profile,
            text_percent=text_percent,
            whole=whole,
            folders=(str(self._places.runtime),),
        )
        if self._places.person is None:
            answer = prepare(job)
            descriptor = open_program_log(self._places.home, truncate=whole)
        else:
            answer, descriptor = await self._prepare_as_person(job)
        for problem in answer.problems:
            self._log(problem.event, **problem.fields)
        return answer, descriptor

    async def _prepare_as_person(self, job: HomeJob) -> tuple[HomeAnswer, int]:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                job = msgspec.structs.replace(job, answer=theirs.fileno())
                child = self._children.start(
                    "home setup",
                    [*_COMMAND, msgspec.json.encode(job).decode()],
                    self._environment,
                    output=self._output,
                    pass_fds=[theirs.fileno()],
                    identity=self._places.person,
                )
            await child.wait()
            return _receive(ours)


def _receive(connection: socket.socket) -> tuple[HomeAnswer, int]:
    """Returns what a process that has ended sent. Whatever it sent is checked: it belongs to the person."""
    connection.setblocking(False)
    try:
        message, descriptors, _, _ = socket.recv_fds(connection, ANSWER_MAX_BYTES, 1)
        answer = msgspec.json.decode(message, type=HomeAnswer)
    except (BlockingIOError, msgspec.MsgspecError) as error:
        raise _unprepared() from error
    if len(descriptors) != 1:
        raise _unprepared()
    os.set_inheritable(descriptors[0], False)
    return answer, descriptors[0]


def _unprepared() -> DesktopError:
    return DesktopError(
        "The person's home could not be prepared.",
        next_step=f"The administrator has to check the free space of the homes. {IF_IT_HAPPENS_AGAIN}",
    )
