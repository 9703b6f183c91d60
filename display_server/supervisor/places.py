"""As whom the processes of a desktop run, and where their files are.

Outside of a container all of them run as the user who started Lightbox, and all files are in the desktop's
folder. In a container X server and agent run as one user and the person's programs as another one, who may
not enter that folder. The supervisor is the container's root, which has no capability that opens other
users' files; it therefore never reads or writes in the person's home.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from display_server.desktop.session_processes import session_processes
from display_server.desktop.spec import DesktopSpec
from display_server.spawner import layout
from display_server.supervisor.children import Identity, everything_in_the_container


@dataclass(frozen=True, slots=True)
class Places:
    """The users and files of one desktop. The identities are None outside of a container."""

    person: Identity | None  # runs the programs
    display: Identity | None  # runs X server and agent
    home: Path
    runtime: Path  # XDG_RUNTIME_DIR of the programs
    bus: Path  # the socket of the session bus
    authority: Path  # the X authority file of X server and agent
    program_authority: Path  # that of the programs
    #: Mode of the files that X server and agent read.
    display_file_mode: int
    #: Returns the pids of processes of this desktop that the supervisor cannot know from its records.
    others: Callable[[], set[int]]


def places_of(spec: DesktopSpec) -> Places:
    folder, home = Path(spec.folder), Path(spec.home)
    if spec.isolated:
        runtime = Path(layout.RUNTIME_FOLDER)
        return Places(
            person=Identity(layout.PERSON_ID, layout.PERSON_ID),
            display=Identity(layout.DISPLAY_ID, layout.DISPLAY_ID),
            home=home,
            runtime=runtime,
            bus=runtime / "bus",
            authority=folder / "xauthority",
            program_authority=Path(layout.PROGRAM_AUTHORITY),
            display_file_mode=0o640,
            others=everything_in_the_container,
        )
    return Places(
        person=None,
        display=None,
        home=home,
        runtime=folder / "runtime",
        bus=folder / "bus",
        authority=folder / "xauthority",
        program_authority=folder / "xauthority",
        display_file_mode=0o600,
        others=lambda: set(session_processes(spec.session)),
    )
