"""The one browser driver: Chromium by Playwright, and the probe that reads whatever surface the subject
shows."""

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
#: Room around a 1920×1080 surface for the subject's own bars, so that none has to scale or scroll.
VIEWPORT_MARGIN_PX = (40, 160)
PROBE = Path(__file__).with_name("probe.js")


class SurfaceError(Exception):
    """The subject shows no surface, or one that is not the desktop 1:1."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A number that appeared on the surface.

    `exact` is the verdict while it was new, None where it was not compared. `exact_epoch_ms` is when it was
    first read as exact; the last picture may become so at rest, after the verdict.
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
class Watched:
    """What the probe saw between start and stop. Times in ms."""

    seen: list[Seen]
    latencies_ms: list[float]
    torn: int
    poll_gap_ms: Quantiles
    poll_cost_ms: Quantiles
    check_cost_ms: Quantiles
    #: A few of the wrong pictures as read, RGBA bytes by number: drawn at random where there are more.
    wrong: dict[int, NDArray[np.uint8]] = field(repr=False)


class Surface:
    """The subject's surface in one page, and what can be asked of it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def wait(self, width_px: int, height_px: int, timeout_s: float = 20) -> None:
        """Until a surface of the desktop's size is shown. Raises SurfaceError with what is there instead."""
        found = self._wait(lambda surface: surface == (width_px, height_px), timeout_s)
        if found != (width_px, height_px):
            raise SurfaceError(f"no canvas of {width_px}×{height_px} px; the biggest one: {found}")

    def wait_for_any(self, timeout_s: float = 20) -> None:
        """Until a surface is shown, which a window smaller than the desktop may make smaller. Raises
        SurfaceError."""
        if self._wait(lambda _: True, timeout_s) is None:
            raise SurfaceError("no canvas at all")

    def _wait(self, fits: Callable[[tuple[int, int]], bool], timeout_s: float) -> tuple[int, int] | None:
        """Width and height of the surface once they fit, px; else what is there in the end."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.page.evaluate("lightboxBenchmark.surface()")
            size = (found["width"], found["height"]) if found else None
            if (size is not None and fits(size)) or time.monotonic() > deadline:
                return size
            self.page.wait_for_timeout(50)

    def point(self, x_px: int, y_px: int) -> tuple[float, float]:
        """A desktop position as a position on the page."""
        box = self.page.evaluate("lightboxBenchmark.surface()")
        if box is None:
            raise SurfaceError("the surface has gone")
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
        """Watches the mark at `at`.

        With `size_px` a frame of that width and height, marked twice; with `expected` each is compared with
        its source, with `checks_at_rest` the last alone and not before `settle`; with `times_input` presses
        are timed, and the surface is read only while one is unanswered. It is read every `step_ms`.
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
        """The newest picture seen, or None."""
        seen: dict[str, Any] | None = self.page.evaluate("lightboxBenchmark.last()")
        return seen

    def wait_for(self, number: int, timeout_s: float) -> bool:
        """Whether `number` came onto the surface in time."""
        return self._until(f"lightboxBenchmark.last()?.number === {number:d}", timeout_s)

    def settle(self, number: int, timeout_s: float) -> bool:
        """Whether `number`, the last that was drawn, is shown and at last exact, each in time."""
        if not self.wait_for(number, timeout_s):
            return False
        self.page.evaluate("lightboxBenchmark.rest()")
        return self._until("lightboxBenchmark.last().exactAt !== null", timeout_s)

    def _until(self, condition: str, timeout_s: float) -> bool:
        """Asks at least once, and by the clock: on a busy machine each asking takes long."""
        deadline = time.monotonic() + timeout_s
        while not self.page.evaluate(condition):
            if time.monotonic() >= deadline:
                return False
            self.page.wait_for_timeout(10)
        return True

    def stop(self) -> Watched:
        raw = self.page.evaluate("lightboxBenchmark.stop()")
        wrong = {
            kept["number"]: np.frombuffer(base64.b64decode(kept["rgba"]), np.uint8) for kept in raw["wrong"]
        }
        return Watched(
            seen=[Seen(s["number"], s["at"], s["exact"], s["exactAt"], s["attempts"]) for s in raw["seen"]],
            latencies_ms=raw["latencies"],
            torn=raw["torn"],
            poll_gap_ms=Quantiles(**raw["gaps"]),
            poll_cost_ms=Quantiles(**raw["costs"]),
            check_cost_ms=Quantiles(**raw["checks"]),
            wrong=wrong,
        )


class Chromium:
    """One Chromium. Each subject gets a browser of its own, so that none pays for another's page."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._session = browser.new_browser_cdp_session()
        self.version = browser.version

    def surface(self, width_px: int, height_px: int) -> Surface:
        """A fresh page with the probe in it."""
        across, down = VIEWPORT_MARGIN_PX
        context = self._browser.new_context(
            viewport={"width": width_px + across, "height": height_px + down}, ignore_https_errors=True
        )
        context.add_init_script(path=PROBE)
        return Surface(context.new_page())

    def cpu_s(self) -> float:
        """CPU seconds of all processes of this browser."""
        return float(sum(process["cpuTime"] for process in self._processes()))

    def memory_mb(self) -> float:
        """Of all its processes, in MB (10⁶ bytes); what several share is divided among them."""
        return sum(mb for _, mb in self._shares_mb())

    def page_mb(self) -> float:
        """The same of the largest process of pages: page, workers and surfaces of the one page that shows
        something."""
        return max((mb for kind, mb in self._shares_mb() if kind == "renderer"), default=0.0)

    def _shares_mb(self) -> list[tuple[str, float]]:
        shares: list[tuple[str, float]] = []
        for process in self._processes():
            try:
                pss = psutil.Process(process["id"]).memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
            shares.append((process["type"], pss / 1e6))
        return shares

    def _processes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        return found


@contextmanager
def chromium(names: Mapping[str, str] | None = None) -> Iterator[Chromium]:
    """Starts Chromium and ends it with the block. `names` are hosts by name, besides the system's."""
    rules = ",".join(f"MAP {name} {address}" for name, address in (names or {}).items())
    flags = [*FLAGS, f"--host-resolver-rules={rules}"] if rules else list(FLAGS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield Chromium(browser)
        finally:
            browser.close()
