"""Runs cases on subjects, interleaved, and collects the samples."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.cases.case import Bench, Case, Effort, NotApplicableError
from benchmarks.cases.click import click
from benchmarks.cases.idle import idle
from benchmarks.cases.stack import scroll_back, stack
from benchmarks.content.stage import Stage
from benchmarks.driver.browser import chromium
from benchmarks.driver.meter import machine, memory_mb
from benchmarks.peers.novnc import NoVnc
from benchmarks.peers.subject import MissingPeerError, Subject
from benchmarks.report.results import Results, Sample

WIDTH_PX, HEIGHT_PX = 1920, 1080

SUBJECTS: Mapping[str, Callable[[], Subject]] = {
    "novnc": lambda: NoVnc(jpeg=True),
    "novnc-lossless": lambda: NoVnc(jpeg=False),
}

#: In the order in which they run; idle comes last, because its terminal stays.
CASES: Mapping[str, Case] = {
    "click": click,
    "stack30": stack(30),
    "stack60": stack(60),
    "scroll-back": scroll_back,
    "idle": idle,
}


def run(subjects: Sequence[str], cases: Sequence[str], rounds: int, effort: Effort) -> Results:
    """A B C, A B C …: each round gives every subject a fresh desktop and a fresh browser."""
    results = Results(machine=machine(), started=time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    for turn in range(rounds):
        for name in subjects:
            if name in results.missing:
                continue
            note(f"round {turn + 1} of {rounds}: {name}")
            try:
                _run_subject(SUBJECTS[name](), cases, turn, effort, results)
            except MissingPeerError as error:
                results.missing[name] = str(error)
                note(f"  {name} is missing: {error}")
    return results


def _run_subject(
    subject: Subject, cases: Sequence[str], turn: int, effort: Effort, results: Results
) -> None:
    try:
        running = subject.start(WIDTH_PX, HEIGHT_PX)
        results.facts[subject.name] = dict(running.facts)
        with chromium() as browser, Stage(running.display, running.xauthority) as stage:
            results.machine["chromium"] = browser.version
            surface = browser.surface(WIDTH_PX, HEIGHT_PX)
            running.enter(surface.page)
            surface.wait(WIDTH_PX, HEIGHT_PX)
            surface.page.wait_for_timeout(500)
            bench = Bench(running, browser, surface, stage, effort)
            for case in cases:
                try:
                    outcome = CASES[case](bench)
                except NotApplicableError as error:
                    results.not_applicable[f"{subject.name} {case}"] = str(error)
                    continue
                figures = dict(outcome.figures)
                figures |= {f"{role}_mb": mb for role, mb in memory_mb(running.pids()).items()}
                results.samples.append(Sample(subject.name, case, turn, figures, outcome.series))
                note(f"  {case}: " + brief(figures))
    finally:
        subject.stop()


def brief(figures: Mapping[str, float]) -> str:
    wanted = ("p50_ms", "p90_ms", "shown_share", "exact_share", "down_mbps", "server_cores", "back_share")
    wanted += ("down_bytes_per_s", "foreign_cores")
    return ", ".join(f"{name} {figures[name]:.3g}" for name in wanted if name in figures)


def note(text: str) -> None:
    """Progress, on stderr: stdout is for the report."""
    print(text, file=sys.stderr, flush=True)
