"""Colours come through each codec as they were: matrix and range are signalled and believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.links.link import parse_link
from benchmarks.links.network import network
from tests.e2e.browsers.browser import Browser
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.film import AT_PX, SIDE_PX, Film
from tests.e2e.processes import wait_for
from tests.e2e.video_setup import open_video_setup
from tests.e2e.viewer import PATIENCE_S

PATCH_PX = 128
COLOURS = np.array(
    [
        [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255],
        [255, 0, 255], [255, 255, 255], [0, 0, 0], [128, 128, 128], [200, 120, 40],
    ],
    np.uint8,
)  # fmt: skip
#: Levels that a flat patch may be off by: coded in 8 bits of YUV, in limited range. A wrong matrix is off by
#: 20 and more, a wrong range by 16.
TOLERANCE = 6

WAYS = [
    pytest.param("chromium", "economy", "loopback", "h264 4:2:0", id="chromium-420"),
    pytest.param("chromium", "adaptive", "6", "h264 4:4:4", id="chromium-444"),
    pytest.param("firefox", "economy", "1000", "vp8 4:2:0", id="firefox-vp8"),
]


@contextmanager
def patches_in_motion(display: XDisplay) -> Iterator[list[NDArray[np.uint8]]]:
    """Flat patches in two rows, and a grey film around them, in a window at `AT_PX`: its pictures."""
    random = np.random.default_rng(4)
    pictures = []
    for _ in range(6):
        grey = 128 + random.normal(0, 5, (SIDE_PX, SIDE_PX, 1))
        picture = np.repeat(grey.astype(np.uint8), 3, axis=2)
        for number, colour in enumerate(COLOURS):
            x, y = place_of(number)
            picture[y : y + PATCH_PX, x : x + PATCH_PX] = colour
        pictures.append(picture)
    film = Film(display, pictures)
    try:
        yield pictures
    finally:
        film.close()


def place_of(patch: int) -> tuple[int, int]:
    """Its corner in the window, px."""
    return patch % 5 * PATCH_PX, 96 + patch // 5 * 256


def means(surface: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(patches, 3): what is inside of each, away from its edges."""
    rows = []
    for number in range(len(COLOURS)):
        x, y = place_of(number)
        left, top = AT_PX[0] + x + 32, AT_PX[1] + y + 32
        rows.append(surface[top : top + 64, left : left + 64, :3].reshape(-1, 3).mean(axis=0))
    return np.array(rows)


def by_video(surface: NDArray[np.uint8], pictures: list[NDArray[np.uint8]]) -> bool:
    """Whether the window shows none of its pictures exactly: the patches stand still, tiles may have brought
    them.
    """
    x, y = AT_PX
    window = surface[y : y + SIDE_PX, x : x + SIDE_PX, :3]
    return all((window[:64] != picture[:64]).mean() > 0.05 for picture in pictures)


@pytest.mark.parametrize(("engine", "policy", "link", "codec"), WAYS)
def test_flat_colours_stay(
    start_browser: Callable[[str], Browser],
    out: Path,
    engine: str,
    policy: str,
    link: str,
    codec: str,
) -> None:
    log = out / "lightbox-video-colours.log"
    with (
        network(parse_link(link)) as between,
        open_video_setup(log, lambda: start_browser(engine), network=between, video=policy) as ward,
        closing(ward.display()) as display,
    ):
        viewer = ward.viewer
        with between.server(), patches_in_motion(display) as pictures, between.client():
            viewer.wait_for_badge("lossy")
            seen: list[list[float]] = []

            def true_colours() -> bool:
                """The first frames are coarse; those that follow are not."""
                surface = viewer.surface()
                off = np.abs(means(surface) - COLOURS).max(axis=1)
                seen.append(off.round().tolist())
                return by_video(surface, pictures) and bool((off <= TOLERANCE).all())

            wait_for(
                true_colours,
                timeout_s=PATIENCE_S,
                what=lambda: (
                    f"patches by video, off by no more than {TOLERANCE} levels; they were {seen[-3:]}"
                ),
            )
            viewer.click_element("[data-badge]")
            wait_for(
                lambda: codec in viewer.situation(), timeout_s=PATIENCE_S, what=lambda: viewer.situation()
            )
        viewer.wait_exact()
        viewer.assert_equal(display, out, f"after-colours-{engine}")
