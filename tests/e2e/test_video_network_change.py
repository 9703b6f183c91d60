"""The network under a video becomes another one: tiles go on, video gets a new way, and the badge is right.

    server  10.77.0.1, 10.78.0.1  ────  10.77.0.2 → 10.77.0.3  client

The WebSocket goes to the first address of the server, video comes from the second.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.links.link import parse_link
from benchmarks.links.network import Network
from tests.e2e.browsers.browser import Browser
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.film import Film
from tests.e2e.processes import wait_for
from tests.e2e.video_setup import VideoSetup, film, moves, open_video_setup

#: Longer than the agent waits before it asks for another connection, and than a lost WebSocket is waited for.
RECOVERY_S = 60.0
VIDEO_ADDRESS = "10.78.0.1"
#: Enough to say that it plays; a busy host makes few.
FRAMES = 5
#: Of the browser: where it is first, and where it comes to.
HERE, THERE = "10.77.0.2/24", "10.77.0.3/24"


def ip(*words: str) -> None:
    """In the namespace of this thread."""
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


@pytest.fixture
def wandering(start_browser: Callable[[str], Browser], out: Path) -> Iterator[VideoSetup]:
    """Firefox, which follows the addresses of its host."""
    log, settings = out / "lightbox-video-network.log", {"LIGHTBOX_VIDEO_ADDRESSES": VIDEO_ADDRESS}
    with Network(parse_link("1000")) as network:
        with network.server():
            ip("address", "add", f"{VIDEO_ADDRESS}/32", "dev", "veth0")
        with network.client():
            ip("route", "add", VIDEO_ADDRESS, "dev", "veth1")
        with open_video_setup(log, lambda: start_browser("firefox"), network=network, settings=settings) as ward:
            yield ward


def plays(ward: VideoSetup) -> None:
    """Until video reaches the surface."""
    ward.viewer.wait_for_badge("lossy", timeout_s=RECOVERY_S)
    before = ward.frames()
    wait_for(
        lambda: ward.frames() >= before + FRAMES,
        timeout_s=RECOVERY_S,
        what=lambda: f"frames of video; {ward.viewer.situation()}, was {ward.viewer.badges()[-20:]}",
    )
    assert moves(ward.viewer)


@contextmanager
def film_under_way(ward: VideoSetup) -> Iterator[tuple[XDisplay, Film]]:
    with film(ward) as (display, playing):
        plays(ward)
        yield display, playing


def test_a_way_that_lets_no_udp_through_any_more(wandering: VideoSetup, out: Path) -> None:
    ward, viewer = wandering, wandering.viewer
    with film_under_way(ward) as (display, playing):
        connected = ward.counted("video_connected")
        with ward.network.client():
            ip("route", "replace", "blackhole", VIDEO_ADDRESS)
        wait_for(lambda: ward.counted("video_failed") > 0, timeout_s=RECOVERY_S, what="the end of video")
        viewer.wait_for_badge("refining", "exact")
        assert moves(viewer), "tiles bring what moves"
        with ward.network.client():
            ip("route", "replace", VIDEO_ADDRESS, "dev", "veth1")
        wait_for(
            lambda: ward.counted("video_connected") > connected, timeout_s=RECOVERY_S, what="a new connection"
        )
        plays(ward)
        playing.stop()
        viewer.wait_exact()
        viewer.assert_equal(display, out, "after-a-closed-way")
        assert viewer.connections() == ["connected"], "the WebSocket had no part in it"
        assert "unverified" not in viewer.badges()


def test_another_address(wandering: VideoSetup, out: Path) -> None:
    ward, viewer = wandering, wandering.viewer
    with film_under_way(ward) as (display, playing):
        connected = ward.counted("video_connected")
        with ward.network.client():
            ip("address", "del", HERE, "dev", "veth1")
        # Nothing comes any more, and nothing is claimed of the picture.
        viewer.wait_for_badge("unverified", timeout_s=RECOVERY_S)
        with ward.network.client():
            ip("address", "add", THERE, "dev", "veth1")
            ip("route", "replace", VIDEO_ADDRESS, "dev", "veth1")
        wait_for(
            lambda: ward.counted("video_connected") > connected, timeout_s=RECOVERY_S, what="a new connection"
        )
        plays(ward)
        playing.stop()
        viewer.wait_exact()
        viewer.assert_equal(display, out, "after-another-address")
        assert viewer.connections()[-1] == "connected"
