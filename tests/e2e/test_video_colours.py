"""Every codec reproduces flat colours: encoder and browser agree on colour matrix and range."""

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
from tests.e2e.processes import wait_for
from tests.e2e.video_setup import VIDEO_TIMEOUT_S, open_video_setup
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.film import POSITION_PX, SIDE_PX, Film

#: Side of a colour patch, px.
PATCH_PX = 128
COLOURS = np.array(
    [
        [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255],
        [255, 0, 255], [255, 255, 255], [0, 0, 0], [128, 128, 128], [200, 120, 40],
    ],
    np.uint8,
)  # fmt: skip
#: Largest error of a flat patch, in levels of 255: 8-bit YUV in limited range rounds. A wrong matrix gives an
#: error of 20 or more, a wrong range one of 16.
TOLERANCE = 6

#: Engine, video policy, link and the codec they agree on. Only `adaptive` uses 4:4:4. Its condition is that
#: tiles need more than the link carries: at 6 Mbit/s the film does at any frame rate.
NIGHTLY = pytest.mark.nightly
CODECS = [
    pytest.param("chromium", "economy", "loopback", "h264 4:2:0", id="chromium-420", marks=NIGHTLY),
    pytest.param("chromium", "adaptive", "6", "h264 4:4:4", id="chromium-444"),
    pytest.param("firefox", "economy", "1000", "vp8 4:2:0", id="firefox-vp8", marks=NIGHTLY),
]


@contextmanager
def play_patches(display: XDisplay) -> Iterator[list[NDArray[np.uint8]]]:
    """Plays a grainy grey film with flat colour patches in two rows. Yields its frames."""
    random = np.random.default_rng(4)
    frames = []
    for _ in range(6):
        grey = 128 + random.normal(0, 5, (SIDE_PX, SIDE_PX, 1))
        frame = np.repeat(grey.astype(np.uint8), 3, axis=2)
        for number, colour in enumerate(COLOURS):
            x, y = patch_position(number)
            frame[y : y + PATCH_PX, x : x + PATCH_PX] = colour
        frames.append(frame)
    film = Film(display, frames)
    try:
        yield frames
    finally:
        film.close()


def patch_position(patch: int) -> tuple[int, int]:
    """Returns the upper left corner of a patch in the window, px."""
    return patch % 5 * PATCH_PX, 96 + patch // 5 * 256


def mean_colours(surface: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the mean colour of each patch away from its edges, (patches, 3)."""
    rows = []
    for number in range(len(COLOURS)):
        x, y = patch_position(number)
        left, top = POSITION_PX[0] + x + 32, POSITION_PX[1] + y + 32
        rows.append(surface[top : top + 64, left : left + 64, :3].reshape(-1, 3).mean(axis=0))
    return np.array(rows)


def is_video(surface: NDArray[np.uint8], frames: list[NDArray[np.uint8]]) -> bool:
    """Returns whether the window shows none of the film's frames exactly, and therefore video.

    The patches alone do not tell: they stand still, so tiles may have brought them.
    """
    x, y = POSITION_PX
    window = surface[y : y + SIDE_PX, x : x + SIDE_PX, :3]
    return all((window[:64] != frame[:64]).mean() > 0.05 for frame in frames)


@pytest.mark.parametrize(("engine", "policy", "link", "codec"), CODECS)
def test_keeps_flat_colours(
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
        open_video_setup(log, lambda: start_browser(engine), network=between, video=policy) as setup,
        closing(setup.display()) as display,
    ):
        viewer = setup.viewer
        with between.server(), play_patches(display) as frames, between.client():
            viewer.wait_for_badge("lossy", timeout_s=VIDEO_TIMEOUT_S)
            errors: list[list[float]] = []

            def true_colours() -> bool:
                """Only the first frames after motion began are coarse."""
                surface = viewer.surface()
                error = np.abs(mean_colours(surface) - COLOURS).max(axis=1)
                errors.append(error.round().tolist())
                return is_video(surface, frames) and bool((error <= TOLERANCE).all())

            wait_for(
                true_colours,
                timeout_s=VIDEO_TIMEOUT_S,
                what=lambda: f"patches as video with errors up to {TOLERANCE} levels; were {errors[-3:]}",
            )
            viewer.click_element("[data-badge]")
            wait_for(
                lambda: codec in viewer.situation(), timeout_s=PATIENCE_S, what=lambda: viewer.situation()
            )
        viewer.wait_exact()
        viewer.assert_equal(display, out, f"after-colours-{engine}")
