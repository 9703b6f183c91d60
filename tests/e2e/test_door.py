"""Who gets in and who does not."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import DESKTOP_PX, OUT
from tests.e2e.door import Door
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

FIRST_LOAD_MAX_BYTES = 300_000
TICKET_LIFE_S = 30


@pytest.fixture(scope="module")
def door(lightbox: Lightbox) -> Iterator[Door]:
    """Signed in as the demo user."""
    client = Door(lightbox.url)
    assert client.sign_in(lightbox.username, lightbox.password).status_code < 300
    yield client
    client.close()


@pytest.fixture
def stranger(lightbox: Lightbox) -> Iterator[Door]:
    """Not signed in."""
    client = Door(lightbox.url)
    yield client
    client.close()


def test_wrong_password_says_so_and_lets_nobody_in(chromium_viewer: Viewer, lightbox: Lightbox) -> None:
    viewer = chromium_viewer
    viewer.sign_out()
    before = viewer.browser.evaluate("return document.body.innerText")
    viewer.fill_in(lightbox.username, "wrong" + lightbox.password)
    said = wait_for(
        lambda: viewer.browser.evaluate(
            "return [...document.querySelectorAll('[role=alert]')].map((e) => e.innerText).join(' ').trim()"
        ),
        timeout_s=PATIENCE_S,
        what=lambda: f"an error; the page said {before!r}, now {viewer.situation()}",
    )
    assert said
    assert viewer.browser.evaluate("return (await fetch('/api/v1/me')).status") == 401
    assert viewer.desktops() == []


def test_wrong_password_sets_no_cookie(stranger: Door, lightbox: Lightbox) -> None:
    answer = stranger.sign_in(lightbox.username, "wrong")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    unknown = stranger.sign_in("nobody", "wrong")
    assert (unknown.status_code, unknown.json()) == (401, answer.json()), "tells which accounts exist"


def test_cookie_cannot_be_read_or_sent_elsewhere(stranger: Door, lightbox: Lightbox) -> None:
    cookie = stranger.sign_in(lightbox.username, lightbox.password).headers["set-cookie"]
    assert cookie.startswith("__Host-lightbox=")
    for attribute in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
        assert attribute.lower() in cookie.lower()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/desktops"),
        ("POST", "/api/v1/desktops/radiology/viewers"),
    ],
)
def test_nothing_without_sign_in(stranger: Door, method: str, path: str) -> None:
    answer = stranger.http.request(method, path)
    assert answer.status_code == 401
    assert answer.json()["code"] == "signed-out"


def test_request_of_another_site_is_refused(lightbox: Lightbox) -> None:
    client = Door(lightbox.url, origin="https://elsewhere.example")
    answer = client.sign_in(lightbox.username, lightbox.password)
    client.close()
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_ticket_is_good_once(door: Door) -> None:
    ticket = door.viewer("radiology")["ticket"]
    with door.connect(ticket) as viewer:
        assert viewer.subprotocol == "lightbox.1"
    assert door.refusal(ticket) == 4401


def test_made_up_ticket(door: Door) -> None:
    assert door.refusal("A" * 43) == 4401


def test_ticket_of_somebody_else(door: Door, stranger: Door) -> None:
    """A ticket is no use without the cookie that asked for it."""
    ticket = door.viewer("radiology")["ticket"]
    assert stranger.refusal(ticket) in {4401, 4403}


def test_websocket_of_another_site(door: Door) -> None:
    ticket = door.viewer("radiology")["ticket"]
    assert door.refusal(ticket, origin="https://elsewhere.example") in {4403, 403}


def test_unknown_desktop(door: Door) -> None:
    answer = door.http.post("/api/v1/desktops/nowhere/viewers")
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_security_headers(stranger: Door) -> None:
    for path in ("/", "/desktop/radiology"):
        headers = stranger.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in {"no-referrer", "same-origin"}


def test_page_breaks_no_policy(chromium_viewer: Viewer) -> None:
    chromium_viewer.open_desktop("radiology")
    bad = [line for line in chromium_viewer.browser.console() if "content security policy" in line.lower()]
    uncaught = [line for line in chromium_viewer.browser.console() if line.startswith("uncaught")]
    assert (bad, uncaught) == ([], [])


def test_only_the_newest_tls(lightbox: Lightbox) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", lightbox.port)) as line,
        pytest.raises(ssl.SSLError),
        context.wrap_socket(line),
    ):
        pass


def test_local_authority_vouches_for_the_door(lightbox: Lightbox, stranger: Door) -> None:
    """What a tablet gets after it installed the root."""
    root = stranger.http.get("/ca.crt")
    assert root.status_code == 200
    data = (
        root.content
        if b"BEGIN CERTIFICATE" in root.content
        else ssl.DER_cert_to_PEM_cert(root.content).encode()
    )
    context = ssl.create_default_context(cadata=data.decode())
    assert httpx.get(lightbox.url + "/healthz", verify=context, trust_env=False).status_code == 200


def test_first_load_is_small(stranger: Door) -> None:
    """Everything that the page may ask for, as it comes over the line."""
    dist = ROOT / "clients" / "web" / "dist"
    names = [f"/{path.relative_to(dist)}" for path in dist.rglob("*") if path.is_file()]
    assets = [name for name in names if not name.endswith((".map", ".html", ".gz", ".br"))]
    total = 0
    for name in ["/", *assets]:
        with stranger.http.stream("GET", name, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status_code == 200, name
            total += sum(len(chunk) for chunk in answer.iter_raw())
    print(f"first load: {total} bytes")
    assert total < FIRST_LOAD_MAX_BYTES


def test_metrics_tell_the_stages(door: Door, chromium_viewer: Viewer) -> None:
    chromium_viewer.open_desktop("radiology")
    text = door.metrics()
    histograms = set(re.findall(r"^# TYPE (\S+) histogram$", text, re.M))
    assert histograms, text[:2000]
    for stage in ("captured", "diffed", "encoded", "sent", "decoded", "shown"):
        assert stage[:5] in text, f"nothing about {stage}"


class TestAlone:
    """What would disturb others has a door of its own."""

    @pytest.fixture(scope="class")
    def blank(self) -> Iterator[Lightbox]:
        OUT.mkdir(exist_ok=True)
        log = OUT / "lightbox-blank.log"
        log.write_bytes(b"")
        running = Lightbox(log, profile="blank", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1])
        yield running
        running.stop()

    def test_ticket_expires(self, blank: Lightbox) -> None:
        """Waits out a ticket's life; it is short."""
        import time

        client = Door(blank.url)
        client.sign_in(blank.username, blank.password)
        ticket = client.viewer("blank")["ticket"]
        time.sleep(TICKET_LIFE_S + 1)
        assert client.refusal(ticket) == 4401
        client.close()

    def test_guessing_is_slowed_down(self, blank: Lightbox) -> None:
        client = Door(blank.url)
        answers = [client.sign_in(blank.username, f"guess{number}") for number in range(25)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[0] == 401
        assert statuses[-1] == 429
        assert int(answers[-1].headers["retry-after"]) > 0
        assert answers[-1].json()["message"]
        right = client.sign_in(blank.username, blank.password)
        assert right.status_code == 429, "the limit can be walked around"
        client.close()

    def test_sigterm_leaves_nothing(self, blank: Lightbox, tmp_path: Path) -> None:
        session = blank.session()
        family = blank.program.family()
        folder = session.xauthority.parent
        assert folder.is_dir()
        assert {session.x_server_pid, session.agent_pid} <= {process.pid for process in family}
        blank.program.terminate()
        assert blank.program.wait(20) == 0
        assert blank.rest_of_output() == b""
        assert [process for process in family if process.is_running()] == []
        assert not folder.exists()
        assert not folder.parent.exists() or folder.parent.name != "desktops"
