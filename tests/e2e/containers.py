"""Finds the processes of an isolated desktop on this host, and starts programs in it."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import psutil

from display_server.spawner import layout
from display_server.spawner.runtime import Runtime, choose_runtime

#: A program of the person that runs on each desktop with a panel.
PANEL = "tint2"


def processes_in(pid: int) -> list[psutil.Process]:
    """Returns the processes in the PID namespace of a process, that process included."""
    namespace = Path(f"/proc/{pid}/ns/pid").readlink()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):  # it has ended
            if Path(f"/proc/{process.pid}/ns/pid").readlink() == namespace:
                found.append(process)
    return [process for process in found if process.is_running()]


def module_process(pid: int, module: str) -> psutil.Process:
    """Returns the process in the same PID namespace that runs a Python module."""
    for process in processes_in(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            if module in process.cmdline():
                return process
    raise AssertionError(f"no process runs {module}")


def start_as_person(desktop: Path, *command: str) -> None:
    """Starts a program in the container of a desktop, as its panel does. `desktop` is its folder."""
    runtime = Runtime(choose_runtime(), desktop.parents[1] / "runtime")
    init = runtime.init_pid(desktop.name)
    assert init is not None, "the desktop does not run"
    (panel,) = (process for process in processes_in(init) if process.name() == PANEL)
    environment = panel.environ()
    variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    person = ("--user", f"{layout.PERSON_ID}:{layout.PERSON_ID}", "--cwd", environment["HOME"])
    words = runtime.command("exec", "--detach", *person, *variables, desktop.name, *command)
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
