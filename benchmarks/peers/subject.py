"""The contract of everything that is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Page


class MissingPeerError(Exception):
    """The subject cannot run on this host; the text says what is missing and how to get it. It is reported
    as missing."""


class SubjectFailedError(Exception):
    """Everything it needs is there, and it did not start. Reported as failed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A subject that is up."""

    display: str
    xauthority: Path | None
    #: Its one public TCP port, where bytes are counted.
    port: int
    #: Processes by role, asked for at each measurement. Children count with their parent unless they have a
    #: role.
    pids: Callable[[], Mapping[str, list[int]]]
    #: Brings a fresh page to the surface, by what a person would do.
    enter: Callable[[Page], None]
    #: Brings a fresh page to where one action opens the desktop, and returns that action. The start of
    #: "open".
    doorstep: Callable[[Page], Callable[[], None]]
    #: Versions and settings that belong into the report.
    facts: Mapping[str, str]
    #: The viewer endpoint of the display agent behind the public door, where the subject has one.
    agent_socket: Path | None = None
    #: Like `doorstep`, for a desktop that has to be started first; None where the subject cannot start one
    #: by itself.
    cold_doorstep: Callable[[Page], Callable[[], None]] | None = None


class Subject(Protocol):
    """Starts and stops one remote desktop."""

    name: str

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        """Listens on the address `host`; browsers reach it as `name`, which they trust like 127.0.0.1.

        Returns when it is ready for a browser. Raises MissingPeerError when this host lacks something.
        """

    def stop(self) -> None:
        """Ends every process it started. Safe to call twice."""
