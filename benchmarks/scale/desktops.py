"""Runs 1, 2, 4 … desktops on this host. One is clicked in a real browser; simulated people work on the
others."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.cases.case import Bench, Effort
from benchmarks.cases.click import click
from benchmarks.content.player import ContentPlayer
from benchmarks.driver.browser import chromium
from benchmarks.driver.meter import cpu_seconds
from benchmarks.peers.lightbox import Lightbox
from benchmarks.peers.processes import end
from benchmarks.peers.subject import Running, SubjectFailedError
from benchmarks.report.results import Results, Sample, quantile
from benchmarks.run import FAILURES, HEIGHT_PX, WIDTH_PX, note

ROOT = Path(__file__).parents[2]
#: The run ends when the 95th percentile of click latency exceeds this, ms.
LIMIT_P95_MS = 100.0
#: The run ends when the host has less available memory than this, bytes.
SPARE_BYTES = 2 << 30
#: Time for a new desktop to settle, ms.
SETTLE_MS = 4000
#: How long the simulated people may take to start, s.
READY_TIMEOUT_S = 30.0
#: How long a program may take to end, s.
END_TIMEOUT_S = 20.0


def desktops(most: int, effort: Effort, results: Results) -> None:
    """Doubles the desktops up to `most`, and adds a sample `desktops N` each time.

    Ends early when clicks become too slow or memory runs out.
    """
    with ExitStack() as stack:
        running: list[Running] = []
        before: dict[str, float] = {}
        count = 1
        while count <= most:
            if psutil.virtual_memory().available < SPARE_BYTES:
                results.not_applicable[f"desktops {count}"] = "this host has too little memory"
                return
            try:
                while len(running) < count:
                    subject = Lightbox()
                    stack.callback(subject.stop)
                    running.append(subject.start(WIDTH_PX, HEIGHT_PX, "127.0.0.1", "127.0.0.1"))
                results.facts["lightbox"] = dict(running[0].facts)
                figures = _measure(running, effort, results)
            except FAILURES as error:
                results.failed[f"desktops {count}"] = str(error)
                note(f"{count} desktops FAILED: {error}")
                return
            figures |= marginal(before, figures)
            before = figures
            results.samples.append(Sample("lightbox", f"desktops {count}", 0, figures))
            note(f"{count} desktops: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
            if figures["p95_ms"] > LIMIT_P95_MS:
                return
            count *= 2


def marginal(before: Mapping[str, float], figures: Mapping[str, float]) -> dict[str, float]:
    """Computes the cost of each added desktop from two measurements. `before` is empty at the first one."""
    if not before:
        return {}
    added = figures["desktops"] - before["desktops"]
    cores = figures["server_cores"] - before["server_cores"]
    return {"marginal_cores_per_desktop": cores / added}


def _measure(running: list[Running], effort: Effort, results: Results) -> dict[str, float]:
    measured, *others = running
    with (
        chromium() as browser,
        ContentPlayer(measured.display, measured.xauthority) as player,
        _simulated_people(others) as viewers,
    ):
        results.machine["chromium"] = browser.version
        surface = browser.surface(WIDTH_PX, HEIGHT_PX)
        measured.enter(surface.page)
        surface.wait(WIDTH_PX, HEIGHT_PX)
        surface.page.wait_for_timeout(SETTLE_MS)
        pids = [one.pids() for one in others]
        spent_s = [sum(cpu_seconds(one).values()) for one in pids]
        viewers_s = _cpu_s(viewers)
        began = time.monotonic()
        outcome = click(Bench(measured, browser, surface, player, effort))
        seconds = time.monotonic() - began
        spent = sum(sum(cpu_seconds(one).values()) for one in pids) - sum(spent_s)
        figures = {"desktops": float(len(running)), "server_cores": spent / seconds}
        for name, probability in (("p50_ms", 0.5), ("p95_ms", 0.95)):
            figures[name] = quantile(outcome.series["latency_ms"], probability)
        if others:
            figures["server_cores_per_desktop"] = spent / seconds / len(others)
            if spent:
                figures["desktops_per_core"] = len(others) * seconds / spent
            figures["memory_mb_per_desktop"] = sum(map(memory_mb, pids)) / len(pids)
            figures["viewers_cores"] = (_cpu_s(viewers) - viewers_s) / seconds
    if viewers is not None:
        figures |= _viewer_figures(viewers)
    return figures


def memory_mb(pids: Mapping[str, list[int]]) -> float:
    """Returns the memory of one desktop in MB (10⁶ bytes). Shared memory, such as the framebuffer, counts
    once.

    The gateway is left out, because all desktops of a host use the same one.
    """
    own = [pid for role, roots in pids.items() if role != "gateway" for pid in roots]
    return float(sum(psutil.Process(pid).memory_full_info().pss for pid in own)) / 1e6


def _cpu_s(process: subprocess.Popen[bytes] | None) -> float:
    return sum(psutil.Process(process.pid).cpu_times()[:2]) if process is not None else 0.0


@contextmanager
def _simulated_people(others: list[Running]) -> Iterator[subprocess.Popen[bytes] | None]:
    """Runs a simulated person and a viewer on each of these desktops. Yields the program of the viewers."""
    if not others:
        yield None
        return
    with ExitStack() as stack:
        arguments = [argument for one in others for argument in (one.display, str(one.xauthority))]
        office = stack.enter_context(_program("office", arguments))
        line = _line(office, READY_TIMEOUT_S)
        if line != b"ready\n":
            raise SubjectFailedError("the simulated people (benchmarks.scale.office) did not start")
        yield stack.enter_context(_program("watchers", [str(one.agent_socket) for one in others]))


@contextmanager
def _program(module: str, arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a module of this package. The module ends when its stdin is closed."""
    command = [sys.executable, "-m", f"benchmarks.scale.{module}", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            end(process)


def _line(process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    """Returns the next line that the process prints, or b"" if it ends or the time is over."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], timeout_s)
    return process.stdout.readline() if readable else b""


def _viewer_figures(viewers: subprocess.Popen[bytes]) -> dict[str, float]:
    """Returns the figures of the viewers, which have ended. Raises SubjectFailedError if one of them
    failed."""
    line = _line(viewers, END_TIMEOUT_S)
    if viewers.returncode != 0 or not line:
        raise SubjectFailedError("a viewer of another desktop failed; its error is above")
    counts: dict[str, int] = json.loads(line)
    if not counts.get("exact"):
        raise SubjectFailedError(f"no viewer of another desktop ever reported it as exact: {counts}")
    return {"updates_seen": float(counts["updates"]), "unverified_seen": float(counts.get("unverified", 0))}
