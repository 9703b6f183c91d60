"""The HTTP interface, mostly without a network."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.exc import OperationalError

from display_server import __version__
from display_server.broker.known_devices import COOKIE_S
from display_server.errors import DesktopError
from display_server.gateway.page_policy import PagePolicy
from display_server.gateway.request_guard import BODY_MAX_BYTES
from tests.fakes.gateway import (
    MAY_READ_METRICS,
    METRICS_TOKEN,
    PASSWORD,
    GatewayUnderTest,
    running_gateway,
)
from tests.fakes.launchers import CrashingLauncher, EchoLauncher, NeverLauncher, SlowLauncher


async def test_signs_in_lists_desktops_and_signs_out(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    assert (await client.get("/api/v1/me")).json()["code"] == "signed-out"
    answer = await client.post("/api/v1/sign-in", json={"username": " KIM ", "password": PASSWORD})
    assert answer.json()["state"] == "signed-in"
    assert (await client.get("/api/v1/me")).json()["username"] == "kim"
    listed = (await client.get("/api/v1/desktops")).json()
    assert [(entry["name"], entry["state"]) for entry in listed] == [("reading", "off"), ("office", "off")]
    cookie = client.cookies["__Host-lightbox"]
    assert (await client.post("/api/v1/sign-out")).status_code == 200
    client.cookies.set("__Host-lightbox", cookie, domain="localhost")
    assert (await client.get("/api/v1/desktops")).status_code == 401


async def test_says_whether_desktops_are_isolated(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    for isolated in (False, True):
        local_gateway.services.isolated = isolated
        listed = (await client.get("/api/v1/desktops")).json()
        assert {entry["isolated"] for entry in listed} == {isolated}


async def test_a_second_person_is_refused_without_isolation(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, EchoLauncher(), served=False, one_person=True) as gateway:
        kim, lee = await gateway.sign_in("kim"), await gateway.sign_in("lee")
        assert (await kim.post("/api/v1/desktops/office/viewers")).status_code == 201
        refused = await lee.post("/api/v1/desktops/office/viewers")
        assert (refused.status_code, refused.json()["code"]) == (409, "one-person")
        assert "one person at a time" in refused.json()["message"]
        assert (await kim.post("/api/v1/desktops/reading/viewers")).status_code == 201


async def test_the_cookies_are_restricted_to_this_server_and_to_https(
    local_gateway: GatewayUnderTest,
) -> None:
    client = local_gateway.in_process_client()
    answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
    session, device = answer.headers.get_list("set-cookie")
    assert session.startswith("__Host-lightbox=")
    assert device.startswith("__Host-lightbox-device=")
    attributes = {part.strip().lower() for part in session.split(";")[1:]}
    assert attributes == {"path=/", "secure", "httponly", "samesite=strict"}
    lasting = {part.strip().lower() for part in device.split(";")[1:]} - attributes
    assert lasting == {f"max-age={COOKIE_S}"}


async def test_a_wrong_password_and_an_unknown_account_get_the_same_response(
    local_gateway: GatewayUnderTest,
) -> None:
    client = local_gateway.in_process_client()
    answers = [
        await client.post("/api/v1/sign-in", json={"username": name, "password": "wrong password"})
        for name in ("kim", "nobody")
    ]
    assert answers[0].status_code == answers[1].status_code == 401
    assert answers[0].content == answers[1].content
    assert answers[0].json()["code"] == "wrong-credentials"
    assert "set-cookie" not in answers[0].headers


async def test_repeated_failures_delay_the_sign_in(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    for _ in range(5):
        await client.post("/api/v1/sign-in", json={"username": "kim", "password": "wrong password"})
    answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "slow-down")
    assert answer.json()["message"]
    assert int(answer.headers["retry-after"]) > 0
    assert int(answer.headers["retry-after"]) > 0
    await local_gateway.sign_in("lee")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_rejects_changes_requested_by_other_sites(
    local_gateway: GatewayUnderTest, headers: dict[str, str]
) -> None:
    client = await local_gateway.sign_in()
    answer = await client.post("/api/v1/sign-out", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")
    assert (await client.get("/api/v1/me")).status_code == 200


async def test_rejects_changes_without_origin_and_fetch_site(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    del client.headers["Origin"]
    assert (await client.post("/api/v1/sign-out")).status_code == 403
    assert (
        await client.post("/api/v1/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
    ).status_code == 200


async def test_rejects_unknown_host_names(local_gateway: GatewayUnderTest) -> None:
    answer = await local_gateway.in_process_client().get("/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (421, "unknown-host")


async def test_a_forbidden_desktop_looks_like_a_missing_one(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in("lee")
    answers = [await client.post(f"/api/v1/desktops/{name}/viewers") for name in ("reading", "nonsense")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["code"] == "no-desktop"
    assert (await local_gateway.in_process_client().post("/api/v1/desktops/office/viewers")).json()[
        "code"
    ] == "signed-out"


async def test_opening_a_desktop_twice_joins_its_session(
    local_gateway: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    client, other = await local_gateway.sign_in(), await local_gateway.sign_in()
    answers = await asyncio.gather(
        client.post("/api/v1/desktops/reading/viewers"), other.post("/api/v1/desktops/reading/viewers")
    )
    first, second = (answer.json() for answer in answers)
    assert answers[0].status_code == 201
    assert first["session"] == second["session"]
    assert first["ticket"] != second["ticket"]
    assert first["websocket"] == "/viewer"
    assert len(launcher.started) == 1
    assert (await client.get("/api/v1/desktops")).json()[0]["state"] == "ready"
    theirs = (await (await local_gateway.sign_in("lee")).post("/api/v1/desktops/office/viewers")).json()
    mine = (await client.post("/api/v1/desktops/office/viewers")).json()
    assert theirs["session"] != mine["session"]


async def test_a_reconnecting_viewer_learns_that_its_desktop_has_ended(
    gateway: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    client = await gateway.sign_in()
    path = "/api/v1/desktops/reading/viewers"
    session = (await client.post(path)).json()["session"]
    assert (await client.post(path, params={"resume": session})).json()["session"] == session
    launcher.started[0].crash("the X server died")
    while (answer := await client.post(path, params={"resume": session})).status_code == 201:
        pass
    assert (answer.status_code, answer.json()["code"]) == (410, "desktop-ended")
    assert len(launcher.started) == 1, "no other desktop takes its place"
    assert (await client.post(path)).json()["session"] != session


async def test_restarts_the_display_of_the_persons_own_running_desktop(
    gateway: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    kim, lee = await gateway.sign_in("kim"), await gateway.sign_in("lee")
    path = "/api/v1/desktops/reading/display/restart"
    assert (await kim.post(path)).status_code == 404
    assert (await kim.post("/api/v1/desktops/reading/viewers")).status_code == 201
    assert (await kim.post(path)).status_code == 204
    assert (await lee.post(path)).status_code == 404
    assert launcher.started[0].display_restarts == 1


async def test_reports_a_desktop_that_does_not_start(folder: Path) -> None:
    async with running_gateway(folder, CrashingLauncher(), served=False) as local_gateway:
        client = await local_gateway.sign_in()
        answer = await client.post("/api/v1/desktops/reading/viewers")
        assert (answer.status_code, answer.json()["code"]) == (503, "desktop-failed")
        assert "apt-get install xvfb" in answer.json()["message"]
        assert (await client.get("/api/v1/desktops")).json()[0]["state"] == "failed"


async def test_hides_the_details_of_an_unexpected_exception_in_the_launcher(folder: Path) -> None:
    async with running_gateway(
        folder, CrashingLauncher(RuntimeError("secret detail")), served=False
    ) as local_gateway:
        answer = await (await local_gateway.sign_in()).post("/api/v1/desktops/reading/viewers")
        assert answer.status_code == 503
        assert "secret" not in answer.text


async def test_gives_up_a_start_that_takes_too_long(folder: Path) -> None:
    launcher = NeverLauncher()
    async with running_gateway(folder, launcher, start_timeout_s=0.05, served=False) as local_gateway:
        answer = await (await local_gateway.sign_in()).post("/api/v1/desktops/reading/viewers")
        assert answer.json()["code"] == "desktop-failed"
        assert launcher.cancelled


async def test_a_client_that_stops_waiting_does_not_cancel_the_start(folder: Path) -> None:
    launcher = SlowLauncher()
    async with running_gateway(folder, launcher) as gateway:
        client = await gateway.sign_in()
        with pytest.raises(httpx2.TimeoutException):
            await client.post("/api/v1/desktops/reading/viewers", timeout=0.2)
        launcher.release.set()
        assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 201
        assert launcher.requests == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b'{"username":"kim"}', 422),
        (b'{"username":1,"password":"x"}', 422),
        (b'{"username":"kim","password":"correct horse battery","extra":1}', 422),
        (b"\xff\xfe", 422),
        (b'{"username":"kim","password":"' + b"x" * BODY_MAX_BYTES + b'"}', 413),
    ],
)
async def test_rejects_malformed_sign_ins(local_gateway: GatewayUnderTest, body: bytes, status: int) -> None:
    answer = await local_gateway.in_process_client().post(
        "/api/v1/sign-in", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"code", "message"}
    assert "battery" not in answer.text


@pytest.mark.parametrize("path", ["/", "/desktop/reading", "/api/v1/me", "/nowhere", "/ca.crt", "/healthz"])
async def test_every_response_has_the_security_headers(local_gateway: GatewayUnderTest, path: str) -> None:
    headers = (await local_gateway.in_process_client().get(path)).headers
    assert headers["content-security-policy"] == PagePolicy().content_security_policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "strict-transport-security" not in headers  # see STRICT_TRANSPORT_SECURITY


async def test_assets_are_immutable_and_compressed(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    script = await client.get("/assets/main-abc123.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["content-type"].startswith("text/javascript")
    assert len(script.content) > 5000
    plain = await client.get("/assets/main-abc123.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == script.content
    wasm = await client.get("/assets/decoder-def456.wasm")
    assert wasm.headers["content-type"] == "application/wasm"
    again = await client.get("/assets/main-abc123.js", headers={"If-None-Match": script.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/assets/../../lightbox.db", "/%2e%2e/lightbox.db", "/assets/none.js", "//etc/passwd"]
)
async def test_serves_no_files_outside_the_web_client(local_gateway: GatewayUnderTest, path: str) -> None:
    assert (await local_gateway.in_process_client().get(path)).status_code == 404


async def test_explains_that_the_web_client_is_not_built(folder: Path) -> None:
    async with running_gateway(folder, EchoLauncher(), web_client=folder, served=False) as local_gateway:
        answer = await local_gateway.in_process_client().get("/")
        assert answer.status_code == 503
        assert "make setup" in answer.text


async def test_the_downloaded_root_certificate_verifies_the_server(gateway: GatewayUnderTest) -> None:
    answer = await gateway.client().get("/ca.crt")
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    context = ssl.create_default_context(cadata=answer.text)
    async with httpx2.AsyncClient(base_url=gateway.url, verify=context) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok", "version": __version__}


async def test_metrics_contain_those_of_the_agents(gateway: GatewayUnderTest, launcher: EchoLauncher) -> None:
    client = await gateway.sign_in()
    session = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    async with await gateway.open_viewer(client) as viewer:
        await viewer.send("x")
        await viewer.recv()
        text = (await client.get("/metrics", headers=MAY_READ_METRICS)).text
    assert "lightbox_viewers 1.0" in text
    assert 'lightbox_sign_ins_total{result="right"} 1.0' in text
    assert f'lightbox_updates_total{{desktop="reading",session="{session}"}} 3.0' in text
    assert f'lightbox_agent_process_open_fds{{desktop="reading",session="{session}"}} 9.0' in text
    assert text.count("# TYPE process_open_fds ") == 1
    launcher.started[0].agent.kill()
    assert "lightbox_agents_silent 1.0" in (await client.get("/metrics", headers=MAY_READ_METRICS)).text


@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.7"])
@pytest.mark.parametrize("given", [None, "Bearer", "Bearer wrong", f"Basic {METRICS_TOKEN}", METRICS_TOKEN])
async def test_metrics_need_the_token_whatever_the_address(
    local_gateway: GatewayUnderTest, address: str, given: str | None
) -> None:
    client = local_gateway.in_process_client(address)
    answer = await client.get("/metrics", headers={"Authorization": given} if given else {})
    assert (answer.status_code, answer.json()["code"]) == (401, "no-metrics-token")
    assert "lightbox_" not in answer.text
    assert METRICS_TOKEN not in answer.text
    assert (await client.get("/metrics", headers=MAY_READ_METRICS)).status_code == 200


async def test_sends_strict_transport_security_with_the_operators_certificate(
    local_gateway: GatewayUnderTest,
) -> None:
    local_gateway.gateway.settings.root_pem = None
    async with local_gateway.in_process_client() as client:
        assert (await client.get("/")).headers["strict-transport-security"] == "max-age=31536000"


async def test_reports_a_database_failure(
    local_gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_secret: str) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(local_gateway.services.web_sessions, "find", fail)
    answer = await local_gateway.in_process_client().get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "store-failed")


async def test_an_unexpected_error_reveals_no_details(
    local_gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raise_unexpectedly(_secret: str) -> None:
        raise RuntimeError("internal detail")

    monkeypatch.setattr(local_gateway.services.web_sessions, "find", raise_unexpectedly)
    answer = await local_gateway.in_process_client().get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "internal detail" not in answer.text
    assert "content-security-policy" in answer.headers


def test_the_crashing_launcher_raises_a_desktop_error() -> None:
    assert isinstance(CrashingLauncher().error, DesktopError)
