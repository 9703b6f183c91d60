"""What all acceptance commands share: how they report a value and with which code they exit."""

from __future__ import annotations

import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from benchmarks.acceptance.commands import MISSED, REACHED
from benchmarks.acceptance.repeated import NOT_MEASURED
from benchmarks.report.registry import registered_bars, select_bars


def report(bar_id: str, value: float, *, also: bool = True) -> int:
    """Prints the value of a bar, and returns the exit code: whether the value is within the bar's bound.

    `also` is what the bar's title demands besides the value.
    """
    (bar,) = select_bars(registered_bars(), [bar_id])
    print(f"value: {value:.3f}", flush=True)
    return REACHED if bar.reached_by(value) and also else MISSED


def note(text: str) -> None:
    """Prints a line about a single run, at once."""
    print(text, flush=True)


def exit_with(main: Callable[[], int]) -> NoReturn:
    """Runs a command and exits with its code.

    An error means that nothing was measured, not that the bar was missed. SIGTERM ends the command like an
    error, so that it removes what it started.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        code = main()
    except Exception:
        traceback.print_exc()
        code = NOT_MEASURED
    sys.exit(code)


def run_program(
    words: Sequence[str], *, timeout_s: float | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Returns the standard output of a program. Raises RuntimeError with its last lines when it fails."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=env,
    )
    if done.returncode:
        output = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise RuntimeError(f"`{' '.join(words)}` ended with {done.returncode}:\n{output}")
    return done.stdout
