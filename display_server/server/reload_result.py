"""What a reload has changed, which the server writes and `lightbox reload` reads."""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from display_server.desktop.spec import write_private

log = structlog.get_logger(__name__)

#: The file of the run folder with the result of the latest reload, which `lightbox reload` reads.
RESULT_FILE = "reload.json"


class ReloadResult(msgspec.Struct, frozen=True):
    """The outcome of a reload. `serial` counts the reloads of a process from 1."""

    serial: int
    applied: list[str] = []  # changed keys that are in force now
    need_restart: list[str] = []  # changed keys that need a restart
    certificate_changed: bool = False
    #: Why the new configuration was refused, and the next step. The previous one is still in force then.
    cause: str | None = None
    next_step: str = ""


def write_result(run_folder: Path, result: ReloadResult) -> None:
    """Writes the result for `lightbox reload`. A failure is only logged: the reload itself has happened."""
    try:
        write_private(run_folder / RESULT_FILE, msgspec.json.encode(result))
    except OSError as error:
        log.warning("result of the reload not written", error=error.strerror)


def read_result(run_folder: Path) -> ReloadResult | None:
    """Returns the result of the latest reload of a server, or None if there was none yet."""
    try:
        return msgspec.json.decode((run_folder / RESULT_FILE).read_bytes(), type=ReloadResult)
    except FileNotFoundError:
        return None
