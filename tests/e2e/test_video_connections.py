"""Relays, blocked UDP and browsers that show no video: the session continues and the badge is right."""

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
from tests.e2e.processes import Program, free_port, wait_for
from tests.e2e.video_setup import VIDEO_TIMEOUT_S, VideoSetup, open_video_setup, play_film
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.film import RATE_FPS

#: Lets WebRTC use relays only; without a relay it cannot connect.
RELAYS_ONLY = """
const Native = RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(settings) { super({ ...settings, iceTransportPolicy: 'relay' }); window.peer = this; }
};
"""
#: Makes the browser show no video frames.
NO_VIDEO_FRAMES = """
delete window.MediaStreamTrackProcessor;
HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0;
"""
#: Gives the test access to the data channel.
EXPOSED_CHANNEL = """
const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...settings) {
  return window.channel = create.apply(this, settings);
};
"""
#: Type of the local candidate that carries the video, and the protocol to its relay.
USED_CANDIDATE = """
for (const report of (await window.peer.getStats()).values())
  if (report.type === 'candidate-pair' && report.state === 'succeeded' && report.nominated) {
    const local = (await window.peer.getStats()).get(report.localCandidateId);
    return [local.candidateType, local.relayProtocol ?? ''];
  }
return ['', ''];
"""


class MakeVideoSetup(Protocol):
    """Starts a Lightbox with these settings, and Chromium with a script in its pages."""

    def __call__(self, script: str, settings: dict[str, str], video: str = "economy") -> VideoSetup: ...


@pytest.fixture
def make_setup(start_browser: Callable[[str], Browser], out: Path) -> Iterator[MakeVideoSetup]:
    with ExitStack() as stack:

        def make(script: str, settings: dict[str, str], video: str = "economy") -> VideoSetup:
            def chromium() -> Chromium:
                browser = start_browser("chromium")
                assert isinstance(browser, Chromium)
                browser.run(lambda: browser.page.add_init_script(script))
                return browser

            log = out / "lightbox-video-connections.log"
            return stack.enter_context(open_video_setup(log, chromium, video=video, settings=settings))

        yield make


@pytest.fixture
def relay(tmp_path: Path, out: Path) -> Iterator[tuple[dict[str, int], Path]]:
    """coturn with expiring credentials: its ports by protocol, and the file with its secret."""
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


@pytest.mark.parametrize("kind", ["udp", pytest.param("tls", marks=pytest.mark.nightly)])
def test_uses_a_relay_when_direct_connections_are_forbidden(
    kind: str, relay: tuple[dict[str, int], Path], make_setup: MakeVideoSetup
) -> None:
    ports, secret = relay
    urls = {
        "udp": f"turn:127.0.0.1:{ports['udp']}?transport=udp",
        "tls": f"turns:127.0.0.1:{ports['tls']}?transport=tcp",
    }
    setup = make_setup(
        RELAYS_ONLY,
        {"LIGHTBOX_VIDEO_TURN_URLS": urls[kind], "LIGHTBOX_VIDEO_TURN_SECRET_FILE": str(secret)},
    )
    with play_film(setup) as (_, film):
        setup.wait_for_video(2 * RATE_FPS)
        assert setup.viewer.browser.evaluate(USED_CANDIDATE) == ["relay", kind]
        film.stop()
        setup.viewer.wait_exact()


def test_falls_back_to_tiles_without_udp(make_setup: MakeVideoSetup) -> None:
    setup = make_setup(RELAYS_ONLY, {})
    with play_film(setup) as (_, film):
        time.sleep(10)  # longer than the agent waits for a connection
        film.stop()
        setup.viewer.wait_exact()
    assert setup.frames() == 0
    assert "lossy" not in setup.viewer.badges()
    assert setup.viewer.connections() == ["connected"]


@pytest.mark.nightly
def test_falls_back_to_tiles_when_the_browser_shows_no_frames(make_setup: MakeVideoSetup) -> None:
    setup = make_setup(NO_VIDEO_FRAMES, {})
    with play_film(setup) as (_, film):
        setup.viewer.wait_for_badge("lossy", timeout_s=VIDEO_TIMEOUT_S)
        # Tiles take over during the motion and are verified.
        wait_for(
            lambda: setup.viewer.badges()[-1] != "lossy", timeout_s=VIDEO_TIMEOUT_S, what="the end of video"
        )
        film.stop()
        setup.viewer.wait_exact()
    assert setup.viewer.connections() == ["connected"]


def test_pointer_motion_uses_the_data_channel_and_continues_without_it(make_setup: MakeVideoSetup) -> None:
    setup = make_setup(EXPOSED_CHANNEL, {})
    browser = setup.viewer.browser
    display = setup.lightbox.display()

    def move_pointer(x: int, y: int) -> None:
        setup.viewer.move((x, y))
        wait_for(lambda: display.pointer() == (x, y), timeout_s=PATIENCE_S, what=f"the pointer at {x}, {y}")

    try:
        wait_for(
            lambda: browser.evaluate("return window.channel?.readyState") == "open",
            timeout_s=PATIENCE_S,
            what="an open channel",
        )
        move_pointer(50, 50)
        for step in range(1, 11):
            move_pointer(50 + 20 * step, 50 + 10 * step)
        wait_for(
            lambda: setup.metric("pointer_datagrams") >= 10,
            timeout_s=PATIENCE_S,
            what="motion as datagrams",
        )
        # A drag uses WebSocket and data channel together.
        setup.viewer.drag((300, 200), (500, 300))
        wait_for(
            lambda: (display.pointer(), display.held()[1]) == ((500, 300), 0),
            timeout_s=PATIENCE_S,
            what="the end of the drag",
        )
        setup.viewer.click_element("[data-badge]")
        wait_for(
            lambda: "Pointer motions over UDP" in browser.evaluate("return document.body.innerText"),
            timeout_s=PATIENCE_S,
            what="the figure in the badge's panel",
        )
        browser.evaluate("window.channel.close()")
        setup.viewer.click_element("[data-badge]")
        move_pointer(100, 300)
        before = setup.metric("pointer_datagrams")
        for step in range(1, 6):
            move_pointer(100 + 20 * step, 300)
        assert setup.metric("pointer_datagrams") == before
        assert setup.viewer.connections() == ["connected"]
    finally:
        display.close()


@pytest.mark.nightly
def test_a_monitor_with_policy_exact_shows_no_video(make_setup: MakeVideoSetup) -> None:
    setup = make_setup("", {}, video="economy,0=exact")
    with play_film(setup) as (_, film):
        shown = setup.metric("agent_updates_total")
        wait_for(
            lambda: setup.metric("agent_updates_total") > shown + 4 * RATE_FPS,
            timeout_s=PATIENCE_S,
            what="the film as tiles",
        )
        film.stop()
        setup.viewer.wait_exact()
    assert setup.frames() == 0
    assert "lossy" not in setup.viewer.badges()
