"""Runs cases on subjects, interleaved, and collects the samples."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from playwright.sync_api import Error as PlaywrightError
from websockets.exceptions import WebSocketException

from benchmarks.cases.case import Bench, Case, Effort, NotApplicableError
from benchmarks.cases.click import click, key
from benchmarks.cases.click_scrolling import click_scrolling
from benchmarks.cases.idle import idle
from benchmarks.cases.idle_monitor import idle_monitor
from benchmarks.cases.link_drop import link_drop
from benchmarks.cases.memory import memory
from benchmarks.cases.minute import minute
from benchmarks.cases.monitors import monitors
from benchmarks.cases.open import cold_open, open_ready
from benchmarks.cases.play import play
from benchmarks.cases.relay import relay
from benchmarks.cases.scroll_back import scroll_back
from benchmarks.cases.slow import slow
from benchmarks.cases.throttled import throttled
from benchmarks.content.frames import KINDS
from benchmarks.content.stage import Stage, StageError
from benchmarks.driver.browser import SurfaceError, chromium
from benchmarks.driver.meter import machine, memory_mb
from benchmarks.links.link import LOOPBACK, Link
from benchmarks.links.network import network
from benchmarks.peers.lightbox import (
    Lightbox,
    LightboxEconomy,
    LightboxExact,
    LightboxQuarterColour,
    LightboxThrifty,
)
from benchmarks.peers.novnc import NoVnc
from benchmarks.peers.selkies import Selkies
from benchmarks.peers.subject import MissingPeerError, Subject, SubjectFailedError
from benchmarks.peers.xpra import Xpra
from benchmarks.report.results import Results, Sample

WIDTH_PX, HEIGHT_PX = 1920, 1080

SUBJECTS: Mapping[str, Callable[[], Subject]] = {
    "lightbox": Lightbox,
    "lightbox-exact": LightboxExact,
    "lightbox-economy": LightboxEconomy,
    "lightbox-thrifty": LightboxThrifty,
    "lightbox-420": LightboxQuarterColour,
    "novnc": lambda: NoVnc(jpeg=True),
    "novnc-lossless": lambda: NoVnc(jpeg=False),
    "selkies": lambda: Selkies("websockets"),
    "selkies-webrtc": lambda: Selkies("webrtc"),
    "xpra": Xpra,
}

#: In the order in which they run; idle comes last, because its terminal stays.
CASES: Mapping[str, Case] = {
    "click": click,
    "key": key,
    "click-scrolling": click_scrolling,
    "stack30": play("stack", 30),
    "stack60": play("stack", 60),
    "stack-ct30": play("stack-ct", 30),
    "stack-cr30": play("stack-cr", 30),
    "window30": play("window", 30),
    "pan30": play("pan", 30),
    "typing10": play("typing", 10),
    "terminal30": play("terminal", 30),
    "window-drag30": play("window-drag", 30),
    "video30": play("video", 30),
    "text-video30": play("text-video", 30),
    "stack60-minute": minute,
    "link-drop": link_drop,
    **{f"{kind}-slow": slow(kind) for kind in KINDS},
    "scroll-back": scroll_back,
    "open": open_ready,
    "cold-open": cold_open,
    "relay": relay,
    "memory": memory,
    "monitors": monitors,
    "idle-monitor": idle_monitor,
    "throttled": throttled,
    "idle": idle,
}

#: No comparison with peers, or of bytes alone: done in the first round only.
ONCE = frozenset(
    {"scroll-back", "open", "cold-open", "relay", "memory", "monitors", "idle-monitor", "throttled", "idle"}
)

#: What `run` measures when nothing else is asked for: what fits into five minutes.
QUICK_CASES = ("click", "key", "stack30", "stack60", "terminal30")
QUICK_SUBJECTS = ("lightbox", "novnc", "novnc-lossless", "selkies")

#: How long a subject may take to show a surface, and then its first frame of all, also over a slow link.
FIRST_FRAME_TIMEOUT_S = 40.0

#: Figures that are told while the run goes on.
BRIEF = (
    *("p50_ms", "p90_ms", "p95_ms", "shown_share", "exact_share", "down_mbps", "server_cores", "back_share"),
    *("open_ms", "cold_open_ms", "added_p50_ms", "down_bytes_per_s", "foreign_cores"),
    *("shown_per_s", "exact_per_s", "longest_task_ms", "page_mb", "psnr_db", "text_psnr_db"),
    *("stop_to_exact_ms", "stop_to_exact_beyond_bytes_ms", "freeze_max_ms", "exact_at_rest"),
    *("queue_p95_ms", "queue_max_ms", "recovery_s", "cost_share"),
)
#: What a subject may do wrong without ending the run.
FAILURES = (SubjectFailedError, SurfaceError, StageError, PlaywrightError, WebSocketException, OSError)


def new_results() -> Results:
    return Results(machine=machine(), started=time.strftime("%Y-%m-%dT%H:%M:%S%z"))


def run(
    subjects: Sequence[str],
    cases: Sequence[str],
    links: Sequence[Link],
    rounds: int,
    effort: Effort,
    results: Results,
) -> None:
    """A B C, A B C …: each round gives every subject a fresh desktop and a fresh browser.

    Adds to `results` as it goes, so that an interrupted run keeps what it has.
    """
    for turn, link, name in itertools.product(range(rounds), links, subjects):
        where = name if link == LOOPBACK else f"{name} over {link.name}"
        if where in results.missing:
            continue
        note(f"round {turn + 1} of {rounds}: {where}")
        try:
            _run_subject(SUBJECTS[name](), cases, link, turn, effort, results)
        except FAILURES as error:
            results.failed[f"{where} in round {turn + 1}"] = str(error)
            note(f"  {where} FAILED: {error}")
        except MissingPeerError as error:
            results.missing[where] = str(error)
            note(f"  {where} is missing: {error}")


def _run_subject(
    subject: Subject, cases: Sequence[str], link: Link, turn: int, effort: Effort, results: Results
) -> None:
    """This thread stays beside the server: only the browser is at the other end of the link."""
    with ExitStack() as stack:
        net = stack.enter_context(network(link))
        stack.enter_context(net.server())
        stack.callback(subject.stop)
        running = subject.start(WIDTH_PX, HEIGHT_PX, net.host, net.name)
        results.facts[subject.name] = dict(running.facts)
        with net.client():
            browser = stack.enter_context(chromium({} if link == LOOPBACK else {net.name: net.host}))
        with Stage(running.display, running.xauthority) as stage:
            results.machine["chromium"] = browser.version
            surface = browser.surface(WIDTH_PX, HEIGHT_PX)
            running.enter(surface.page)
            surface.wait(WIDTH_PX, HEIGHT_PX, FIRST_FRAME_TIMEOUT_S)
            surface.page.wait_for_timeout(500)
            bench = Bench(running, browser, surface, stage, effort, turn == 0, link, net)
            first_frame(bench)
            for case in cases:
                if turn > 0 and case in ONCE:
                    continue
                try:
                    outcome = CASES[case](bench)
                except NotApplicableError as error:
                    results.not_applicable[f"{subject.name} {case}"] = str(error)
                    continue
                except FAILURES as error:
                    # Told in the report and in the exit code; the other cases go on.
                    results.failed[f"{subject.name} {case} over {link.name} in round {turn + 1}"] = str(error)
                    note(f"  {case} FAILED: {error}")
                    continue
                figures = dict(outcome.figures)
                figures |= {f"{role}_mb": mb for role, mb in memory_mb(running.pids()).items()}
                figures["browser_mb"] = browser.memory_mb()
                results.samples.append(Sample(subject.name, case, turn, figures, outcome.series, link.name))
                note(f"  {case}: " + brief(figures))


def first_frame(bench: Bench) -> None:
    """Raises SubjectFailedError where the surface does not follow the desktop: the cases would take minutes
    to report that it shows nothing and costs nothing."""
    (number,) = bench.stage.load(1)
    bench.surface.start(bench.stage.place[:2], size_px=bench.stage.place[2:])
    bench.stage.still(number)
    shown = bench.surface.wait_for(number, FIRST_FRAME_TIMEOUT_S)
    bench.surface.stop()
    bench.stage.blank()
    if not shown:
        raise SubjectFailedError(
            f"its page has a surface, and a frame drawn on the desktop did not come onto it within "
            f"{FIRST_FRAME_TIMEOUT_S:.0f} s: open it by hand and see"
        )


def brief(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {figures[name]:.3g}" for name in BRIEF if name in figures)


def note(text: str) -> None:
    """Progress, on stderr: stdout is for the report."""
    print(text, file=sys.stderr, flush=True)
