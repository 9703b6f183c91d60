"""Sign-in, tickets, and protection against strangers and malformed input."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator

import httpx2
import pytest
from display_codecs import ENCODING_NAMES

from display_server.protocol.close_codes import CloseCode
from display_server.protocol.limits import VIEWER_BINARY_MAX_BYTES, VIEWER_TEXT_MAX_BYTES
from display_server.protocol.subprotocol import SUBPROTOCOL
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.gateway_client import GatewayClient, read_close
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

#: Largest transfer for the first page load, bytes compressed.
FIRST_LOAD_MAX_BYTES = 300_000

HELLO = {
    "type": "hello",
    "protocol": 1,
    "client": "test",
    "monitor": 0,
    "cache_bytes": 0,
    "encodings": list(ENCODING_NAMES),
}


@pytest.fixture(scope="module")
def gateway(lightbox: Lightbox) -> Iterator[GatewayClient]:
    """A client that is signed in as the demo user."""
    client = GatewayClient(lightbox.url, state=lightbox.state_folder)
    assert client.sign_in(lightbox.username, lightbox.password).status_code < 300
    yield client
    client.close()


@pytest.fixture
def stranger(lightbox: Lightbox) -> Iterator[GatewayClient]:
    """A client that is not signed in."""
    client = GatewayClient(lightbox.url)
    yield client
    client.close()


def test_a_wrong_password_is_reported_and_refused(chromium_viewer: Viewer, lightbox: Lightbox) -> None:
    viewer = chromium_viewer
    viewer.sign_out()
    before = viewer.browser.evaluate("return document.body.innerText")
    viewer.fill_in(lightbox.username, "wrong" + lightbox.password)
    message = wait_for(
        lambda: viewer.browser.evaluate(
            "return [...document.querySelectorAll('[role=alert]')].map((e) => e.innerText).join(' ').trim()"
        ),
        timeout_s=PATIENCE_S,
        what=lambda: f"an error message; the page was {before!r}, now {viewer.situation()}",
    )
    assert message
    assert viewer.browser.evaluate("return (await fetch('/api/v1/me')).status") == 401
    assert viewer.desktops() == []


def test_a_desktops_address_opens_it_after_sign_in(chromium_viewer: Viewer, lightbox: Lightbox) -> None:
    viewer = chromium_viewer
    viewer.sign_out()
    viewer.browser.open(lightbox.url + "/desktop/radiology")
    viewer.fill_in(lightbox.username, lightbox.password)
    viewer.wait_exact()


def test_a_wrong_password_sets_no_cookie(stranger: GatewayClient, lightbox: Lightbox) -> None:
    answer = stranger.sign_in(lightbox.username, "wrong")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    unknown = stranger.sign_in("nobody", "wrong")
    assert (unknown.status_code, unknown.json()) == (401, answer.json()), (
        "the answer must not reveal which accounts exist"
    )


def test_the_cookie_cannot_be_read_by_scripts_or_sent_to_other_sites(
    stranger: GatewayClient, lightbox: Lightbox
) -> None:
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
def test_requests_without_sign_in_are_refused(stranger: GatewayClient, method: str, path: str) -> None:
    answer = stranger.http.request(method, path)
    assert answer.status_code == 401
    assert answer.json()["code"] == "signed-out"


def test_requests_of_another_site_are_refused(lightbox: Lightbox) -> None:
    client = GatewayClient(lightbox.url, origin="https://elsewhere.example")
    answer = client.sign_in(lightbox.username, lightbox.password)
    client.close()
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_ticket_is_valid_once(gateway: GatewayClient) -> None:
    ticket = gateway.viewer("radiology")["ticket"]
    with gateway.connect(ticket) as viewer:
        assert viewer.subprotocol == SUBPROTOCOL
    assert gateway.refusal(ticket) == CloseCode.TICKET_REJECTED


def test_a_made_up_ticket_is_refused(gateway: GatewayClient) -> None:
    assert gateway.refusal("A" * 43) == CloseCode.TICKET_REJECTED


def test_another_persons_ticket_is_refused(gateway: GatewayClient, stranger: GatewayClient) -> None:
    """A ticket is valid only with the cookie that requested it."""
    ticket = gateway.viewer("radiology")["ticket"]
    assert stranger.refusal(ticket) in {CloseCode.TICKET_REJECTED, CloseCode.FORBIDDEN}


def test_a_websocket_of_another_site_is_refused(gateway: GatewayClient) -> None:
    ticket = gateway.viewer("radiology")["ticket"]
    assert gateway.refusal(ticket, origin="https://elsewhere.example") in {CloseCode.FORBIDDEN, 403}


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("{", id="no JSON"),
        pytest.param('{"type": "nonsense"}', id="unknown type"),
        pytest.param('{"type": "pointer", "x": "left", "y": 1, "buttons": 0}', id="wrong field"),
        pytest.param('{"type": "wheel", "x": 0, "y": 0, "dx": 0, "dy": 12001}', id="out of range"),
        pytest.param(" " * (VIEWER_TEXT_MAX_BYTES + 1), id="text too long"),
        pytest.param(b"\x07garbage", id="unknown binary"),
        pytest.param(b"\x02\x00\x00\x00\x01", id="report cut short"),
        pytest.param(bytes(VIEWER_BINARY_MAX_BYTES + 1), id="binary too long"),
    ],
)
def test_a_malformed_frame_ends_only_its_viewer(
    gateway: GatewayClient,
    chromium: Chromium,
    chromium_viewer: Viewer,
    lightbox: Lightbox,
    frame: str | bytes,
) -> None:
    chromium_viewer.open_desktop("radiology")
    gateway.take_cookies(chromium.run(lambda: chromium.page.context.cookies()))
    agent = lightbox.session().agent_pid
    with gateway.connect(gateway.viewer("radiology")["ticket"]) as bad:
        bad.send(json.dumps(HELLO))
        assert json.loads(bad.recv())["type"] == "welcome"
        bad.send(frame)
        code, reason = read_close(bad)
    assert code == CloseCode.PROTOCOL_VIOLATION
    assert reason
    assert chromium_viewer.connection() == "connected"
    assert lightbox.session().agent_pid == agent


def test_an_unknown_desktop_is_reported(gateway: GatewayClient) -> None:
    answer = gateway.http.post("/api/v1/desktops/nowhere/viewers")
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_pages_have_security_headers(stranger: GatewayClient) -> None:
    for path in ("/", "/desktop/radiology"):
        headers = stranger.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in {"no-referrer", "same-origin"}


def test_the_page_violates_no_content_security_policy(chromium_viewer: Viewer) -> None:
    chromium_viewer.open_desktop("radiology")
    bad = [line for line in chromium_viewer.browser.console() if "content security policy" in line.lower()]
    uncaught = [line for line in chromium_viewer.browser.console() if line.startswith("uncaught")]
    assert (bad, uncaught) == ([], [])


def test_requests_over_tls_1_2_are_refused(lightbox: Lightbox) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    answer = httpx2.get(lightbox.url + "/", verify=context, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "proxy-tls")


def test_the_local_authority_certifies_the_gateway(lightbox: Lightbox, stranger: GatewayClient) -> None:
    """A tablet that installed the root certificate trusts the gateway."""
    root = stranger.http.get("/ca.crt")
    assert root.status_code == 200
    data = (
        root.content
        if b"BEGIN CERTIFICATE" in root.content
        else ssl.DER_cert_to_PEM_cert(root.content).encode()
    )
    context = ssl.create_default_context(cadata=data.decode())
    assert httpx2.get(lightbox.url + "/healthz", verify=context, trust_env=False).status_code == 200


def test_the_first_load_is_small(stranger: GatewayClient) -> None:
    """Counts the compressed bytes of everything that the page may request."""
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


def test_metrics_contain_all_stages_of_a_frame(gateway: GatewayClient, chromium_viewer: Viewer) -> None:
    chromium_viewer.open_desktop("radiology")
    text = gateway.metrics()
    stages = set(re.findall(r'^\w+_seconds_bucket{[^}]*stage="(\w+)"', text, re.M))
    assert {"capture", "diff", "encode", "network", "decode", "show", "total"} <= stages, text[:3000]
