"""Reverse proxies: the documented configurations work, and what is missing in others is named.

All tests share one demo and one browser. The demo trusts the proxies of 127.0.0.1; a proxy that connects from
127.0.0.2 is a stranger to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.gateway_client import TIMEOUT_S, unverified_tls_context
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import free_port, wait_for
from tests.e2e.reverse_proxy import DOCUMENTED, TRUSTED, Proxy, reach_exact, sign_in
from tests.e2e.viewer import PATIENCE_S

HOST_LINE = "proxy_set_header Host $http_host;"
#: The line of countless examples: `$host` has no port.
USUAL_HOST_LINE = "proxy_set_header Host $host;"
FORWARDED_HOST_LINE = "proxy_set_header X-Forwarded-Host $http_host;"
TLS_LINE = "proxy_ssl_protocols TLSv1.3;"
#: What nginx before 1.23.4 does without that line.
OLD_TLS_LINE = "proxy_ssl_protocols TLSv1.2;"
UPGRADE_LINES = ("proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;")

Run = Callable[..., Proxy]


@pytest.fixture(scope="module")
def public_port() -> int:
    """The port of the address that the demo's configuration names as `public_url`."""
    return free_port()


@pytest.fixture(scope="module")
def proxied(out: Path, public_port: int) -> Iterator[Lightbox]:
    settings = {
        "LIGHTBOX_TRUSTED_PROXIES": TRUSTED,
        "LIGHTBOX_PUBLIC_URL": f"https://127.0.0.1:{public_port}/lightbox/",
    }
    with Lightbox(
        out / "proxied.log", profile="office", width_px=1280, height_px=800, settings=settings
    ) as running:
        yield running


@pytest.fixture
def run(proxied: Lightbox, tmp_path: Path) -> Iterator[Run]:
    """Runs proxies for one test."""
    running: list[Proxy] = []

    def start(name: str, **options: object) -> Proxy:
        running.append(Proxy(name, proxied, tmp_path / str(len(running)), **options))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for proxy in running:
        proxy.stop()


@pytest.fixture(autouse=True)
def leave_the_desktop(chromium: Chromium) -> Iterator[None]:
    yield
    chromium.open("about:blank")


def wait_for_text(browser: Chromium, *parts: str) -> str:
    """Waits until the page shows all parts, and returns its text."""
    texts = [""]

    def shown() -> bool:
        texts[0] = browser.evaluate("return document.body.innerText")
        return all(part in texts[0] for part in parts)

    wait_for(shown, timeout_s=PATIENCE_S, what=lambda: f"{parts} in {texts[0]!r}")
    return texts[0]


def assert_logged(lightbox: Lightbox, *parts: str) -> None:
    """Asserts that one line of the gateway's log has all parts. The log consists of JSON objects."""
    log = lightbox.program.log.read_text(errors="replace")
    lines = [line.replace('\\"', '"') for line in log.splitlines()]
    assert any(all(part in line for part in parts) for line in lines), f"no {parts} in\n{log}"


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_person_reaches_exact_through_each_documented_proxy(
    name: str, run: Run, chromium: Chromium, proxied: Lightbox, out: Path
) -> None:
    proxy = run(name)
    viewer = reach_exact(chromium, proxy, proxied)
    assert viewer.browser.evaluate("return location.href") == f"{proxy.url}/desktop/office"
    chromium.screenshot(out / f"proxy-{Path(name).stem}.png")


def test_host_without_its_port_and_tls_1_2_work_from_a_trusted_proxy(
    run: Run, chromium: Chromium, proxied: Lightbox
) -> None:
    changes = {HOST_LINE: USUAL_HOST_LINE, TLS_LINE: OLD_TLS_LINE}
    reach_exact(chromium, run("nginx.conf", changes=changes), proxied)


def test_the_public_address_replaces_host_and_prefix(
    run: Run, chromium: Chromium, proxied: Lightbox, public_port: int
) -> None:
    """The proxy passes the prefix on and loses the port, from an address that is not trusted."""
    changes = {
        HOST_LINE: USUAL_HOST_LINE + "\n        proxy_bind 127.0.0.2;",
        FORWARDED_HOST_LINE: "",
        "proxy_pass https://lightbox/;": "proxy_pass https://lightbox;",
    }
    reach_exact(chromium, run("nginx-prefix.conf", changes=changes, port=public_port), proxied)
    assert_logged(proxied, "X-Forwarded", 'trusted_proxies = ["127.0.0.2"]')


def test_page_and_log_name_the_missing_host_line(run: Run, chromium: Chromium, proxied: Lightbox) -> None:
    proxy = run("nginx.conf", changes={HOST_LINE: USUAL_HOST_LINE, FORWARDED_HOST_LINE: ""})
    sign_in(chromium, proxy, proxied)
    wait_for_text(chromium, HOST_LINE, f'public_url = "{proxy.origin}/"')
    assert_logged(proxied, HOST_LINE, proxy.origin)


def test_page_and_log_name_the_missing_tls_line(run: Run, chromium: Chromium, proxied: Lightbox) -> None:
    changes = {TLS_LINE: OLD_TLS_LINE, HOST_LINE: HOST_LINE + "\n        proxy_bind 127.0.0.2;"}
    proxy = run("nginx.conf", changes=changes)
    chromium.open(proxy.url + "/")
    wait_for_text(chromium, TLS_LINE, 'trusted_proxies = ["127.0.0.2"]', "다음 줄")
    assert_logged(proxied, TLS_LINE, "127.0.0.2")


def test_page_and_log_name_the_missing_upgrade_lines(
    run: Run, chromium: Chromium, proxied: Lightbox, out: Path
) -> None:
    changes = dict.fromkeys(UPGRADE_LINES, "")
    changes["proxy_set_header Connection $lightbox_connection;"] = ""
    proxy = run("nginx.conf", changes=changes)
    viewer = sign_in(chromium, proxy, proxied)
    viewer.wait_for_element('a[href*="/desktop/"]')
    chromium.open(f"{proxy.url}/desktop/office")
    wait_for_text(chromium, *UPGRADE_LINES)
    chromium.screenshot(out / "proxy-no-upgrade.png")
    assert_logged(proxied, *UPGRADE_LINES)


def test_page_and_log_name_the_missing_slash_of_a_prefix(
    run: Run, chromium: Chromium, proxied: Lightbox, out: Path
) -> None:
    """The prefix is not that of the public address, so the gateway cannot know it."""
    changes = {
        "proxy_pass https://lightbox/;": "proxy_pass https://lightbox;",
        "location /lightbox/": "location /other/",
    }
    proxy = run("nginx-prefix.conf", changes=changes, path="/other")
    chromium.open(proxy.url + "/")
    wait_for_text(chromium, "proxy_pass", "public_url", "이 페이지의 파일을 불러올 수 없습니다")
    chromium.screenshot(out / "proxy-no-slash.png")
    assert_logged(proxied, "proxy_pass", "public_url")


@pytest.mark.parametrize("name", DOCUMENTED)
def test_metrics_stay_hidden_however_their_address_is_written(name: str, run: Run) -> None:
    proxy = run(name)
    with httpx2.Client(verify=unverified_tls_context(), timeout=TIMEOUT_S, trust_env=False) as client:
        assert client.get(f"{proxy.url}/healthz").status_code == 200
        assert client.get(f"{proxy.url}/metrics").status_code == 404
        # Written in another way it passes some of them; then the gateway asks for its token.
        assert client.get(f"{proxy.url}/%6detrics").status_code in {401, 404}
