"""Measures the cost per frame by screen size and by the changed fraction, and the cost per second by rate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.cases.case import Bench, Effort
from benchmarks.cases.play import play
from benchmarks.cases.slow import slow
from benchmarks.content.player import ContentPlayer
from benchmarks.driver.browser import SurfaceError, chromium
from benchmarks.peers.lightbox import Lightbox
from benchmarks.report.results import Results, Sample
from benchmarks.run import FAILURES, HEIGHT_PX, WIDTH_PX, note

#: Screen sizes: 720p, 1080p, 1440p, 4K, and two and four 4K screens joined, px.
SIZES_PX = ((1280, 720), (1920, 1080), (2560, 1440), (3840, 2160), (7680, 2160), (7680, 4320))
#: Full-screen frames at each size. A frame of the largest size takes 130 MB in the X server.
FRAMES = 6
#: Sizes of the area that changes with each frame, in the middle of a 1080p screen, px.
CHANGES_PX = ((192, 128), (384, 216), (640, 360), (960, 540), (1344, 756), (WIDTH_PX, HEIGHT_PX))
#: Frames for each of these areas.
CHANGE_FRAMES = 20
#: Side of a tile in PROTOCOL.md, px.
TILE_PX = 64
#: Rates of the stack, slices/s.
RATES_PER_S = (5, 10, 20, 30, 60)


def curves(effort: Effort, results: Results) -> None:
    """Adds samples to `results`: `resolution WxH` (every pixel of the screen is new), `change N%` (N % of the
    tiles of a 1080p screen are new) and `rate N` (N slices/s of the MR stack)."""
    for width, height in SIZES_PX:
        case = f"resolution {width}x{height}"
        try:
            with _bench(width, height, effort, results) as bench:
                figures = _slow(bench, width, height, FRAMES)
        except FAILURES as error:
            results.failed[case] = str(error)
            note(f"{case} FAILED: {error}")
            continue
        _add(case, figures | {"megapixels": width * height / 1e6}, results)
    try:
        with _bench(WIDTH_PX, HEIGHT_PX, effort, results) as bench:
            for width, height in CHANGES_PX:
                figures = _slow(bench, width, height, CHANGE_FRAMES)
                percent = 100 * tile_fraction(bench.player.frame_rect, WIDTH_PX, HEIGHT_PX)
                _add(f"change {percent:.0f}%", figures | {"changed_percent": percent}, results)
            for rate in RATES_PER_S:
                figures = play("stack", rate)(bench).figures
                _add(f"rate {rate}", figures | {"changes_per_s": float(rate)}, results)
    except FAILURES as error:
        results.failed["curves"] = str(error)
        note(f"curves FAILED: {error}")


def _slow(bench: Bench, width: int, height: int, frames: int) -> dict[str, float]:
    """Raises SurfaceError if no frame was shown, because then there is no cost per frame."""
    figures = slow(f"fill-{width}x{height}", frames)(bench).figures
    if figures["missed"] == figures["frames"]:
        raise SurfaceError(f"none of {frames} frames of {width} × {height} px came to the surface")
    return figures


def tile_fraction(rect: tuple[int, int, int, int], width_px: int, height_px: int) -> float:
    """Returns the fraction of a screen's tiles that a rectangle (x, y, width, height) touches."""
    x, y, width, height = rect
    columns = (x + width - 1) // TILE_PX - x // TILE_PX + 1
    rows = (y + height - 1) // TILE_PX - y // TILE_PX + 1
    return columns * rows / (-(-width_px // TILE_PX) * -(-height_px // TILE_PX))


@contextmanager
def _bench(width: int, height: int, effort: Effort, results: Results) -> Iterator[Bench]:
    """Runs a desktop of that size in a browser."""
    subject = Lightbox()
    try:
        running = subject.start(width, height, "127.0.0.1", "127.0.0.1")
        results.facts["lightbox"] = dict(running.facts)
        with chromium() as browser, ContentPlayer(running.display, running.xauthority) as player:
            results.machine["chromium"] = browser.version
            surface = browser.surface(width, height)
            running.enter(surface.page)
            surface.wait(width, height)
            surface.page.wait_for_timeout(500)
            yield Bench(running, browser, surface, player, effort, first_round=False)
    finally:
        subject.stop()


def _add(case: str, figures: dict[str, float], results: Results) -> None:
    results.samples.append(Sample("lightbox", case, 0, figures))
    note(f"{case}: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
