"""The HTTP interface over real TLS."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from display_server.errors import DesktopError
from display_server.gateway.app import build
from display_server.gateway.request_guard import BODY_MAX_BYTES, CONTENT_SECURITY_POLICY
from tests.fakes.gateway import PASSWORD, DoorUnderTest, running_door
from tests.fakes.launchers import CrashingLauncher, EchoLauncher, NeverLauncher, SlowLauncher


async def test_sign_in_me_desktops_sign_out(quiet_door: DoorUnderTest) -> None:
    client = quiet_door.inside()
    assert (await client.get("/api/v1/me")).json()["code"] == "signed-out"
    answer = await client.post("/api/v1/sign-in", json={"username": " KIM ", "password": PASSWORD})
    assert answer.json() == {"username": "kim", "display_name": "kim"}
    assert (await client.get("/api/v1/me")).json()["username"] == "kim"
    listed = (await client.get("/api/v1/desktops")).json()
    assert [(entry["name"], entry["state"]) for entry in listed] == [("reading", "off"), ("office", "off")]
    cookie = client.cookies["__Host-lightbox"]
    assert (await client.post("/api/v1/sign-out")).status_code == 204
    client.cookies.set("__Host-lightbox", cookie, domain="localhost")
    assert (await client.get("/api/v1/desktops")).status_code == 401


async def test_cookie_is_locked_down(quiet_door: DoorUnderTest) -> None:
    client = quiet_door.inside()
    answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"path=/", "secure", "httponly", "samesite=strict"}


async def test_wrong_password_and_unknown_account_look_the_same(quiet_door: DoorUnderTest) -> None:
    client = quiet_door.inside()
    answers = [
        await client.post("/api/v1/sign-in", json={"username": name, "password": "wrong password"})
        for name in ("kim", "nobody")
    ]
    assert answers[0].status_code == answers[1].status_code == 401
    assert answers[0].content == answers[1].content
    assert answers[0].json()["code"] == "wrong-credentials"
    assert "set-cookie" not in answers[0].headers


async def test_sign_in_is_slowed_down(quiet_door: DoorUnderTest) -> None:
    client = quiet_door.inside()
    for _ in range(5):
        await client.post("/api/v1/sign-in", json={"username": "kim", "password": "wrong password"})
    answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "slow-down")
    assert int(answer.headers["retry-after"]) > 0
    await quiet_door.signed_in("lee")


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
async def test_requests_from_elsewhere_change_nothing(
    quiet_door: DoorUnderTest, headers: dict[str, str]
) -> None:
    client = await quiet_door.signed_in()
    answer = await client.post("/api/v1/sign-out", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")
    assert (await client.get("/api/v1/me")).status_code == 200


async def test_neither_origin_nor_fetch_site(quiet_door: DoorUnderTest) -> None:
    client = await quiet_door.signed_in()
    del client.headers["Origin"]
    assert (await client.post("/api/v1/sign-out")).status_code == 403
    assert (
        await client.post("/api/v1/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
    ).status_code == 204


async def test_unknown_host(quiet_door: DoorUnderTest) -> None:
    answer = await quiet_door.inside().get("/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (421, "unknown-host")


async def test_what_one_may_not_open_does_not_exist(quiet_door: DoorUnderTest) -> None:
    client = await quiet_door.signed_in("lee")
    answers = [await client.post(f"/api/v1/desktops/{name}/viewers") for name in ("reading", "nonsense")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["code"] == "no-desktop"
    assert (await quiet_door.inside().post("/api/v1/desktops/office/viewers")).json()["code"] == "signed-out"


async def test_opening_twice_joins(quiet_door: DoorUnderTest, launcher: EchoLauncher) -> None:
    client, other = await quiet_door.signed_in(), await quiet_door.signed_in()
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
    theirs = (await (await quiet_door.signed_in("lee")).post("/api/v1/desktops/office/viewers")).json()
    mine = (await client.post("/api/v1/desktops/office/viewers")).json()
    assert theirs["session"] != mine["session"]


async def test_desktop_that_does_not_start(folder: Path) -> None:
    async with running_door(folder, CrashingLauncher(), served=False) as quiet_door:
        client = await quiet_door.signed_in()
        answer = await client.post("/api/v1/desktops/reading/viewers")
        assert (answer.status_code, answer.json()["code"]) == (503, "desktop-failed")
        assert "apt-get install xvfb" in answer.json()["message"]
        assert (await client.get("/api/v1/desktops")).json()[0]["state"] == "failed"


async def test_launcher_that_breaks_its_contract(folder: Path) -> None:
    async with running_door(
        folder, CrashingLauncher(RuntimeError("secret detail")), served=False
    ) as quiet_door:
        answer = await (await quiet_door.signed_in()).post("/api/v1/desktops/reading/viewers")
        assert answer.status_code == 503
        assert "secret" not in answer.text


async def test_launcher_that_never_gets_it_done(folder: Path) -> None:
    launcher = NeverLauncher()
    async with running_door(folder, launcher, start_timeout_s=0.05, served=False) as quiet_door:
        answer = await (await quiet_door.signed_in()).post("/api/v1/desktops/reading/viewers")
        assert answer.json()["code"] == "desktop-failed"
        assert launcher.gave_up


async def test_giving_up_waiting_does_not_stop_the_start(folder: Path) -> None:
    launcher = SlowLauncher()
    async with running_door(folder, launcher) as door:
        client = await door.signed_in()
        with pytest.raises(httpx.TimeoutException):
            await client.post("/api/v1/desktops/reading/viewers", timeout=0.2)
        launcher.go.set()
        assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 201
        assert launcher.asked == 1


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
async def test_malformed_sign_ins(quiet_door: DoorUnderTest, body: bytes, status: int) -> None:
    answer = await quiet_door.inside().post(
        "/api/v1/sign-in", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"code", "message"}
    assert "battery" not in answer.text


@pytest.mark.parametrize("path", ["/", "/desktop/reading", "/api/v1/me", "/nowhere", "/ca.crt", "/healthz"])
async def test_security_headers_everywhere(quiet_door: DoorUnderTest, path: str) -> None:
    headers = (await quiet_door.inside().get(path)).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "strict-transport-security" not in headers  # the local authority also vouches for localhost


async def test_assets_are_cached_for_ever_and_compressed(quiet_door: DoorUnderTest) -> None:
    client = quiet_door.inside()
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
async def test_nothing_but_the_client_is_served(quiet_door: DoorUnderTest, path: str) -> None:
    assert (await quiet_door.inside().get(path)).status_code == 404


async def test_client_not_built(folder: Path) -> None:
    async with running_door(folder, EchoLauncher(), web_client=folder, served=False) as quiet_door:
        answer = await quiet_door.inside().get("/")
        assert answer.status_code == 503
        assert "make setup" in answer.text


async def test_root_certificate_can_be_downloaded(door: DoorUnderTest) -> None:
    answer = await door.client().get("/ca.crt")
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    context = ssl.create_default_context(cadata=answer.text)
    async with httpx.AsyncClient(base_url=door.url, verify=context) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_metrics_of_door_and_agents(door: DoorUnderTest, launcher: EchoLauncher) -> None:
    client = await door.signed_in()
    session = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    async with await door.view(client) as viewer:
        await viewer.send("x")
        await viewer.recv()
        text = (await client.get("/metrics")).text
    assert "lightbox_viewers 1.0" in text
    assert 'lightbox_sign_ins_total{result="right"} 1.0' in text
    assert f'lightbox_updates_total{{desktop="reading",session="{session}"}} 3.0' in text
    assert f'lightbox_agent_process_open_fds{{desktop="reading",session="{session}"}} 9.0' in text
    assert text.count("# TYPE process_open_fds ") == 1
    launcher.started[0].agent.kill()
    assert "lightbox_agents_silent 1.0" in (await client.get("/metrics")).text


async def test_metrics_for_this_host_only(quiet_door: DoorUnderTest) -> None:
    answer = await quiet_door.inside("192.0.2.7").get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (403, "loopback-only")


async def test_strict_transport_with_an_own_certificate(quiet_door: DoorUnderTest) -> None:
    transport = httpx.ASGITransport(build(quiet_door.door, strict_transport=True))
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
        assert (await client.get("/")).headers["strict-transport-security"] == "max-age=31536000"


async def test_store_that_fails(quiet_door: DoorUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_secret: str) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(quiet_door.door.web_sessions, "find", full)
    answer = await quiet_door.inside().get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "store-failed")


async def test_unforeseen_errors_say_nothing_of_the_inside(
    quiet_door: DoorUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_secret: str) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(quiet_door.door.web_sessions, "find", broken)
    answer = await quiet_door.inside().get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "inside" not in answer.text
    assert "content-security-policy" in answer.headers


def test_errors_of_launchers_are_desktop_errors() -> None:
    assert isinstance(CrashingLauncher().error, DesktopError)
