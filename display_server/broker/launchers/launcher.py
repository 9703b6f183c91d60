"""The contract of everything that can start desktops.

start(spec) ─► RunningDesktop ─► wait() … stop()

The desktops of a LastingLauncher outlive the process that started them, and the next process adopts them:

start(spec) ─► LastingDesktop ─► release() ┄┄ running() ─► adopt(spec) ─► LastingDesktop ─► wait() … stop()
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from display_server.desktop.spec import DesktopSpec, DesktopStatus

#: Told to the person when a desktop ended before it was ready and nobody gave a reason.
ENDED_EARLY = (
    "The desktop ended while it was starting. Try again. If it happens again, the administrator finds the "
    "reason in the log of this desktop."
)


class RunningDesktop(Protocol):
    """A desktop that was ready when `Launcher.start` returned it."""

    @property
    def isolated(self) -> bool:
        """Whether the desktop runs in a container, so that the pids of its status are those inside."""

    async def wait(self) -> str | None:
        """Returns when the desktop is over.

        - It ended by itself, or `stop` was called: returns None.
        - It failed (for example because its X server crashed): returns a sentence for the person who used it.
        - It is over already: returns the same result again, at once.

        Any number of callers may wait at the same time. Cancelling one of them affects neither the desktop
        nor the other callers.
        """

    async def stop(self) -> None:
        """Ends every process of the desktop and removes its folder, but not the person's home.

        - The desktop runs: returns when all of its processes have ended; they are killed if they do not
          terminate in time.
        - It has ended or failed already: only removes the folder.
        - It is being stopped, or was stopped before: does nothing more.

        Never raises because of what the desktop does.
        """

    async def restart_display(self) -> None:
        """Kills the display agent, which may hang. The supervisor starts another; programs go on running."""

    def status(self) -> DesktopStatus | None:
        """Returns the latest status that the supervisor published; None if the launcher knows none."""


@runtime_checkable
class LastingDesktop(RunningDesktop, Protocol):
    """A desktop that goes on when nobody follows it."""

    async def release(self) -> None:
        """Stops following the desktop, which goes on running. Nothing else is called afterwards."""


class Launcher(Protocol):
    """Starts desktops. Each desktop ends with the process that started it, even if that process is killed,
    unless the launcher is a LastingLauncher.
    """

    async def start(self, spec: DesktopSpec) -> RunningDesktop:
        """Creates the folder `spec.folder`, starts the desktop and returns once it can be viewed.

        - The desktop becomes ready: returns it.
        - It cannot start (a program is missing, the profile is unknown, the folder exists, the X server or
          the agent fails): raises DesktopError, whose text tells the person the cause.
        - The call is cancelled: ends what has been started so far, then raises CancelledError.

        In the last two cases neither a process nor the folder is left behind. The launcher sets no deadline
        of its own: the caller cancels a start that takes too long.
        """


@runtime_checkable
class LastingLauncher(Launcher, Protocol):
    """Starts desktops that go on when this process ends, whether it is killed or not."""

    async def start(self, spec: DesktopSpec) -> LastingDesktop:
        """Does what Launcher.start does."""

    async def running(self) -> list[DesktopSpec]:
        """Returns the desktops that run, no matter which process started them.

        Each one is proven to be the same that was started with this specification. What is left of desktops
        that have ended is removed. Raises DesktopError when this cannot be found out.
        """

    async def adopt(self, spec: DesktopSpec) -> LastingDesktop:
        """Follows a desktop that `running` has returned, and returns it once it can be viewed.

        - It is ready, or becomes ready: returns it.
        - It has failed meanwhile: removes it and raises DesktopError, as `start` does.
        - The call is cancelled: raises CancelledError. The desktop goes on; `remove` ends it.
        """

    async def remove(self, session: str) -> None:
        """Ends a desktop that nobody follows, at once. Does nothing if there is none.

        Raises DesktopError when the desktop may go on running.
        """
