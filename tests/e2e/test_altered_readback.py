"""A browser that alters what a page reads back: the page says so, and nothing is sent again for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.conftest import PAGE_PX, signed_in
from tests.e2e.gateway_client import GatewayClient, metric_sum
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

#: Settings of Firefox that alter readings: nothing but noise, nothing but white, noise in private windows.
FIREFOX_SETTINGS: dict[str, dict[str, bool | int | str]] = {
    "resist-fingerprinting": {"privacy.resistFingerprinting": True},
    "resist-fingerprinting-without-noise": {
        "privacy.resistFingerprinting": True,
        "privacy.resistFingerprinting.randomDataOnCanvasExtract": False,
    },
    "private-window-resist-fingerprinting": {
        "browser.privatebrowsing.autostart": True,
        "privacy.resistFingerprinting.pbmode": True,
    },
}
#: Settings of Firefox that alter some canvases. Firefox 153 leaves those alone that hold only pixels of the
#: page's own, as the surface does; another version may alter them.
CAREFUL_SETTINGS: dict[str, dict[str, bool | int | str]] = {
    "canvas-randomization": {
        "privacy.fingerprintingProtection": True,
        "privacy.fingerprintingProtection.overrides": "+CanvasRandomization",
    },
    "private-window-strict": {
        "browser.privatebrowsing.autostart": True,
        "browser.contentblocking.category": "strict",
        "privacy.fingerprintingProtection.pbmode": True,
    },
}
#: Alters twelve random pixels of each reading, as some extensions do, while `window.altering` is true.
ALTER_READINGS = """
window.altering = true;
const read = CanvasRenderingContext2D.prototype.getImageData;
CanvasRenderingContext2D.prototype.getImageData = function (...where) {
  const image = read.apply(this, where);
  if (!window.altering) return image;
  for (let count = 0; count < 12; count++) {
    const pixel = Math.floor(Math.random() * image.data.length / 4);
    image.data[pixel * 4 + count % 3] ^= 1;
  }
  return image;
};
"""
#: The same for readings that are larger than the pattern which the page tries, so that it notices nothing.
ALTER_LARGE_READINGS = ALTER_READINGS.replace(
    "if (!window.altering)", "if (!window.altering || image.width * image.height <= 128 * 128)"
)
#: Settings of the badge while nothing can be verified.
READ_BADGE = """
const badge = document.querySelector('[data-badge]');
const popover = document.querySelector('.popover');
return {
  state: badge?.dataset.state ?? null,
  altered: badge?.hasAttribute('data-readback-altered') ?? false,
  text: popover && !popover.hidden ? popover.innerText : '',
};
"""
#: The desktop has no program that draws by itself.
DESKTOP = "blank"
#: Nothing was sent for this long, s: the agent repairs a tile at most 2 s after it was last found wrong.
QUIET_S = 4.0


@pytest.fixture
def gateway(lightbox: Lightbox) -> Iterator[GatewayClient]:
    client = GatewayClient(lightbox.url, state=lightbox.state_folder)
    yield client
    client.close()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.nightly] if number else [])
        for number, name in enumerate(FIREFOX_SETTINGS)
    ],
)
def altering_firefox(request: pytest.FixtureRequest, out: Path) -> Iterator[Firefox]:
    settings = FIREFOX_SETTINGS[request.param]
    browser = Firefox(out, width_px=PAGE_PX[0], height_px=PAGE_PX[1], preferences=settings)
    yield browser
    browser.close()


@pytest.fixture(scope="module", params=list(CAREFUL_SETTINGS))
def careful_firefox(request: pytest.FixtureRequest, out: Path) -> Iterator[Firefox]:
    settings = CAREFUL_SETTINGS[request.param]
    browser = Firefox(out, width_px=PAGE_PX[0], height_px=PAGE_PX[1], preferences=settings)
    yield browser
    browser.close()


@pytest.fixture
def new_chromium(start_browser: Callable[[str], Browser]) -> Iterator[Chromium]:
    browser = start_browser("chromium")
    assert isinstance(browser, Chromium)
    yield browser
    browser.close()


def before_each_page(browser: Chromium, script: str) -> None:
    browser.run(lambda: browser.page.add_init_script(script))


def open_blank(browser: Browser, lightbox: Lightbox) -> Viewer:
    viewer = signed_in(browser, lightbox)
    viewer.browser.open(f"{lightbox.url}/desktop/{DESKTOP}")
    return viewer


def wait_for_explanation(viewer: Viewer) -> str:
    """Waits until the badge says that readings are altered. Returns the text of its panel."""

    def explained() -> str | None:
        badge = viewer.browser.evaluate(READ_BADGE)
        if badge["state"] != "unverified" or not badge["altered"]:
            return None
        text: str = badge["text"]
        return text if "alters" in text else None

    text = wait_for(explained, timeout_s=PATIENCE_S, what=viewer.situation)
    assert text is not None
    return text


def wait_until_nothing_is_sent(viewer: Viewer, gateway: GatewayClient) -> None:
    """Waits until the agents have sent no tile for a while, although the viewer is connected."""
    wait_for(lambda: viewer.connection() == "connected", timeout_s=PATIENCE_S, what=viewer.situation)

    def quiet() -> bool:
        before = metric_sum(gateway.metrics(), "lightbox_agent_tiles_total")
        viewer.browser.evaluate(f"await new Promise((done) => setTimeout(done, {QUIET_S * 1000}))")
        return metric_sum(gateway.metrics(), "lightbox_agent_tiles_total") == before

    wait_for(quiet, timeout_s=PATIENCE_S, what="an agent that sends nothing")


def test_firefox_that_alters_readings_is_explained_and_nothing_is_sent_again(
    altering_firefox: Firefox, lightbox: Lightbox, gateway: GatewayClient
) -> None:
    mismatches = metric_sum(gateway.metrics(), "mismatches_total")
    viewer = open_blank(altering_firefox, lightbox)
    text = wait_for_explanation(viewer)
    assert "Enhanced Tracking Protection" in text, "the panel must say where to allow it"
    wait_until_nothing_is_sent(viewer, gateway)
    assert metric_sum(gateway.metrics(), "mismatches_total") == mismatches, "no reading may be trusted"
    assert "ago" not in altering_firefox.evaluate("return document.querySelector('.popover dl').innerText"), (
        "nothing was ever proven"
    )


@pytest.mark.nightly
def test_firefox_that_may_alter_readings_is_exact_or_explained(
    careful_firefox: Firefox, lightbox: Lightbox, gateway: GatewayClient
) -> None:
    mismatches = metric_sum(gateway.metrics(), "mismatches_total")
    viewer = open_blank(careful_firefox, lightbox)
    badge = wait_for(
        lambda: next(
            (b for b in [careful_firefox.evaluate(READ_BADGE)] if b["altered"] or b["state"] == "exact"), None
        ),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    assert badge is not None
    print(badge)
    wait_until_nothing_is_sent(viewer, gateway)
    assert careful_firefox.evaluate(READ_BADGE)["altered"] == badge["altered"]
    assert metric_sum(gateway.metrics(), "mismatches_total") == mismatches


def test_twelve_altered_pixels_are_explained_until_readings_are_intact(
    new_chromium: Chromium, lightbox: Lightbox, gateway: GatewayClient
) -> None:
    before_each_page(new_chromium, ALTER_READINGS)
    mismatches = metric_sum(gateway.metrics(), "mismatches_total")
    viewer = open_blank(new_chromium, lightbox)
    wait_for_explanation(viewer)
    wait_until_nothing_is_sent(viewer, gateway)
    assert metric_sum(gateway.metrics(), "mismatches_total") == mismatches
    new_chromium.evaluate("window.altering = false")
    viewer.wait_exact()
    assert not new_chromium.evaluate(READ_BADGE)["altered"]


def test_readings_that_are_altered_later_end_exactness(new_chromium: Chromium, lightbox: Lightbox) -> None:
    before_each_page(new_chromium, ALTER_READINGS + "window.altering = false;")
    viewer = open_blank(new_chromium, lightbox)
    viewer.wait_exact()
    new_chromium.evaluate("window.altering = true")
    wait_for_explanation(viewer)


def test_tiles_that_stay_wrong_are_reported_and_not_sent_for_ever(
    new_chromium: Chromium, lightbox: Lightbox, gateway: GatewayClient
) -> None:
    """The browser alters readings in a way that the page's own check does not find."""
    before_each_page(new_chromium, ALTER_LARGE_READINGS.replace("count < 12", "count < 12000"))
    given_up = metric_sum(gateway.metrics(), "unrepaired_total")
    viewer = open_blank(new_chromium, lightbox)
    viewer.wait_for_badge("unverified")
    wait_for(
        lambda: metric_sum(gateway.metrics(), "unrepaired_total") > given_up,
        timeout_s=PATIENCE_S,
        what="a tile that the agent gave up",
    )
    wait_until_nothing_is_sent(viewer, gateway)
    assert viewer.badge() == "unverified"
    viewer.click_element("[data-badge]")
    wait_for(
        lambda: "stay wrong" in new_chromium.evaluate(READ_BADGE)["text"],
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
