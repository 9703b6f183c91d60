"""The network changes while video plays: tiles continue, video gets a new connection, the badge is right.

    server  10.77.0.1, 10.78.0.1  ────  10.77.0.2 → 10.77.0.3  client

The WebSocket connects to the server's first address; video comes from the second one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.links.link import parse_link
from benchmarks.links.network import NamespaceNetwork
from tests.e2e.browsers.browser import Browser
from tests.e2e.processes import wait_for
from tests.e2e.video_setup import VIDEO_TIMEOUT_S, VideoSetup, open_video_setup, play_film
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.film import Film

#: Address from which the server sends video.
VIDEO_ADDRESS = "10.78.0.1"
#: Enough frames to say that video plays; no rate is asked of the host.
FRAMES = 5
#: The browser's address before and after the change of the network.
OLD_ADDRESS, NEW_ADDRESS = "10.77.0.2/24", "10.77.0.3/24"


def ip(*words: str) -> None:
    """Runs `ip` in the network namespace of this thread."""
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


@pytest.fixture
def setup(start_browser: Callable[[str], Browser], out: Path) -> Iterator[VideoSetup]:
    """Firefox, which follows changes of its host's addresses, in a network with a second server address."""
    log, settings = out / "lightbox-video-network.log", {"LIGHTBOX_VIDEO_ADDRESSES": VIDEO_ADDRESS}
    with NamespaceNetwork(parse_link("1000")) as network:
        with network.server():
            ip("address", "add", f"{VIDEO_ADDRESS}/32", "dev", "veth0")
        with network.client():
            ip("route", "add", VIDEO_ADDRESS, "dev", "veth1")
        with open_video_setup(
            log, lambda: start_browser("firefox"), network=network, settings=settings
        ) as setup:
            yield setup


def wait_for_visible_video(setup: VideoSetup) -> None:
    """Waits until video reaches the surface."""
    setup.wait_for_video(FRAMES)
    setup.wait_for_changing_surface()


def wait_for_reconnected_video(setup: VideoSetup, before: float) -> None:
    """Waits until more WebRTC connections were made than `before`."""
    wait_for(
        lambda: setup.metric("video_connected") > before,
        timeout_s=VIDEO_TIMEOUT_S,
        what="a new video connection",
    )


@contextmanager
def play_visible_film(setup: VideoSetup) -> Iterator[tuple[XDisplay, Film]]:
    with play_film(setup) as (display, film):
        wait_for_visible_video(setup)
        yield display, film


@pytest.mark.nightly  # half a minute of processor; test_video_connections.py has the fallback alone
def test_falls_back_to_tiles_while_udp_is_blocked(setup: VideoSetup, out: Path) -> None:
    viewer = setup.viewer
    with play_visible_film(setup) as (display, film):
        connected = setup.metric("video_connected")
        with setup.network.client():
            ip("route", "replace", "blackhole", VIDEO_ADDRESS)
        wait_for(
            lambda: setup.metric("video_failed") > 0, timeout_s=VIDEO_TIMEOUT_S, what="the failure of video"
        )
        viewer.wait_for_badge("refining", "exact")
        setup.wait_for_changing_surface()  # tiles bring the motion
        with setup.network.client():
            ip("route", "replace", VIDEO_ADDRESS, "dev", "veth1")
        wait_for_reconnected_video(setup, connected)
        wait_for_visible_video(setup)
        film.stop()
        viewer.wait_exact()
        viewer.assert_equal(display, out, "after-blocked-udp")
        assert viewer.connections() == ["connected"], "the WebSocket must not be affected"
        assert "unverified" not in viewer.badges()


@pytest.mark.nightly
def test_recovers_from_a_new_client_address(setup: VideoSetup, out: Path) -> None:
    viewer = setup.viewer
    with play_visible_film(setup) as (display, film):
        connected = setup.metric("video_connected")
        with setup.network.client():
            ip("address", "del", OLD_ADDRESS, "dev", "veth1")
        # Nothing arrives any more, so the badge must not claim anything.
        viewer.wait_for_badge("unverified", timeout_s=VIDEO_TIMEOUT_S)
        with setup.network.client():
            ip("address", "add", NEW_ADDRESS, "dev", "veth1")
            ip("route", "replace", VIDEO_ADDRESS, "dev", "veth1")
        wait_for_reconnected_video(setup, connected)
        wait_for_visible_video(setup)
        film.stop()
        viewer.wait_exact()
        viewer.assert_equal(display, out, "after-new-address")
        assert viewer.connections()[-1] == "connected"
