"""Reverse proxies: whose headers are believed, and what people read when a line is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from websockets.exceptions import ConnectionClosed

from display_server.errors import ConfigurationError
from display_server.gateway.proxies import PublicAccess, PublicAddress, TrustedProxies
from display_server.gateway.proxy_errors import LOG_INTERVAL_S, ProxyLog, no_upgrade, plain_http
from display_server.protocol.close_codes import CloseCode
from tests.fakes.gateway import NAMES, PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher

PROXIES = TrustedProxies.parse(["127.0.0.1", "10.0.3.0/24", "fd00::/8"])
PUBLIC = PublicAddress.parse("https://lightbox.example:9443/lightbox/")
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
SIGN_IN = "/api/v1/sign-in"


@pytest.fixture
async def proxied_gateway(folder: Path) -> AsyncIterator[GatewayUnderTest]:
    """A gateway that trusts 10.0.3.0/24 and has a public address; `in_process_client` sets the peer."""
    access = PublicAccess(frozenset([*NAMES, PUBLIC.host]), PUBLIC, TrustedProxies.parse(["10.0.3.0/24"]))
    async with running_gateway(folder, EchoLauncher(), served=False, access=access) as running:
        yield running


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # a stranger's header is never read
        ("192.0.2.1", [], "192.0.2.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # the client invented the first one
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["198.51.100.1, 10.0.3.7"], "198.51.100.1"),  # two trusted proxies in a row
        ("127.0.0.1", ["198.51.100.1, 10.0.4.7"], "10.0.4.7"),  # the second one is not trusted
        ("127.0.0.1", ["10.0.3.9, 10.0.3.7"], "10.0.3.9"),  # somebody on a proxy's own host
        ("127.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["198.51.100.1, unknown"], "127.0.0.1"),  # nothing before a malformed value is believed
        ("127.0.0.1", ["198.51.100.1,"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
    ],
)
def test_the_address_of_the_client(peer: str, forwarded_for: list[str], client: str) -> None:
    assert PROXIES.client_of(peer, forwarded_for) == client


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.3.255", "fd12::1", "fd12::1%eth0"])
def test_listed_addresses_are_trusted(address: str) -> None:
    assert address in PROXIES


@pytest.mark.parametrize("address", ["127.0.0.2", "10.0.4.0", "::1", "", "localhost", None])
def test_other_addresses_are_not_trusted(address: object) -> None:
    assert address not in PROXIES


@pytest.mark.parametrize("text", ["proxy.example", "10.0.3.1/24", "0.0.0.0/0", "::/0", "", "10.0.3.0/33"])
def test_rejects_malformed_and_boundless_networks(text: str) -> None:
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        TrustedProxies.parse([text])


@pytest.mark.parametrize(
    ("text", "origin", "prefix"),
    [
        ("https://a.example", "https://a.example", ""),
        ("https://A.example:443/", "https://a.example", ""),
        ("https://a.example:8443/x", "https://a.example:8443", "/x"),
        ("https://[::1]:8443/x/y/", "https://[::1]:8443", "/x/y"),
    ],
)
def test_public_addresses(text: str, origin: str, prefix: str) -> None:
    address = PublicAddress.parse(text)
    assert (address.origin, address.prefix, address.url) == (origin, prefix, f"{origin}{prefix}/")


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/",
        "a.example",
        "https://",
        "https://a.example/?q",
        "https://a.example/#f",
        "https://user@a.example/",
        "https://a.example:x/",
        "https://a.example/../x",
        "https://a.example//x",
        "https://a.example/%41",
        "https://a b/",
    ],
)
def test_rejects_malformed_public_addresses(text: str) -> None:
    with pytest.raises(ConfigurationError):
        PublicAddress.parse(text)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/lightbox/", "/"),
        ("/lightbox", "/"),
        ("/lightbox/desktop/a", "/desktop/a"),
        ("/desktop/a", "/desktop/a"),
        ("/lightboxes", "/lightboxes"),
    ],
)
def test_the_prefix_of_the_public_address_is_removed(path: str, expected: str) -> None:
    assert PublicAccess(frozenset(), PUBLIC).path_of(path) == expected
    assert PublicAccess(frozenset()).path_of(path) == path


async def test_failed_sign_ins_count_for_the_client_behind_a_trusted_proxy(
    proxied_gateway: GatewayUnderTest,
) -> None:
    proxied_gateway.services.monotonic_s = lambda: 1000.0
    client = proxied_gateway.in_process_client("10.0.3.1")
    wrong = {"username": "kim", "password": "wrong password"}
    for number in range(25):
        address = {"X-Forwarded-For": "198.51.100.1"}
        await client.post(SIGN_IN, json={**wrong, "username": f"name{number}"}, headers=address)
    limited = await client.post(SIGN_IN, json=wrong, headers={"X-Forwarded-For": "198.51.100.1"})
    assert limited.status_code == 429
    other = {"X-Forwarded-For": "198.51.100.2"}
    right = {"username": "kim", "password": PASSWORD}
    assert (await client.post(SIGN_IN, json=right, headers=other)).status_code == 200


async def test_a_stranger_cannot_evade_the_limit_by_headers(proxied_gateway: GatewayUnderTest) -> None:
    proxied_gateway.services.monotonic_s = lambda: 1000.0
    client = proxied_gateway.in_process_client("192.0.2.1")
    for number in range(25):
        headers = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
        wrong = {"username": f"name{number}", "password": "wrong password"}
        answer = await client.post(SIGN_IN, json=wrong, headers=headers)
    assert answer.status_code == 429


@pytest.mark.parametrize("peer", ["10.0.3.1", "127.0.0.1"])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
async def test_metrics_need_the_token_through_proxies(
    proxied_gateway: GatewayUnderTest, peer: str, header: str
) -> None:
    client = proxied_gateway.in_process_client(peer)
    answer = await client.get("/metrics", headers={header: "127.0.0.1"})
    assert (answer.status_code, answer.json()["code"]) == (401, "no-metrics-token")


@pytest.mark.parametrize(
    ("peer", "headers", "code"),
    [
        ("192.0.2.1", {"Host": "lightbox.example", "Origin": PUBLIC.origin}, 200),
        ("192.0.2.1", {"Host": "localhost", "Origin": PUBLIC.origin}, 200),
        ("192.0.2.1", {"Host": "localhost:443", "Origin": "https://localhost"}, 200),
        ("192.0.2.1", {"Host": "evil.example", "Origin": PUBLIC.origin}, 421),
        ("192.0.2.1", {"Host": "localhost", "Origin": "https://evil.example"}, 403),
        ("10.0.3.1", {"Host": "x", "X-Forwarded-Host": "localhost:1", "Origin": "https://localhost:1"}, 200),
        (
            "10.0.3.1",
            {"Host": "x", "X-Forwarded-Host": "evil, localhost", "Origin": "https://localhost"},
            200,
        ),
        ("10.0.3.1", {"Host": "localhost", "X-Forwarded-Host": "evil.example"}, 421),
        ("192.0.2.1", {"Host": "x", "X-Forwarded-Host": "localhost:1", "Origin": "https://localhost:1"}, 421),
    ],
)
async def test_host_and_origin_behind_proxies(
    proxied_gateway: GatewayUnderTest, peer: str, headers: dict[str, str], code: int
) -> None:
    client = proxied_gateway.in_process_client(peer)
    right = {"username": "kim", "password": PASSWORD}
    answer = await client.post(SIGN_IN, json=right, headers=headers)
    assert answer.status_code == code, answer.text


async def test_the_prefix_may_stay_in_requests(proxied_gateway: GatewayUnderTest) -> None:
    client = proxied_gateway.in_process_client()
    for prefix in ("", "/lightbox"):
        assert (await client.get(f"{prefix}/healthz")).status_code == 200
        assert (await client.get(f"{prefix}/desktop/reading")).status_code == 200
    assert (await client.get("/other/healthz")).status_code == 404


async def test_plain_http_before_a_trusted_proxy_is_refused(proxied_gateway: GatewayUnderTest) -> None:
    headers = {"X-Forwarded-Proto": "http", **BROWSER}
    answer = await proxied_gateway.in_process_client("10.0.3.1").get("/", headers=headers)
    assert answer.status_code == 403
    assert "listen 443 ssl;" in answer.text
    ignored = await proxied_gateway.in_process_client("192.0.2.1").get("/", headers=headers)
    assert ignored.status_code == 200


async def test_a_page_over_plain_http_is_explained(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    answer = await client.post("/api/v1/sign-out", headers={"Origin": "http://localhost"})
    assert (answer.status_code, answer.json()["code"]) == (403, "proxy-http")


async def test_a_changed_host_is_explained(local_gateway: GatewayUnderTest) -> None:
    headers = {"Host": "localhost", "Origin": "https://localhost:9443", "Sec-Fetch-Site": "same-origin"}
    with structlog.testing.capture_logs() as logs:
        answer = await local_gateway.in_process_client().post("/api/v1/sign-out", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "proxy-host")
    assert "proxy_set_header Host $http_host;" in answer.json()["message"]
    assert "proxy_set_header Host $http_host;" in logs[0]["add"]
    assert (logs[0]["origin"], logs[0]["host"]) == ("https://localhost:9443", "localhost")


async def test_a_websocket_request_without_upgrade_is_explained(local_gateway: GatewayUnderTest) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await local_gateway.in_process_client().get("/viewer")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    for line in ("proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;"):
        assert line in answer.json()["message"]
        assert line in logs[0]["add"]


async def test_pages_about_proxies_are_escaped_and_in_both_languages(
    local_gateway: GatewayUnderTest,
) -> None:
    client = local_gateway.in_process_client()
    answer = await client.get("/", headers={"Host": "<b>evil</b>", **BROWSER})
    assert answer.status_code == 421
    assert answer.headers["content-type"].startswith("text/html")
    assert "<b>" not in answer.text
    assert "public_url" in answer.text
    assert "이 서버가 모르는 호스트 이름입니다" in answer.text
    assert "Lightbox 설정" in answer.text


def test_the_log_has_each_kind_once_a_minute() -> None:
    now_s = 1000.0
    log = ProxyLog(lambda: now_s)
    with structlog.testing.capture_logs() as logs:
        for error in (plain_http(), plain_http(), no_upgrade()):
            log.refused(error)
        log.ignored_headers("192.0.2.1")
        log.ignored_headers("192.0.2.2")
        now_s += LOG_INTERVAL_S
        log.refused(plain_http())
    assert [entry.get("code", entry.get("peer")) for entry in logs] == [
        "proxy-http",
        "proxy-upgrade",
        "192.0.2.1",
        "proxy-http",
    ]


async def test_viewers_connect_from_the_public_address(folder: Path, launcher: EchoLauncher) -> None:
    access = PublicAccess(frozenset([*NAMES, PUBLIC.host]), PUBLIC)
    async with running_gateway(folder, launcher, access=access) as gateway:
        client = await gateway.sign_in()
        connection = await gateway.open_viewer(client, origin=PUBLIC.origin, path="/lightbox/viewer")
        await connection.close()
        refused = await gateway.open_viewer(client, origin="https://lightbox.example")
        with pytest.raises(ConnectionClosed) as closed:
            await refused.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.FORBIDDEN


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ("/", "./assets/a.js"),
        ("/desktop/reading", "../assets/a.js"),
        ("/lightbox/desktop/reading", "../assets/a.js"),
        ("/no/such/page", "../../assets/a.js"),
    ],
)
async def test_the_page_refers_to_its_files_relative_to_its_address(
    folder: Path, path: str, reference: str
) -> None:
    """Nobody tells the gateway the prefix that a proxy removes, and the page still finds its files."""
    web_client = folder / "client"
    web_client.mkdir()
    (web_client / "index.html").write_text('<script src="./assets/a.js"></script>')
    access = PublicAccess(frozenset(NAMES), PUBLIC)
    async with running_gateway(
        folder, EchoLauncher(), served=False, access=access, web_client=web_client
    ) as gateway:
        page = await gateway.in_process_client().get(path, headers=BROWSER)
    assert f'src="{reference}"' in page.text
