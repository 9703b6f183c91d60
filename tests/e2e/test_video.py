"""What moves goes as video where the browser can show it, and is exact again when it rests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.links.link import parse_link
from benchmarks.links.network import Loopback, Network
from tests.e2e.browsers.browser import Browser
from tests.e2e.conftest import DESKTOP_PX, ENGINES, signed_in
from tests.e2e.desktop_side.film import AT_PX, Film
from tests.e2e.door import Door, metric_sum
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, SURFACE, Viewer

#: Enough to say that it plays; a busy host makes few.
FRAMES = 20
#: Debian builds WebKitGTK without WebRTC: tiles bring everything.
WITH_VIDEO = {"chromium": True, "firefox": True, "webkit": False}


@dataclass(frozen=True, slots=True)
class Ward:
    """A viewer at a Lightbox, and the network between them."""

    viewer: Viewer
    lightbox: Lightbox
    network: Network | Loopback

    def frames(self) -> float:
        """Of video, sent so far."""
        return self.counted("video_frames")

    def counted(self, name: str) -> float:
        """A figure of `/metrics`."""
        with self.network.server():
            door = Door(self.lightbox.url)
            try:
                return metric_sum(door.metrics(), name)
            finally:
                door.close()


@pytest.fixture(scope="module", params=list(ENGINES))
def ward(
    request: pytest.FixtureRequest, start_browser: Callable[[str], Browser], out: Path
) -> Iterator[Ward]:
    """Firefox makes no connections within a host, so it gets a network of two."""
    log = out / f"lightbox-video-{request.param}.log"
    log.write_bytes(b"")
    with ExitStack() as stack:
        between: Network | Loopback = Loopback()
        if request.param == "firefox":
            between = stack.enter_context(Network(parse_link("1000")))
        with between.server():
            lightbox = Lightbox(
                log,
                profile="blank",
                width_px=DESKTOP_PX[0],
                height_px=DESKTOP_PX[1],
                video="economy",
                host=between.host,
            )
        stack.callback(lightbox.stop)
        stack.enter_context(between.client())
        browser = start_browser(request.param)
        stack.callback(browser.close)
        yield Ward(signed_in(browser, lightbox), lightbox, between)


def test_video_while_it_moves_and_exact_when_it_rests(ward: Ward, out: Path) -> None:
    watcher = ward.viewer
    engine = watcher.browser.engine
    watcher.open_desktop("blank")
    watcher.watch_connection()
    before = ward.frames()
    with ward.network.server():  # where the desktop's display is found
        display = ward.lightbox.display()
        film = Film(display)
    try:
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
        film.stop()
        watcher.wait_exact()
        watcher.assert_equal(display, out, f"after-video-{engine}")
        assert "unverified" not in watcher.badges()
    finally:
        film.close()
        display.close()


def moves(viewer: Viewer) -> bool:
    """Whether the middle of the window looks different a moment later, as the surface has it."""
    x, y = AT_PX[0] + 300, AT_PX[1] + 300
    script = (
        f"const read = () => {SURFACE}.getContext('2d').getImageData({x}, {y}, 8, 8).data.join();"
        "const first = read(); for (let n = 0; n < 50; n++) {"
        "await new Promise((resolve) => setTimeout(resolve, 20));"
        "if (read() !== first) return true; } return false"
    )
    return bool(viewer.browser.evaluate(script))
