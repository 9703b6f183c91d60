"""A session that runs or is about to run, as the broker's process keeps it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import NOWHERE, Origin
from display_server.broker.launchers.launcher import RunningDesktop
from display_server.broker.session_state import LIVE, EndedBy, SessionState
from display_server.broker.storage_failures import StorageError
from display_server.desktop.spec import DesktopSpec


@dataclass(frozen=True, slots=True)
class PoolPlace:
    """The place of a desktop in a pool."""

    number: int
    definition: str  # identifies the definition of the pool that started the desktop


class LiveSession:
    """A session that is starting or ready. `state` changes only as the table in `session_state` allows.

    `username` is the person whose desktop it is. A desktop of a floating pool has none until it is assigned,
    and keeps the one that it gets then. One of a dedicated pool may start ahead of its person: then it is not
    `opened` yet.
    """

    def __init__(
        self,
        spec: DesktopSpec,
        *,
        username: str | None,
        created_s: float,
        place: PoolPlace | None = None,
        adopted: bool = False,
        opened: bool = True,
        origin: Origin = NOWHERE,
    ) -> None:
        self.spec = spec
        self.username = username
        self.created_s = created_s  # since the epoch
        self.assigned_s: float | None = None  # when a desktop of a pool was given to its person
        self.place = place  # None: the desktop belongs to no pool
        self.opened = opened and username is not None  # its person may have worked there
        self.adopted = adopted  # an earlier server process has started the desktop
        self.origin = origin  # where the person opened the desktop
        self.ended_for: Actor | None = None  # who had it ended, if it was an operator or an administrator
        self.storage_error: StorageError | None = None  # why it did not start: nobody could record it
        self.left_running = False  # this process ends, and the desktop goes on
        self.state = SessionState.STARTING
        self.error: str | None = None
        self.start_finished = asyncio.Event()  # set when the session is no longer STARTING
        self.assignment_finished = asyncio.Event()  # set when the store knows the person, or the session ends
        if username is not None:
            self.assignment_finished.set()
        self.stopping = False  # the desktop is over or being ended, and its remains are being removed
        self.ended_by = EndedBy.ITSELF  # applies once the session is stopping
        self.cleaning_up = False  # `task` has reached its last part, which must not be interrupted
        self.stopped = asyncio.Event()  # set when the remains have been removed
        self.task: asyncio.Task[None] | None = None
        self.running: RunningDesktop | None = None

    @property
    def id(self) -> str:
        return self.spec.session

    @property
    def since_s(self) -> float:
        """Since when the person has the desktop, since the epoch."""
        return self.created_s if self.assigned_s is None else self.assigned_s

    @property
    def over(self) -> bool:
        """Whether the desktop has ended, or is being ended."""
        return self.stopping or self.state not in LIVE

    def cancel(self) -> None:
        """Interrupts the task that runs the session, unless it is cleaning up already."""
        if self.task is not None and not self.cleaning_up:
            self.task.cancel()
