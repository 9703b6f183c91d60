"""Runs cases on subjects in interleaved rounds and collects the samples."""

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
from benchmarks.cases.open_desktop import open_cold, open_running
from benchmarks.cases.play import play
from benchmarks.cases.relay import relay
from benchmarks.cases.scroll_back import scroll_back
from benchmarks.cases.slow import slow
from benchmarks.cases.throttled import throttled
from benchmarks.content.frames import KINDS
from benchmarks.content.player import ContentError, ContentPlayer
from benchmarks.driver.browser import SurfaceError, chromium
from benchmarks.driver.meter import machine, memory_mb
from benchmarks.links.link import LOOPBACK, Link
from benchmarks.links.network import network
from benchmarks.peers.lightbox import (
    Lightbox,
    LightboxEconomy,
    LightboxExact,
    LightboxIsolation,
    LightboxNoIsolation,
    LightboxQuarterColour,
    LightboxThrifty,
)
from benchmarks.peers.novnc import NoVnc
from benchmarks.peers.selkies import Selkies
from benchmarks.peers.subject import MissingPeerError, Subject, SubjectFailedError
from benchmarks.peers.xpra import Xpra
from benchmarks.report.results import Results, Sample
from benchmarks.report.tree import Tree, measured_tree

#: Size of the desktop, px.
WIDTH_PX, HEIGHT_PX = 1920, 1080

#: Subjects by name: Lightbox under several policies, and its peers.
SUBJECTS: Mapping[str, Callable[[], Subject]] = {
    "lightbox": Lightbox,
    "lightbox-exact": LightboxExact,
    "lightbox-economy": LightboxEconomy,
    "lightbox-thrifty": LightboxThrifty,
    "lightbox-420": LightboxQuarterColour,
    "lightbox-isolation": LightboxIsolation,
    "lightbox-no-isolation": LightboxNoIsolation,
    "novnc": lambda: NoVnc(jpeg=True),
    "novnc-lossless": lambda: NoVnc(jpeg=False),
    "selkies": lambda: Selkies("websockets"),
    "selkies-webrtc": lambda: Selkies("webrtc"),
    "xpra": Xpra,
}

#: Cases by name, in the order in which they run. "idle" is last, because its terminal stays open.
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
    "open-running": open_running,
    "open-cold": open_cold,
    "relay": relay,
    "memory": memory,
    "monitors": monitors,
    "idle-monitor": idle_monitor,
    "throttled": throttled,
    "idle": idle,
}

#: Cases that run in the first round only, because they compare no timings with peers.
ONCE = frozenset(
    {
        *("scroll-back", "open-running", "open-cold", "relay", "monitors", "idle-monitor", "throttled"),
        "idle",
    }
)

#: Subjects that `--all` leaves out: they differ from "lightbox" on purpose in a single respect.
ONLY_BY_NAME = frozenset({"lightbox-isolation", "lightbox-no-isolation"})

#: Cases and subjects of a quick run, which takes less than five minutes.
QUICK_CASES = ("click", "key", "stack30", "stack60", "terminal30")
QUICK_SUBJECTS = ("lightbox", "novnc", "novnc-lossless", "selkies")

#: How long a subject may take to show a surface, and then its first frame, also over a slow link, s.
FIRST_FRAME_TIMEOUT_S = 40.0

#: Figures that are printed during the run.
BRIEF = (
    *(
        "p50_ms",
        "p90_ms",
        "p95_ms",
        "shown_fraction",
        "exact_fraction",
        "down_mbps",
        "server_cores",
        "back_ratio",
    ),
    *("open_ms", "cold_open_ms", "added_p50_ms", "down_bytes_per_s", "foreign_cores"),
    *("shown_per_s", "exact_per_s", "longest_task_ms", "page_mb", "psnr_db", "text_psnr_db"),
    *("stop_to_exact_ms", "stop_to_exact_minus_transfer_ms", "stall_max_ms", "exact_at_rest"),
    *("queue_p95_ms", "queue_max_ms", "recovery_s", "cost_fraction"),
)
#: Failures of a subject that do not end the run.
FAILURES = (SubjectFailedError, SurfaceError, ContentError, PlaywrightError, WebSocketException, OSError)


def new_results() -> Results:
    """Returns empty results that describe this machine and the source tree."""
    return Results(machine=machine(), started=time.strftime("%Y-%m-%dT%H:%M:%S%z"), tree=measured_tree())


def extend_results(results: Results) -> Results:
    """Prepares the results of an earlier run for further samples.

    They stay those of a clean commit only if the source tree has not changed since.
    """
    now = measured_tree()
    if now != results.tree:
        results.tree = Tree(now.commit, clean=False)
    return results


def run(
    subjects: Sequence[str],
    cases: Sequence[str],
    links: Sequence[Link],
    rounds: int,
    effort: Effort,
    results: Results,
) -> None:
    """Runs the subjects in turn (A B C, A B C …). Each round gives every subject a new desktop and browser.

    Adds each sample to `results` at once, so that an interrupted run keeps its samples.
    """
    for turn, link, name in itertools.product(range(rounds), links, subjects):
        title = name if link == LOOPBACK else f"{name} over {link.name}"
        if title in results.missing:
            continue
        note(f"round {turn + 1} of {rounds}: {title}")
        try:
            _run_subject(SUBJECTS[name](), cases, link, turn, effort, results)
        except FAILURES as error:
            results.failed[f"{title} in round {turn + 1}"] = str(error)
            note(f"  {title} FAILED: {error}")
        except MissingPeerError as error:
            results.missing[title] = str(error)
            note(f"  {title} is missing: {error}")


def _run_subject(
    subject: Subject, cases: Sequence[str], link: Link, turn: int, effort: Effort, results: Results
) -> None:
    """Runs the cases on one subject. This thread stays in the server's namespace; only the browser is at the
    other end of the link."""
    with ExitStack() as stack:
        net = stack.enter_context(network(link))
        stack.enter_context(net.server())
        stack.callback(subject.stop)
        running = subject.start(WIDTH_PX, HEIGHT_PX, net.host, net.name)
        results.facts[subject.name] = dict(running.facts)
        with net.client():
            browser = stack.enter_context(chromium({} if link == LOOPBACK else {net.name: net.host}))
        with ContentPlayer(running.display, running.xauthority) as player:  # ends before the subject stops
            results.machine["chromium"] = browser.version
            surface = browser.surface(WIDTH_PX, HEIGHT_PX)
            running.enter(surface.page)
            surface.wait(WIDTH_PX, HEIGHT_PX, FIRST_FRAME_TIMEOUT_S)
            surface.page.wait_for_timeout(500)
            bench = Bench(running, browser, surface, player, effort, turn == 0, link, net)
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
                    # The report and the exit code show the failure; the other cases continue.
                    results.failed[f"{subject.name} {case} over {link.name} in round {turn + 1}"] = str(error)
                    note(f"  {case} FAILED: {error}")
                    continue
                figures = dict(outcome.figures)
                figures |= {f"{role}_mb": mb for role, mb in memory_mb(running.pids()).items()}
                figures["browser_mb"] = browser.memory_mb()
                results.samples.append(Sample(subject.name, case, turn, figures, outcome.series, link.name))
                note(f"  {case}: " + brief(figures))


def first_frame(bench: Bench) -> None:
    """Raises SubjectFailedError if the surface does not show a frame drawn on the desktop. Otherwise the
    cases would take minutes to report a subject that shows nothing and costs nothing."""
    (number,) = bench.player.load(1)
    bench.surface.start(bench.player.frame_rect[:2], size_px=bench.player.frame_rect[2:])
    bench.player.show(number)
    shown = bench.surface.wait_for(number, FIRST_FRAME_TIMEOUT_S)
    bench.surface.stop()
    bench.player.blank()
    if not shown:
        raise SubjectFailedError(
            f"its page has a surface, but a frame drawn on the desktop did not appear on it within "
            f"{FIRST_FRAME_TIMEOUT_S:.0f} s"
        )


def brief(figures: Mapping[str, float]) -> str:
    """Returns the most important figures as one line."""
    return ", ".join(f"{name} {figures[name]:.3g}" for name in BRIEF if name in figures)


def note(text: str) -> None:
    """Prints progress to stderr, because stdout is for the report."""
    print(text, file=sys.stderr, flush=True)
