"""Finds the programs of a desktop among the processes of the host."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.x_desktop.display import XDisplay


def process_on(display: XDisplay, name: str) -> Path:
    """Finds a program of the desktop by an argument of its command. Returns its folder in /proc."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().split("\0")
            environment = environment_of(process)
        except (OSError, UnicodeDecodeError):
            continue  # the process ended or belongs to another user
        expected = display.environment  # display numbers are reused, so the authority is compared too
        here = all(environment.get(part) == expected.get(part) for part in ("DISPLAY", "XAUTHORITY"))
        if here and name in command:
            return process
    raise AssertionError(f"no {name} on {display.name}")


def environment_of(process: Path) -> dict[str, str]:
    """Returns the environment with which a process was started. Raises OSError."""
    pairs = [line.partition("=") for line in (process / "environ").read_text().split("\0")]
    return {name: value for name, _, value in pairs if name}
