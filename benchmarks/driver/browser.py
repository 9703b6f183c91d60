"""Drives Chromium with Playwright and observes the subject's surface with the probe (`probe.js`)."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)
#: Margin of the viewport around the surface for the subject's own toolbars, so that no subject scales, px.
VIEWPORT_MARGIN_PX = (40, 160)
PROBE = Path(__file__).with_name("probe.js")


class SurfaceError(Exception):
    """The subject shows no surface, or not the desktop's pixels 1:1."""


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A frame that appeared on the surface. Times are wall-clock ms.

    `exact` says whether the frame equalled its source in motion; None means that it was not compared.
    `exact_epoch_ms` is when it was first read as exact. The last frame may become exact later, at rest.
    """

    number: int
    epoch_ms: float
    exact: bool | None
    exact_epoch_ms: float | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Quantiles:
    count: int
    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Observation:
    """What the probe observed between `start` and `stop`. Times are in ms."""

    seen: list[SeenFrame]
    latencies_ms: list[float]
    #: Reads in which the marks at the top and at the bottom differed.
    torn: int
    #: Time between two reads of the surface.
    poll_interval_ms: Quantiles
    poll_cost_ms: Quantiles
    check_cost_ms: Quantiles
    #: Some of the wrong frames as read, as RGBA bytes by number; a random selection if there were many.
    wrong: dict[int, NDArray[np.uint8]] = field(repr=False)


class Surface:
    """The subject's surface in one page: its biggest visible canvas or video."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def wait(self, width_px: int, height_px: int, timeout_s: float = 20) -> None:
        """Waits for a surface of the desktop's size. Raises SurfaceError that names the size found
        instead."""
        found = self._wait(lambda surface: surface == (width_px, height_px), timeout_s)
        if found != (width_px, height_px):
            raise SurfaceError(f"no canvas of {width_px}×{height_px} px; the biggest one: {found}")

    def wait_for_any(self, timeout_s: float = 20) -> None:
        """Waits for a surface of any size. Raises SurfaceError."""
        if self._wait(lambda _: True, timeout_s) is None:
            raise SurfaceError("no canvas at all")

    def _wait(self, fits: Callable[[tuple[int, int]], bool], timeout_s: float) -> tuple[int, int] | None:
        """Returns width and height of the surface in px as soon as they fit, or those found at the
        timeout."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.page.evaluate("lightboxBenchmark.surface()")
            size = (found["width"], found["height"]) if found else None
            if (size is not None and fits(size)) or time.monotonic() > deadline:
                return size
            self.page.wait_for_timeout(50)

    def point(self, x_px: int, y_px: int) -> tuple[float, float]:
        """Converts a position on the desktop to a position on the page. Raises SurfaceError."""
        box = self.page.evaluate("lightboxBenchmark.surface()")
        if box is None:
            raise SurfaceError("the surface has disappeared")
        return (
            box["left"] + (x_px + 0.5) * box["shownWidth"] / box["width"],
            box["top"] + (y_px + 0.5) * box["shownHeight"] / box["height"],
        )

    def start(
        self,
        at: tuple[int, int],
        *,
        size_px: tuple[int, int] | None = None,
        expected: Mapping[int, tuple[int, int]] | None = None,
        checks_at_rest: bool = False,
        times_input: bool = False,
        step_ms: float = 1.0,
    ) -> None:
        """Starts observing the mark at `at` (x and y on the surface, px), every `step_ms`.

        - `size_px`: width and height of frames, which have a second mark at their bottom.
        - `expected`: checksums by number, with which each frame is compared.
        - `checks_at_rest`: compares only the last frame, after `settle`.
        - `times_input`: times presses, and reads the surface only while a press is unanswered.
        """
        options = {
            "x": at[0],
            "y": at[1],
            "width": size_px[0] if size_px else 0,
            "height": size_px[1] if size_px else 0,
            "twoMarks": size_px is not None,
            "always": not times_input,
            "checksAtRest": checks_at_rest,
            "timesInput": times_input,
            "stepMs": step_ms,
            "expected": None if expected is None else {str(n): sums for n, sums in expected.items()},
        }
        self.page.evaluate("options => lightboxBenchmark.start(options)", options)

    def last(self) -> dict[str, Any] | None:
        """Returns the newest frame observed, or None."""
        seen: dict[str, Any] | None = self.page.evaluate("lightboxBenchmark.last()")
        return seen

    def wait_for(self, number: int, timeout_s: float) -> bool:
        """Returns whether frame `number` appeared on the surface in time."""
        return self._until(f"lightboxBenchmark.last()?.number === {number:d}", timeout_s)

    def settle(self, number: int, timeout_s: float) -> bool:
        """Returns whether the last frame drawn, `number`, was shown and then became exact, each in time."""
        if not self.wait_for(number, timeout_s):
            return False
        self.page.evaluate("lightboxBenchmark.rest()")
        return self._until("lightboxBenchmark.last().exactAt !== null", timeout_s)

    def _until(self, condition: str, timeout_s: float) -> bool:
        """Polls a condition until it is true or the time is over. Polls at least once, because on a busy
        machine a single evaluation may take long."""
        deadline = time.monotonic() + timeout_s
        while not self.page.evaluate(condition):
            if time.monotonic() >= deadline:
                return False
            self.page.wait_for_timeout(10)
        return True

    def stop(self) -> Observation:
        """Stops observing and returns the observation."""
        raw = self.page.evaluate("lightboxBenchmark.stop()")
        wrong = {
            kept["number"]: np.frombuffer(base64.b64decode(kept["rgba"]), np.uint8) for kept in raw["wrong"]
        }
        return Observation(
            seen=[
                SeenFrame(s["number"], s["at"], s["exact"], s["exactAt"], s["attempts"]) for s in raw["seen"]
            ],
            latencies_ms=raw["latencies"],
            torn=raw["torn"],
            poll_interval_ms=Quantiles(**raw["intervals"]),
            poll_cost_ms=Quantiles(**raw["costs"]),
            check_cost_ms=Quantiles(**raw["checks"]),
            wrong=wrong,
        )


class Chromium:
    """A running Chromium. Each subject has its own, so that no page affects another subject."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._session = browser.new_browser_cdp_session()
        self.version = browser.version

    def surface(self, width_px: int, height_px: int) -> Surface:
        """Opens a new page with the probe in it."""
        across, down = VIEWPORT_MARGIN_PX
        context = self._browser.new_context(
            viewport={"width": width_px + across, "height": height_px + down}, ignore_https_errors=True
        )
        context.add_init_script(path=PROBE)
        return Surface(context.new_page())

    def cpu_s(self) -> float:
        """Returns the CPU seconds of all processes of this browser."""
        return float(sum(process["cpuTime"] for process in self._processes()))

    def memory_mb(self) -> float:
        """Returns the memory of all its processes in MB (10⁶ bytes). Shared pages are divided among them
        (PSS)."""
        return sum(mb for _, mb in self._process_sizes_mb())

    def page_mb(self) -> float:
        """Returns the memory of the largest renderer process in MB: page, workers and surfaces."""
        return max((mb for kind, mb in self._process_sizes_mb() if kind == "renderer"), default=0.0)

    def _process_sizes_mb(self) -> list[tuple[str, float]]:
        sizes: list[tuple[str, float]] = []
        for process in self._processes():
            try:
                pss = psutil.Process(process["id"]).memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
            sizes.append((process["type"], pss / 1e6))
        return sizes

    def _processes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        return found


@contextmanager
def chromium(names: Mapping[str, str] | None = None) -> Iterator[Chromium]:
    """Starts Chromium for the duration of the block. `names` maps further host names to addresses."""
    rules = ",".join(f"MAP {name} {address}" for name, address in (names or {}).items())
    flags = [*FLAGS, f"--host-resolver-rules={rules}"] if rules else list(FLAGS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield Chromium(browser)
        finally:
            browser.close()
