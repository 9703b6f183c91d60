"""Prepares the person's home: folders, settings files, sample studies, and the log of the programs.

Whatever is in a home was put there by the person, and may be a symbolic link to anywhere. In a container this
module therefore runs as a process of the person, never as root: `python -m
display_server.supervisor.home_setup JOB`. It answers on the socket that the job names with one message.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from display_server.desktop.profiles import profile, studies
from display_server.desktop.profiles.folders import source_file
from display_server.errors import DesktopError

#: Longest answer, bytes.
ANSWER_MAX_BYTES = 256 * 1024
#: Folders that every home has, for programs that expect them.
_FOLDERS = (".config", ".cache", ".local/share")


class HomeJob(msgspec.Struct, frozen=True):
    """What to prepare. `whole` is false when only the settings have to follow a new text size."""

    home: str
    profile: str
    text_percent: int = 100
    whole: bool = True
    #: Further folders to create, absolute.
    folders: tuple[str, ...] = ()
    #: The socket for the answer. None calls `prepare` in this process.
    answer: int | None = None


class Problem(msgspec.Struct, frozen=True):
    """Something that could not be prepared, for the supervisor's log."""

    event: str
    fields: dict[str, str]


class HomeAnswer(msgspec.Struct, frozen=True):
    """The result: the commands of the programs, in which files of the home replace patterns."""

    commands: dict[str, list[str]] = {}
    problems: list[Problem] = []


def prepare(job: HomeJob) -> HomeAnswer:
    """Raises OSError when the home itself cannot be used."""
    home, desktop_profile = Path(job.home), profile.load(job.profile)
    problems: list[Problem] = []
    if job.whole:
        for folder in (home, *(home / name for name in _FOLDERS), *map(Path, job.folders)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in desktop_profile.folders:
            (home / name).mkdir(parents=True, exist_ok=True)
    _write_settings(desktop_profile, profile.folder_of(job.profile), home, job.text_percent, problems)
    if job.whole and desktop_profile.studies:
        try:
            studies.copy_studies(home)
        except (OSError, DesktopError) as error:
            problems.append(Problem("sample studies missing", {"error": str(error)}))
    commands = {
        program.name: profile.expand_command(program.command, home) for program in desktop_profile.programs
    }
    return HomeAnswer(commands, problems)


def open_program_log(home: Path, *, truncate: bool) -> int:
    """Opens the log of the programs' output and returns the descriptor.

    It lies in the person's home and not beside the supervisor's log, because the output may contain
    patient data.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if truncate else 0)
    return os.open(home / ".programs.log", flags, 0o600)


def _write_settings(
    desktop_profile: profile.Profile, folder: Path, home: Path, text_percent: int, problems: list[Problem]
) -> None:
    for file in profile.home_files(desktop_profile, folder):
        target = home / file.target
        try:
            if not (file.keep and target.exists()):
                target.parent.mkdir(parents=True, exist_ok=True)
                content = source_file(folder, file.source).read_text("utf-8")
                target.write_text(profile.substitute(content, home, text_percent), "utf-8")
        except OSError as error:
            problems.append(Problem("settings not written", {"file": str(target), "error": str(error)}))


def main(arguments: list[str]) -> int:
    job = msgspec.json.decode(arguments[0], type=HomeJob)
    assert job.answer is not None
    with socket.socket(fileno=job.answer) as connection:
        answer = prepare(job)
        log = open_program_log(Path(job.home), truncate=job.whole)
        encoded: Any = msgspec.json.encode(answer)
        socket.send_fds(connection, [encoded], [log])
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
