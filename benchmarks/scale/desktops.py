"""Desktops on this host, 1, 2, 4 …: one is clicked in a real browser, on the others people work."""

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
from benchmarks.content.stage import Stage
from benchmarks.driver.browser import chromium
from benchmarks.driver.meter import cpu_seconds
from benchmarks.peers.lightbox import Lightbox
from benchmarks.peers.processes import end
from benchmarks.peers.subject import Running, SubjectFailedError
from benchmarks.report.results import Results, Sample, quantile
from benchmarks.run import FAILURES, HEIGHT_PX, WIDTH_PX, note

ROOT = Path(__file__).parents[2]
#: A desktop on which a click takes longer than this for one in twenty is too slow to work on.
LIMIT_P95_MS = 100.0
#: The host keeps so much memory for itself.
SPARE_BYTES = 2 << 30
SETTLE_MS = 4000
READY_TIMEOUT_S = 30.0
END_TIMEOUT_S = 20.0


def desktops(most: int, effort: Effort, results: Results) -> None:
    """Doubles until `most`, the limit of latency, or the end of memory; a sample each, `desktops N`."""
    with ExitStack() as stack:
        running: list[Running] = []
        before: dict[str, float] = {}
        count = 1
        while count <= most:
            if psutil.virtual_memory().available < SPARE_BYTES:
                results.not_applicable[f"desktops {count}"] = "this host has not the memory"
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
    """What each desktop that was added costs, from the two measurements; nothing after the first."""
    if not before:
        return {}
    added = figures["desktops"] - before["desktops"]
    cores = figures["server_cores"] - before["server_cores"]
    return {"marginal_cores_per_desktop": cores / added}


def _measure(running: list[Running], effort: Effort, results: Results) -> dict[str, float]:
    measured, *others = running
    with (
        chromium() as browser,
        Stage(measured.display, measured.xauthority) as stage,
        _at_work(others) as viewers,
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
        outcome = click(Bench(measured, browser, surface, stage, effort))
        seconds = time.monotonic() - began
        spent = sum(sum(cpu_seconds(one).values()) for one in pids) - sum(spent_s)
        figures = {"desktops": float(len(running)), "server_cores": spent / seconds}
        for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95)):
            figures[name] = quantile(outcome.series["latency_ms"], share)
        if others:
            figures["server_cores_per_desktop"] = spent / seconds / len(others)
            if spent:
                figures["desktops_per_core"] = len(others) * seconds / spent
            figures["memory_mb_per_desktop"] = sum(map(memory_mb, pids)) / len(pids)
            figures["viewers_cores"] = (_cpu_s(viewers) - viewers_s) / seconds
    if viewers is not None:
        figures |= _seen(viewers)
    return figures


def memory_mb(pids: Mapping[str, list[int]]) -> float:
    """Of one desktop, in MB (10⁶ bytes): what processes share, as the framebuffer, counts once.

    Without the door, which all desktops of a host have together.
    """
    own = [pid for role, roots in pids.items() if role != "gateway" for pid in roots]
    return float(sum(psutil.Process(pid).memory_full_info().pss for pid in own)) / 1e6


def _cpu_s(process: subprocess.Popen[bytes] | None) -> float:
    return sum(psutil.Process(process.pid).cpu_times()[:2]) if process is not None else 0.0


@contextmanager
def _at_work(others: list[Running]) -> Iterator[subprocess.Popen[bytes] | None]:
    """Somebody types on each of these desktops, and somebody looks at it: yields the program that does."""
    if not others:
        yield None
        return
    with ExitStack() as stack:
        words = [word for one in others for word in (one.display, str(one.xauthority))]
        office = stack.enter_context(_program("office", words))
        line = _line(office, READY_TIMEOUT_S)
        if line != b"ready\n":
            raise SubjectFailedError("nobody works on the desktops: the office script did not start")
        yield stack.enter_context(_program("watchers", [str(one.agent_socket) for one in others]))


@contextmanager
def _program(module: str, words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """It ends when its standard input does."""
    command = [sys.executable, "-m", f"benchmarks.scale.{module}", *words]
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
    """The next one it prints; empty when it ends or is too late."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], timeout_s)
    return process.stdout.readline() if readable else b""


def _seen(viewers: subprocess.Popen[bytes]) -> dict[str, float]:
    """What the viewers saw, once they have ended. Raises SubjectFailedError when one of them failed."""
    line = _line(viewers, END_TIMEOUT_S)
    if viewers.returncode != 0 or not line:
        raise SubjectFailedError("a viewer of a desktop at work failed; its own words are above")
    counts: dict[str, int] = json.loads(line)
    if not counts.get("exact"):
        raise SubjectFailedError(f"no desktop at work was ever exact to its viewer: {counts}")
    return {"updates_seen": float(counts["updates"]), "unverified_seen": float(counts.get("unverified", 0))}
