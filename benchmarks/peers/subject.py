"""The contract of a subject: a remote desktop that is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Page


class MissingPeerError(Exception):
    """The subject cannot run on this host. The text says what is missing and how to install it. The report
    lists the subject as missing."""


class SubjectFailedError(Exception):
    """Everything that the subject needs is installed, but it did not start. The report lists it as failed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running subject."""

    #: X display of the desktop, such as ":3".
    display: str
    xauthority: Path | None
    #: The public TCP port, at which bytes are counted.
    port: int
    #: Returns process ids by role; called at each measurement. A child process counts with its parent unless
    #: it has a role of its own.
    pids: Callable[[], Mapping[str, list[int]]]
    #: Takes a new page to the desktop, with the actions of a person.
    enter: Callable[[Page], None]
    #: Takes a new page to the point where one action opens the desktop, and returns that action. Used by the
    #: case "open-running".
    prepare_open: Callable[[Page], Callable[[], None]]
    #: Versions and settings for the report.
    facts: Mapping[str, str]
    #: Viewer socket of the agent behind the gateway, or None if the subject has none.
    agent_socket: Path | None = None
    #: Like `prepare_open`, for a desktop that has to be started first, or None if the subject cannot start
    #: one.
    prepare_cold_open: Callable[[Page], Callable[[], None]] | None = None


class Subject(Protocol):
    """Starts and stops one remote desktop. `name` is its name on the command line and in results."""

    name: str

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        """Starts a desktop of this size and returns when it is ready for a browser.

        The subject listens on address `host`. Browsers reach it by the host name `name`, which they treat as
        a secure context. Raises MissingPeerError if this host lacks something, and SubjectFailedError.
        """

    def stop(self) -> None:
        """Ends every process that `start` created. May be called twice."""
