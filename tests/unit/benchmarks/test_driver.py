"""The yardstick measured: the driver in a real browser, on a page whose faults are known.

The only timing asserted is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.content.mark import MARK_HEIGHT_PX, checksum, draw_mark
from benchmarks.content.slices import as_rgba
from benchmarks.driver.browser import Chromium, Surface, SurfaceError, Watched, chromium

PAGE = Path(__file__).with_name("fake_client.html")
AT = (100, 60)
SIZE_PX = 160
HELD_MS = 80
NUMBERS = list(range(1, 9))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as started:
        yield started


@pytest.fixture
def surface(browser: Chromium) -> Iterator[Surface]:
    opened = browser.surface(400, 300)
    opened.page.goto(PAGE.as_uri())
    yield opened
    opened.page.context.close()


def picture(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """What the page draws for `number`, as (160, 160, 4) bytes."""
    grey = np.full((SIZE_PX, SIZE_PX), 20 + number % 200, np.uint8)
    draw_mark(grey, 0, 0, number)
    draw_mark(grey, 0, SIZE_PX - MARK_HEIGHT_PX, number)
    return as_rgba(grey)


def watch(surface: Surface, **faults: list[int]) -> Watched:
    surface.start(AT, size_px=(SIZE_PX, SIZE_PX), expected={n: checksum(picture(n)) for n in NUMBERS})
    surface.page.evaluate("play", {"numbers": NUMBERS, "heldMs": HELD_MS, **faults})
    return surface.stop()


def test_finds_the_biggest_visible_canvas(surface: Surface) -> None:
    surface.wait(400, 300)


def test_says_what_is_there_instead(surface: Surface) -> None:
    with pytest.raises(SurfaceError, match=r"no canvas of 1920×1080 px.*400"):
        surface.wait(1920, 1080, timeout_s=0.1)


def test_a_faultless_client_is_found_faultless(surface: Surface) -> None:
    watched = watch(surface)
    assert [seen.number for seen in watched.seen] == NUMBERS
    assert all(seen.exact for seen in watched.seen)
    assert watched.wrong == {}


def test_dropped_pictures_are_missed(surface: Surface) -> None:
    watched = watch(surface, dropped=[3, 4, 7])
    assert [seen.number for seen in watched.seen] == [1, 2, 5, 6, 8]


def test_one_pixel_off_by_one_level_is_wrong(surface: Surface) -> None:
    watched = watch(surface, wrong=[2, 5])
    assert [seen.number for seen in watched.seen if seen.exact is False] == [2, 5]
    assert sum(seen.exact is True for seen in watched.seen) == len(NUMBERS) - 2
    difference = watched.wrong[2].reshape(SIZE_PX, SIZE_PX, 4).astype(int) - picture(2)
    assert (int((difference != 0).sum()), int(difference.max())) == (1, 1)


def test_what_stood_there_before_is_not_judged(surface: Surface) -> None:
    surface.page.evaluate("draw(99)")
    watched = watch(surface, dropped=[1])
    assert [(seen.number, seen.exact) for seen in watched.seen][:2] == [(99, None), (2, True)]
    assert watched.wrong == {}


def test_a_half_drawn_picture_does_not_count_until_it_is_whole(surface: Surface) -> None:
    watched = watch(surface, torn=[4])
    assert [seen.number for seen in watched.seen] == NUMBERS
    assert all(seen.exact for seen in watched.seen)
    assert watched.torn > 0


def test_added_latency_is_measured(surface: Surface) -> None:
    added_ms = 100
    surface.page.evaluate("answerAfter", added_ms)
    surface.page.mouse.move(*surface.point(200, 200))
    surface.start(AT, times_input=True)
    for _ in range(3):
        surface.page.mouse.down()
        surface.page.wait_for_function("lightboxBenchmark.answered()")
        surface.page.mouse.up()
    latencies = surface.stop().latencies_ms
    assert len(latencies) == 3
    assert min(latencies) >= added_ms


def test_points_are_mapped_onto_a_scaled_surface(surface: Surface) -> None:
    surface.page.evaluate("document.getElementById('desktop').style.width = '800px'")
    left, _ = surface.point(0, 0)
    right, _ = surface.point(399, 0)
    assert right - left == pytest.approx(399 * 2)
