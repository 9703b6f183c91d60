"""What moves goes as video where the browser can show it, and is exact again when it rests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.links.link import parse_link
from benchmarks.links.network import network
from tests.e2e.browsers.browser import Browser
from tests.e2e.conftest import ENGINES
from tests.e2e.processes import wait_for
from tests.e2e.video_setup import VideoSetup, film, moves, open_video_setup
from tests.e2e.viewer import PATIENCE_S

#: Enough to say that it plays; a busy host makes few.
FRAMES = 20
#: Debian builds WebKitGTK without WebRTC: tiles bring everything.
WITH_VIDEO = {"chromium": True, "firefox": True, "webkit": False}


@pytest.fixture(scope="module", params=list(ENGINES))
def ward(
    request: pytest.FixtureRequest, start_browser: Callable[[str], Browser], out: Path
) -> Iterator[VideoSetup]:
    """Firefox makes no connections within a host, so it gets a network of two."""
    engine = request.param
    log = out / f"lightbox-video-{engine}.log"
    with (
        network(parse_link("1000" if engine == "firefox" else "loopback")) as between,
        open_video_setup(log, lambda: start_browser(engine), network=between) as ward,
    ):
        yield ward


def test_video_while_it_moves_and_exact_when_it_rests(ward: VideoSetup, out: Path) -> None:
    watcher = ward.viewer
    engine = watcher.browser.engine
    before = ward.frames()
    with film(ward) as (display, playing):
        if WITH_VIDEO[engine]:
            watcher.wait_for_badge("lossy")
            wait_for(
                lambda: ward.frames() - before >= FRAMES,
                timeout_s=PATIENCE_S,
                what=lambda: f"frames of video; {watcher.situation()}, was {watcher.badges()[-20:]}",
            )
            assert watcher.badge() == "lossy"
            assert moves(watcher), "the surface shows the video"
            for step in range(1, 5):
                watcher.move((40 * step, 40 * step))
                wait_for(
                    lambda step=step: display.pointer() == (40 * step, 40 * step),  # type: ignore[misc]
                    timeout_s=PATIENCE_S,
                    what="the pointer where the hand is",
                )
            wait_for(
                lambda: ward.counted("pointer_datagrams") > 0,
                timeout_s=PATIENCE_S,
                what="motions as datagrams",
            )
        else:
            time.sleep(2)
            assert ward.frames() == before
            assert "lossy" not in watcher.badges()
            assert moves(watcher)
        playing.stop()
        watcher.wait_exact()
        watcher.assert_equal(display, out, f"after-video-{engine}")
        assert "unverified" not in watcher.badges()
