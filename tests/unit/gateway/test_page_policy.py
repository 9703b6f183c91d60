"""What browsers allow the page, who may frame it, and where they send its cookies."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.broker_link.cookies import DEVICE, SESSION, CookieScope
from display_server.errors import ConfigurationError
from display_server.gateway.page_policy import PERMISSIONS, PagePolicy
from display_server.gateway.proxies import PublicAccess, PublicAddress, TrustedProxies
from tests.fakes.gateway import NAMES, PASSWORD, running_gateway
from tests.fakes.launchers import EchoLauncher

PORTAL = "https://portal.hospital.example"


def header(policy: PagePolicy, name: str) -> str | None:
    found = [value.decode() for key, value in policy.headers() if key == name.encode()]
    return found[0] if found else None


def test_everything_is_refused_by_default() -> None:
    policy = PagePolicy()
    permissions = header(policy, "permissions-policy")
    assert permissions is not None
    assert all(f"{name}=()" in permissions for name in PERMISSIONS)
    assert "frame-ancestors 'none'" in policy.content_security_policy
    assert header(policy, "x-frame-options") == "DENY"


def test_only_what_is_named_is_allowed() -> None:
    policy = PagePolicy.parse(["microphone"], [f"{PORTAL}/", "https://10.0.0.7:9443"])
    permissions = header(policy, "permissions-policy")
    assert permissions is not None
    assert "microphone=(self)" in permissions
    assert "camera=()" in permissions
    assert f"frame-ancestors {PORTAL} https://10.0.0.7:9443" in policy.content_security_policy
    assert header(policy, "x-frame-options") is None


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "portal.hospital.example",
        "http://portal.example",
        "https://*.example",
        f"{PORTAL}/path",
        "https://a.example;",
        "https://a.example https://b.example",
        "https://u@a.example",
        "https://[::1",
        "",
    ],
)
def test_refuses_what_is_no_site(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="frame_ancestors"):
        PagePolicy.parse([], [origin])


def test_refuses_unknown_permissions() -> None:
    with pytest.raises(ConfigurationError, match="microfone"):
        PagePolicy.parse(["microfone"], [])


def test_cookies_are_as_narrow_as_browsers_allow() -> None:
    assert CookieScope().set_cookie(SESSION, "x") == (
        "__Host-lightbox=x; Path=/; Secure; HttpOnly; SameSite=Strict"
    )
    assert CookieScope("/lightbox").set_cookie(DEVICE, "x", max_age_s=5) == (
        "__Secure-lightbox-device=x; Path=/lightbox; Secure; HttpOnly; SameSite=Strict; Max-Age=5"
    )
    assert "SameSite=None; Partitioned" in CookieScope(cross_site=True).set_cookie(SESSION, "x")


def test_a_cookie_of_another_scope_is_not_read() -> None:
    header = "__Host-lightbox=root; __Secure-lightbox=prefixed"
    assert CookieScope().read(header, SESSION) == "root"
    assert CookieScope("/lightbox").read(header, SESSION) == "prefixed"
    assert CookieScope().read('__Host-lightbox="', SESSION) == ""


def test_the_scope_follows_the_address_that_the_browser_used() -> None:
    access = PublicAccess(
        frozenset(NAMES),
        PublicAddress.parse("https://hospital.example/lightbox/"),
        TrustedProxies.parse(["10.0.0.1"]),
    )
    proxy, browser = "10.0.0.1", "192.0.2.1"
    assert access.cookie_scope(browser, "/lightbox/api/v1/me", None).path == "/lightbox"
    removed = access.cookie_scope(proxy, "/api/v1/me", "/lightbox")
    assert removed.path == "/lightbox", "the proxy removes the prefix and says so"
    assert access.cookie_scope(proxy, "/api/v1/me", None).path == "", "the browser may have used none"
    assert access.cookie_scope(browser, "/api/v1/me", "/lightbox").path == "", "anybody can send it"
    assert access.cookie_scope(browser, "/lightbox2/", None).path == ""
    assert PublicAccess(frozenset(NAMES)).cookie_scope(browser, "/api", None).path == ""


async def test_responses_follow_the_configuration(folder: Path, launcher: EchoLauncher) -> None:
    access = PublicAccess(
        frozenset(NAMES), page=PagePolicy.parse(["microphone"], [PORTAL]), cross_site_cookies=True
    )
    async with running_gateway(folder, launcher, served=False, access=access) as gateway:
        client = gateway.in_process_client()
        answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
        assert PORTAL in answer.headers["content-security-policy"]
        assert "microphone=(self)" in answer.headers["permissions-policy"]
        assert "x-frame-options" not in answer.headers
        assert all("SameSite=None" in cookie for cookie in answer.headers.get_list("set-cookie"))
        assert (await client.get("/api/v1/me")).status_code == 200
