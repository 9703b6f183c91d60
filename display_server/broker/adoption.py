"""Compares what the database knows with what runs, when a server process starts. Pure.

A row says that a desktop ought to run, and a specification that one does run. Neither is trusted alone:

row   desktop   outcome
yes   yes       adopt: the person gets the same desktop again
yes   no        record: the desktop has ended while no server ran
no    yes       end: nobody could open the desktop, and no limit would apply to it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from display_server.broker.desktop_specs import place_user
from display_server.desktop.spec import DesktopSpec


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A row of the database whose session is live: starting or ready."""

    id: str
    username: str  # empty if the desktop belongs to nobody yet
    desktop: str
    created_s: float
    place: int | None = None  # in a pool
    definition: str = ""  # of the pool
    assigned_s: float | None = None  # when a desktop of a pool was given to its person

    @property
    def owners(self) -> set[str]:
        """Who may own the desktop for the launcher: its person, or its place if it is floating."""
        place = {place_user(self.place)} if self.place is not None else set()
        return place | ({self.username} if self.username else set())


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be done. Each session and each desktop is in exactly one of the lists."""

    adopt: tuple[DesktopSpec, ...]
    end: tuple[DesktopSpec, ...]
    record: tuple[RecordedSession, ...]  # as ended


def compare(rows: Iterable[RecordedSession], running: Iterable[DesktopSpec]) -> Comparison:
    """A session matches if its id, its owner and its desktop are the same.

    Nobody has two sessions of one desktop, and no place of a pool has two. Should there be several all the
    same, the newest one is adopted.
    """
    newest: dict[tuple[str, str], RecordedSession] = {}
    desktops = {spec.session: spec for spec in running}
    rows = list(rows)
    for row in rows:
        spec = desktops.get(row.id)
        if spec is None or spec.desktop != row.desktop or spec.user not in row.owners:
            continue
        key = spec.user, spec.desktop
        if key not in newest or row.created_s > newest[key].created_s:
            newest[key] = row
    adopted = {row.id for row in newest.values()}
    return Comparison(
        adopt=tuple(spec for spec in desktops.values() if spec.session in adopted),
        end=tuple(spec for spec in desktops.values() if spec.session not in adopted),
        record=tuple(row for row in rows if row.id not in adopted),
    )
