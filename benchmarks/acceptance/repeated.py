"""`python -m benchmarks.acceptance.repeated [OPTIONS] -- COMMAND …` runs a command under load or a time
limit.

Exits with 0 if every run passed, with 1 if a run failed or exceeded the limit, and with 2 if the conditions
could not be created. The last line is `value: N`, with the seconds of the slowest run if there is a limit,
otherwise with the number of runs that passed. A run that fails ends the series.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.acceptance.process_group import end_group

PASSED, FAILED, NOT_MEASURED = 0, 1, 2
#: Period of the CPU quota, µs.
QUOTA_PERIOD_US = 100_000
#: How long a run may take to end after SIGTERM, s.
END_TIMEOUT_S = 20.0
CGROUPS = Path("/sys/fs/cgroup")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.acceptance.repeated", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="consecutive runs that must pass")
    parser.add_argument("--limit-s", type=float, metavar="S", help="longest time of a run, s")
    parser.add_argument(
        "--busy-loops", type=int, default=0, help="processes that use a CPU core each meanwhile"
    )
    parser.add_argument("--cpu-quota", type=float, metavar="CORES", help="CPU quota of the command, in cores")
    parser.add_argument("words", nargs="+", metavar="COMMAND")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    options = arguments().parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as stack:
        procs = None
        if options.cpu_quota is not None:
            try:
                procs = stack.enter_context(cpu_quota(options.cpu_quota))
            except OSError as error:
                print(f"this host permits no CPU quota: {error}", file=sys.stderr)
                return NOT_MEASURED
        stack.enter_context(busy_loops(options.busy_loops))
        times_s: list[float] = []
        passed = 0
        for _ in range(options.times):
            code, took_s = run_once(options.words, options.limit_s, procs)
            times_s.append(took_s)
            if code != 0:
                break
            passed += 1
    print(f"value: {max(times_s):.1f}" if options.limit_s is not None else f"value: {passed}", flush=True)
    return PASSED if passed == options.times else FAILED


def run_once(words: Sequence[str], limit_s: float | None, procs: Path | None) -> tuple[int, float]:
    """Runs the command once. Returns its exit code, or 1 after the time limit, and the time it took, s.

    `procs` is the file `cgroup.procs` of the group in which the command runs.
    """

    def join_group() -> None:
        if procs is not None:
            procs.write_text(str(os.getpid()))

    began = time.monotonic()
    process = subprocess.Popen(words, start_new_session=True, preexec_fn=join_group)
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        code = FAILED
    finally:
        end_group(process, END_TIMEOUT_S)
    return code, time.monotonic() - began


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Runs processes that each use a whole CPU core."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@contextmanager
def cpu_quota(cores: float, root: Path = CGROUPS) -> Iterator[Path]:
    """Creates a control group with a CPU quota. Yields its file `cgroup.procs`. Raises OSError.

    Uses the hierarchy of version 2 where it has the CPU controller, otherwise that of version 1.
    """
    quota_us = round(cores * QUOTA_PERIOD_US)
    controllers = root / "cgroup.controllers"
    version_2 = controllers.is_file() and "cpu" in controllers.read_text().split()
    group = (root if version_2 else root / "cpu") / f"lightbox-acceptance-{os.getpid()}"
    group.mkdir()
    try:
        if version_2:
            (group / "cpu.max").write_text(f"{quota_us} {QUOTA_PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(QUOTA_PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        yield group / "cgroup.procs"
    finally:
        _remove_group(group)


def _remove_group(group: Path) -> None:
    """Removes a control group. The kernel refuses while a process of the group is still ending."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                print(f"{group} could not be removed", file=sys.stderr)
                return
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
