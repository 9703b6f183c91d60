"""The installed app: a page of its own while the server cannot be reached, and nothing else is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import BrowserError
from tests.e2e.browsers.tablet import Tablet
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.viewer import PATIENCE_S, Viewer

#: What the service worker stores, by path.
STORED = ["/icons/192.png", "/offline.css", "/offline.html", "/offline.js"]


def is_reopened(tablet: Tablet) -> bool:
    try:
        opened: bool = tablet.evaluate("return document.querySelector('.viewer') !== null")
    except BrowserError:  # the page was replaced meanwhile
        return False
    return opened


@pytest.fixture
def relay(lightbox: Lightbox) -> Iterator[Relay]:
    running = Relay(lightbox.port)
    yield running
    running.close()


def test_installed_app_shows_an_offline_page_and_opens_again_by_itself(
    tablet: Tablet, lightbox: Lightbox, relay: Relay, out: Path
) -> None:
    viewer = Viewer(tablet, relay.url)
    tablet.open(f"{relay.url}/")
    if tablet.evaluate("return (await fetch('/api/v1/me')).status") != 200:
        viewer.sign_in(lightbox.username, lightbox.password)
    viewer.open_desktop("radiology")
    assert tablet.evaluate("return (await navigator.serviceWorker.getRegistrations()).length") == 0
    tablet.evaluate("dispatchEvent(new Event('appinstalled'))")
    wait_for(
        lambda: tablet.evaluate("return navigator.serviceWorker.controller !== null"),
        timeout_s=PATIENCE_S,
        what="the service worker",
    )
    tablet.open(f"{relay.url}/desktop/radiology")
    viewer.wait_exact()
    stored = tablet.evaluate(
        "const names = await caches.keys();"
        "const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));"
        "return requests.flat().map((request) => new URL(request.url).pathname).sort()"
    )
    assert stored == STORED
    relay.unplug()
    tablet.open(f"{relay.url}/desktop/radiology")
    viewer.wait_for_element("body[data-offline]")
    shown = tablet.evaluate(
        "return [document.querySelector('section:not([hidden]) h1').textContent,"
        " getComputedStyle(document.querySelector('button')).minHeight,"
        " document.querySelector('img').naturalWidth]"
    )
    tablet.screenshot(out / "tablet-offline.png")
    assert shown == ["Lightbox cannot be reached", "44px", 192]
    relay.plug()
    wait_for(lambda: is_reopened(tablet), timeout_s=PATIENCE_S, what="the desktop after the offline page")
    viewer.wait_exact()
    assert tablet.evaluate("return location.pathname") == "/desktop/radiology"
    tablet.open("about:blank")
