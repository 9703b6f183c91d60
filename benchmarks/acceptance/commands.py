"""Measures bars that have a command: the exit code of the command is the verdict."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from benchmarks.acceptance.process_group import end_group
from benchmarks.report.bars import Bar, Verdict

ROOT = Path(__file__).parents[2]
#: Exit codes of a command whose bar is reached and missed. All others mean that it could not be measured.
REACHED, MISSED = 0, 1
#: A line by which a command reports its value; the last one counts.
_VALUE = re.compile(r"value: (-?\d+(?:\.\d+)?)\s*")
#: How long a command may take to end after SIGTERM, s.
END_TIMEOUT_S = 30.0


def judge_by_command(bar: Bar, root: Path = ROOT) -> Verdict:
    """Runs the command of a bar in the root of the tree. Its output goes to stderr while it runs."""
    if bar.command is None:
        return Verdict(bar, None, None, "no command measures it yet")
    missing = [name for name in bar.needs if not (root / name).is_file()]
    if missing:
        return Verdict(bar, None, None, f"needs {', '.join(missing)}")
    words = [sys.executable if word == "{python}" else word for word in shlex.split(bar.command)]
    try:
        code, value = _run(words, root)
    except OSError as error:
        return Verdict(bar, None, None, str(error))
    if code not in (REACHED, MISSED):
        return Verdict(bar, None, None, f"the command ended with {code}")
    return Verdict(bar, value, code == REACHED)


def _run(words: list[str], root: Path) -> tuple[int, float | None]:
    """Returns the exit code and the value that the command printed. Ends the command if this is
    interrupted."""
    process = subprocess.Popen(
        words,
        cwd=root,
        # `make` passes its own options on to a `make` that it starts indirectly; the command shall not see
        # them.
        env={name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS"}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    value = None
    try:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", file=sys.stderr, flush=True)
            if found := _VALUE.fullmatch(line):
                value = float(found[1])
        return process.wait(), value
    finally:
        end_group(process, END_TIMEOUT_S)
