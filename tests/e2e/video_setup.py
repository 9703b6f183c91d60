"""What the tests of video share: a viewer at a Lightbox, the network between them, a film on the desktop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.links.network import LinkEstimate, Loopback
from tests.e2e.browsers.browser import Browser
from tests.e2e.conftest import DESKTOP_PX, signed_in
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.film import AT_PX, Film
from tests.e2e.gateway_client import GatewayClient, metric_sum
from tests.e2e.lightbox import Lightbox
from tests.e2e.viewer import SURFACE, Viewer

LOOPBACK = Loopback()


@dataclass(frozen=True, slots=True)
class VideoSetup:
    """A viewer at a Lightbox, and the network between them."""

    viewer: Viewer
    lightbox: Lightbox
    network: LinkEstimate

    def frames(self) -> float:
        """Of video, sent so far."""
        return self.counted("video_frames")

    def counted(self, name: str) -> float:
        """A figure of `/metrics`."""
        with self.network.server(), closing(GatewayClient(self.lightbox.url)) as gateway:
            return metric_sum(gateway.metrics(), name)

    def display(self) -> XDisplay:
        """The desktop's, which is found where the server is."""
        with self.network.server():
            return self.lightbox.display()


@contextmanager
def open_video_setup(
    log: Path,
    start: Callable[[], Browser],
    *,
    network: LinkEstimate = LOOPBACK,
    video: str = "economy",
    settings: Mapping[str, str] | None = None,
) -> Iterator[VideoSetup]:
    """Lightbox on the server's side; on the client's, where this thread stays meanwhile, the browser that
    `start` gives, its desktop open and its connection watched. `video` and `settings` are Lightbox's.
    """
    log.write_bytes(b"")
    width_px, height_px = DESKTOP_PX
    with ExitStack() as stack:
        with network.server():
            lightbox = Lightbox(
                log,
                profile="blank",
                width_px=width_px,
                height_px=height_px,
                video=video,
                host=network.host,
                settings=settings,
            )
        stack.callback(lightbox.stop)
        stack.enter_context(network.client())
        browser = start()
        stack.callback(browser.close)
        viewer = signed_in(browser, lightbox)
        viewer.open_desktop("blank")
        viewer.watch_connection()
        yield VideoSetup(viewer, lightbox, network)


@contextmanager
def film(ward: VideoSetup) -> Iterator[tuple[XDisplay, Film]]:
    """Plays on the desktop until it is stopped, or the block ends."""
    with closing(ward.display()) as display:
        with ward.network.server():
            playing = Film(display)
        with closing(playing):
            yield display, playing


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
