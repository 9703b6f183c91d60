"""Closed ways, detours, browsers that show nothing: the session lives on and the badge is right."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.x_desktop.film import RATE
from tests.e2e.processes import Program, free_port, wait_for
from tests.e2e.video_setup import VideoSetup, film, open_video_setup
from tests.e2e.viewer import PATIENCE_S

#: WebRTC that goes through relays alone; where there is none, it goes nowhere.
RELAYS_ALONE = """
const Native = RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(settings) { super({ ...settings, iceTransportPolicy: 'relay' }); window.peer = this; }
};
"""
#: A browser that decodes nothing.
BLIND = """
delete window.MediaStreamTrackProcessor;
HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0;
"""
#: WebRTC whose data channel the test can reach.
HELD_CHANNEL = """
const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...settings) {
  return window.channel = create.apply(this, settings);
};
"""
#: Which pair of candidates carries the video, and how the browser reaches the relay.
WAY = """
for (const report of (await window.peer.getStats()).values())
  if (report.type === 'candidate-pair' && report.state === 'succeeded' && report.nominated) {
    const local = (await window.peer.getStats()).get(report.localCandidateId);
    return [local.candidateType, local.relayProtocol ?? ''];
  }
return ['', ''];
"""


class MakeVideoSetup(Protocol):
    """A Lightbox whose video goes by `settings`, and Chromium with a script in its pages."""

    def __call__(self, script: str, settings: dict[str, str], video: str = "economy") -> VideoSetup: ...


@pytest.fixture
def ward(start_browser: Callable[[str], Browser], out: Path) -> Iterator[MakeVideoSetup]:
    with ExitStack() as stack:

        def make(script: str, settings: dict[str, str], video: str = "economy") -> VideoSetup:
            def chromium() -> Chromium:
                browser = start_browser("chromium")
                assert isinstance(browser, Chromium)
                browser.run(lambda: browser.page.add_init_script(script))
                return browser

            log = out / "lightbox-video-ways.log"
            return stack.enter_context(open_video_setup(log, chromium, video=video, settings=settings))

        yield make


@pytest.fixture
def relay(tmp_path: Path, out: Path) -> Iterator[tuple[dict[str, int], Path]]:
    """coturn with credentials that expire; its ports by the kind of way, and the file with its secret."""
    if shutil.which("turnserver") is None:
        pytest.fail("coturn is missing: make setup-dev installs it")
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(secrets.token_hex(16))
    certificate, key = tmp_path / "relay.pem", tmp_path / "relay.key"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1"
    request += f" -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    subprocess.run(
        ["openssl", *request.split()],
        check=True,
        capture_output=True,
    )
    ports = {"udp": free_port(), "tls": free_port()}
    options = {
        "listening-ip": "127.0.0.1",
        "relay-ip": "127.0.0.1",
        "listening-port": ports["udp"],
        "tls-listening-port": ports["tls"],
        "realm": "lightbox",
        "static-auth-secret": secret.read_text(),
        "cert": certificate,
        "pkey": key,
        "pidfile": tmp_path / "pid",
        "userdb": tmp_path / "users",
        "log-file": "stdout",
    }
    command = ["turnserver", "-n", "--no-cli", "--no-dtls", "--allow-loopback-peers", "--use-auth-secret"]
    program = Program(
        command + [f"--{name}={value}" for name, value in options.items()], log=out / "turnserver.log"
    )
    yield ports, secret
    program.stop()


@pytest.mark.parametrize("kind", ["udp", "tls"])
def test_a_relay_carries_what_may_not_go_straight(
    kind: str, relay: tuple[dict[str, int], Path], ward: MakeVideoSetup
) -> None:
    ports, secret = relay
    urls = {
        "udp": f"turn:127.0.0.1:{ports['udp']}?transport=udp",
        "tls": f"turns:127.0.0.1:{ports['tls']}?transport=tcp",
    }
    there = ward(
        RELAYS_ALONE,
        {"LIGHTBOX_VIDEO_TURN_URLS": urls[kind], "LIGHTBOX_VIDEO_TURN_SECRET_FILE": str(secret)},
    )
    with film(there) as (_, playing):
        there.viewer.wait_for_badge("lossy")
        wait_for(lambda: there.frames() > 2 * RATE, timeout_s=PATIENCE_S, what="frames of video")
        assert there.viewer.browser.evaluate(WAY) == ["relay", kind]
        playing.stop()
        there.viewer.wait_exact()


def test_without_udp_tiles_bring_everything(ward: MakeVideoSetup) -> None:
    there = ward(RELAYS_ALONE, {})
    with film(there) as (_, playing):
        time.sleep(10)  # longer than a connection is waited for
        playing.stop()
        there.viewer.wait_exact()
    assert there.frames() == 0
    assert "lossy" not in there.viewer.badges()
    assert there.viewer.connections() == ["connected"]


def test_a_browser_that_shows_nothing_gets_tiles(ward: MakeVideoSetup) -> None:
    there = ward(BLIND, {})
    with film(there) as (_, playing):
        there.viewer.wait_for_badge("lossy")
        # While it still moves tiles take over, and what they bring is proven.
        wait_for(lambda: there.viewer.badges()[-1] != "lossy", timeout_s=PATIENCE_S, what="the end of video")
        playing.stop()
        there.viewer.wait_exact()
    assert there.viewer.connections() == ["connected"]


def test_motions_take_the_channel_and_go_on_without_it(ward: MakeVideoSetup) -> None:
    there = ward(HELD_CHANNEL, {})
    browser = there.viewer.browser
    display = there.lightbox.display()

    def arrives(x: int, y: int) -> None:
        there.viewer.move((x, y))
        wait_for(lambda: display.pointer() == (x, y), timeout_s=PATIENCE_S, what=f"the pointer at {x}, {y}")

    try:
        wait_for(
            lambda: browser.evaluate("return window.channel?.readyState") == "open",
            timeout_s=PATIENCE_S,
            what="an open channel",
        )
        arrives(50, 50)
        for step in range(1, 11):
            arrives(50 + 20 * step, 50 + 10 * step)
        wait_for(lambda: there.counted("pointer_datagrams") >= 10, timeout_s=PATIENCE_S, what="datagrams")
        # A press and a drag, by both ways together.
        there.viewer.drag((300, 200), (500, 300))
        wait_for(
            lambda: (display.pointer(), display.held()[1]) == ((500, 300), 0),
            timeout_s=PATIENCE_S,
            what="the end of the drag",
        )
        there.viewer.click_element("[data-badge]")
        wait_for(
            lambda: "Pointer motions by UDP" in browser.evaluate("return document.body.innerText"),
            timeout_s=PATIENCE_S,
            what="the figure in the badge",
        )
        browser.evaluate("window.channel.close()")
        there.viewer.click_element("[data-badge]")
        arrives(100, 300)
        before = there.counted("pointer_datagrams")
        for step in range(1, 6):
            arrives(100 + 20 * step, 300)
        assert there.counted("pointer_datagrams") == before
        assert there.viewer.connections() == ["connected"]
    finally:
        display.close()


def test_a_monitor_that_is_to_be_exact_shows_no_video(ward: MakeVideoSetup) -> None:
    there = ward("", {}, video="economy,0=exact")
    with film(there) as (_, playing):
        shown = there.counted("agent_updates_total")
        wait_for(
            lambda: there.counted("agent_updates_total") > shown + 4 * RATE,
            timeout_s=PATIENCE_S,
            what="the film as tiles",
        )
        playing.stop()
        there.viewer.wait_exact()
    assert there.frames() == 0
    assert "lossy" not in there.viewer.badges()
