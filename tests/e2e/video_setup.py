"""Setup of the video tests: a viewer, its Lightbox, the network between them and motion on the desktop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.links.network import LinkNetwork, LoopbackNetwork
from tests.e2e.browsers.browser import Browser
from tests.e2e.conftest import DESKTOP_PX, signed_in
from tests.e2e.gateway_client import GatewayClient, metric_sum
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import SURFACE, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.film import POSITION_PX, Film

LOOPBACK = LoopbackNetwork()
#: How long tests wait for video to start, s. A failed attempt is repeated by the product after 10 s, then
#: after 20 s: on a busy host the first ones may fail.
VIDEO_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class VideoSetup:
    """A viewer at a Lightbox, and the network between them."""

    viewer: Viewer
    lightbox: Lightbox
    network: LinkNetwork

    def frames(self) -> float:
        """Returns the number of video frames sent so far."""
        return self.metric("video_frames")

    def metric(self, name: str) -> float:
        """Returns a figure of `/metrics`."""
        client = GatewayClient(self.lightbox.url, state=self.lightbox.state_folder)
        with self.network.server(), closing(client) as gateway:
            return metric_sum(gateway.metrics(), name)

    def display(self) -> XDisplay:
        """Connects to the desktop's display, which is reachable only in the server's namespace."""
        with self.network.server():
            return self.lightbox.display()

    def wait_for_video(self, frames: int) -> None:
        """Waits until the badge says lossy and this many further frames were sent as video.

        On a busy host video may end and start again meanwhile.
        """
        before = self.frames()
        self.viewer.wait_for_badge("lossy", timeout_s=VIDEO_TIMEOUT_S)
        wait_for(
            lambda: self.frames() - before >= frames,
            timeout_s=VIDEO_TIMEOUT_S,
            what=lambda: (
                f"{frames} frames of video; {self.viewer.situation()}, badges {self.viewer.badges()[-20:]}"
            ),
        )

    def wait_for_changing_surface(self) -> None:
        """Waits until the surface is seen to change where the film plays."""
        wait_for(
            lambda: surface_changes(self.viewer),
            timeout_s=VIDEO_TIMEOUT_S,
            what=lambda: f"motion on the surface; {self.viewer.situation()}",
        )


@contextmanager
def open_video_setup(
    log: Path,
    start: Callable[[], Browser],
    *,
    network: LinkNetwork = LOOPBACK,
    video: str = "economy",
    settings: Mapping[str, str] | None = None,
) -> Iterator[VideoSetup]:
    """Starts Lightbox in the server's namespace and opens its desktop with the browser that `start` returns.

    The browser and this thread are in the client's namespace. The viewer's connection is watched from the
    start. `video` is Lightbox's video policy, `settings` its environment.
    """
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
def play_film(setup: VideoSetup) -> Iterator[tuple[XDisplay, Film]]:
    """Plays a film on the desktop until it is stopped or the block ends."""
    with closing(setup.display()) as display:
        with setup.network.server():
            film = Film(display)
        with closing(film):
            yield display, film


def surface_changes(viewer: Viewer) -> bool:
    """Returns whether the surface changes within a second in the middle of the film's window."""
    x, y = POSITION_PX[0] + 300, POSITION_PX[1] + 300
    script = (
        f"const read = () => {SURFACE}.getContext('2d').getImageData({x}, {y}, 8, 8).data.join();"
        "const first = read(); for (let n = 0; n < 50; n++) {"
        "await new Promise((resolve) => setTimeout(resolve, 20));"
        "if (read() !== first) return true; } return false"
    )
    return bool(viewer.browser.evaluate(script))
