"""Desktops on this host, 1, 2, 4 …: one is clicked in a real browser, on the others people work."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.cases.case import Bench, Effort
from benchmarks.cases.click import click
from benchmarks.content.stage import Stage
from benchmarks.driver.browser import chromium
from benchmarks.driver.meter import cpu_seconds, memory_mb
from benchmarks.peers.lightbox import Lightbox
from benchmarks.peers.subject import Running
from benchmarks.report.results import Results, Sample, quantile
from benchmarks.run import HEIGHT_PX, WIDTH_PX, note

ROOT = Path(__file__).parents[2]
#: A desktop on which a click takes longer than this for one in twenty is too slow to work on.
LIMIT_P95_MS = 100.0
#: The host keeps so much memory for itself.
SPARE_BYTES = 2 << 30
SETTLE_MS = 4000


def desktops(most: int, effort: Effort, results: Results) -> None:
    """Doubles until `most`, the limit of latency, or the end of memory; a sample each, `desktops N`."""
    with ExitStack() as stack:
        running: list[Running] = []
        count = 1
        while count <= most:
            if psutil.virtual_memory().available < SPARE_BYTES:
                results.not_applicable[f"desktops {count}"] = "this host has not the memory"
                return
            while len(running) < count:
                subject = Lightbox()
                stack.callback(subject.stop)
                running.append(subject.start(WIDTH_PX, HEIGHT_PX, "127.0.0.1", "127.0.0.1"))
            results.facts["lightbox"] = dict(running[0].facts)
            figures = _measure(running, effort, results)
            results.samples.append(Sample("lightbox", f"desktops {count}", 0, figures))
            note(f"{count} desktops: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
            if figures["p95_ms"] > LIMIT_P95_MS:
                return
            count *= 2


def _measure(running: list[Running], effort: Effort, results: Results) -> dict[str, float]:
    measured, *others = running
    with (
        chromium() as browser,
        Stage(measured.display, measured.xauthority) as stage,
        _at_work(others),
    ):
        results.machine["chromium"] = browser.version
        surface = browser.surface(WIDTH_PX, HEIGHT_PX)
        measured.enter(surface.page)
        surface.wait(WIDTH_PX, HEIGHT_PX)
        surface.page.wait_for_timeout(SETTLE_MS)
        pids = [one.pids() for one in others]
        before = sum(sum(cpu_seconds(one).values()) for one in pids)
        began = time.monotonic()
        outcome = click(Bench(measured, browser, surface, stage, effort))
        seconds = time.monotonic() - began
        spent = sum(sum(cpu_seconds(one).values()) for one in pids) - before
        figures = {"desktops": float(len(running))}
        for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95)):
            figures[name] = quantile(outcome.series["latency_ms"], share)
        if others:
            figures["server_cores_per_desktop"] = spent / seconds / len(others)
            sizes = [sum(memory_mb(one).values()) for one in pids]
            figures["memory_mb_per_desktop"] = sum(sizes) / len(sizes)
        return figures


@contextmanager
def _at_work(others: list[Running]) -> Iterator[None]:
    """Somebody types on each of these desktops, and somebody looks at it."""
    if not others:
        yield
        return
    desktops_of = [word for one in others for word in (one.display, str(one.xauthority))]
    sockets = [str(one.agent_socket) for one in others]
    helpers = [
        subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.scale.{module}", *words], stdin=subprocess.PIPE, cwd=ROOT
        )
        for module, words in (("watchers", sockets), ("office", desktops_of))
    ]
    try:
        yield
    finally:
        for helper in helpers:
            assert helper.stdin is not None
            helper.stdin.close()
            helper.wait(20)
