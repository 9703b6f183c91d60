"""Motion is sent as video to browsers that can show it, and the surface is exact again when it rests."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.links.link import parse_link
from benchmarks.links.network import network
from tests.e2e.browsers.browser import Browser
from tests.e2e.conftest import ENGINES
from tests.e2e.processes import wait_for
from tests.e2e.video_setup import VideoSetup, open_video_setup, play_film
from tests.e2e.viewer import PATIENCE_S

#: Enough frames to say that video plays; no rate is asked of the host.
FRAMES = 20
#: Debian builds WebKitGTK without WebRTC, so it receives tiles only.
SUPPORTS_VIDEO = {"chromium": True, "firefox": True, "webkit": False}
#: Positions along which the pointer is moved, desktop px.
POINTER_POSITIONS = [(40 * step, 40 * step) for step in range(1, 5)]


@pytest.fixture(scope="module")
def setup(
    request: pytest.FixtureRequest, start_browser: Callable[[str], Browser], out: Path
) -> Iterator[VideoSetup]:
    """One engine and a Lightbox. Firefox makes no WebRTC connections within a host, so it gets a network."""
    engine = request.param
    log = out / f"lightbox-video-{engine}.log"
    with (
        network(parse_link("1000" if engine == "firefox" else "loopback")) as between,
        open_video_setup(log, lambda: start_browser(engine), network=between) as setup,
    ):
        yield setup


@pytest.mark.parametrize("setup", [engine for engine in ENGINES if SUPPORTS_VIDEO[engine]], indirect=True)
def test_sends_motion_as_video_and_is_exact_at_rest(setup: VideoSetup, out: Path) -> None:
    viewer = setup.viewer
    with play_film(setup) as (display, film):
        setup.wait_for_video(FRAMES)
        viewer.wait_for_badge("lossy")
        setup.wait_for_changing_surface()
        # The data channel may open later than video starts, so the pointer moves until datagrams were used.
        positions = itertools.cycle(POINTER_POSITIONS)

        def motion_used_datagrams() -> bool:
            position = next(positions)
            viewer.move(position)
            wait_for(
                lambda: display.pointer() == position,
                timeout_s=PATIENCE_S,
                what=lambda: f"the pointer at {position}; it is at {display.pointer()}",
            )
            return setup.metric("pointer_datagrams") > 0

        for _ in POINTER_POSITIONS[1:]:
            motion_used_datagrams()
        wait_for(motion_used_datagrams, timeout_s=PATIENCE_S, what="pointer motion as datagrams")
        film.stop()
        viewer.wait_exact()
        viewer.assert_equal(display, out, f"after-video-{viewer.browser.engine}")
        assert "unverified" not in viewer.badges()


@pytest.mark.parametrize("setup", [engine for engine in ENGINES if not SUPPORTS_VIDEO[engine]], indirect=True)
def test_sends_motion_as_tiles_to_a_browser_without_webrtc(setup: VideoSetup, out: Path) -> None:
    viewer = setup.viewer
    before = setup.frames()
    with play_film(setup) as (display, film):
        time.sleep(2)
        assert setup.frames() == before
        assert "lossy" not in viewer.badges()
        setup.wait_for_changing_surface()
        film.stop()
        viewer.wait_exact()
        viewer.assert_equal(display, out, f"after-tiles-{viewer.browser.engine}")
        assert "unverified" not in viewer.badges()
