"""The page on a tablet: it is installable, keeps the screen awake and fits into every split view."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.browsers.tablet import IPAD_UPRIGHT, Device, Tablet
from tests.e2e.conftest import TABLETS, StartTablet
from tests.e2e.gesture_retry import retry_slow_gestures
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import clicks, open_on_tablet, tablet_of, wait_for_releases
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.probe import Probe


@pytest.fixture(scope="module", params=TABLETS, ids=lambda device: device.name)
def tablet(request: pytest.FixtureRequest, start_tablet: StartTablet) -> Iterator[Tablet]:
    """A browser that can install the page."""
    running = start_tablet(request.param, installs=True)
    yield running
    running.close()


@retry_slow_gestures
def test_going_back_asks_first(on_tablet: Viewer) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_at((300, 300))
    tablet.evaluate("history.back()")
    on_tablet.wait_for_element('[role="alertdialog"]')
    assert on_tablet.connection() == "connected"
    tablet.tap_element('[role="alertdialog"] .primary')
    assert tablet.evaluate("return location.pathname") == "/desktop/radiology"
    tablet.evaluate("history.back()")
    tablet.tap_element('[role="alertdialog"] .secondary')
    on_tablet.wait_for_element('a[href^="/desktop/"]')


@retry_slow_gestures
def test_page_disables_the_browsers_own_gestures(on_tablet: Viewer) -> None:
    style = tablet_of(on_tablet).evaluate(
        "const of = (name, what) => getComputedStyle(document.querySelector(name))[what];"
        "return [of('html', 'overscrollBehaviorY'), of('body', 'overscrollBehaviorX'),"
        " of('.surface', 'touchAction'), of('.viewport', 'touchAction')]"
    )
    assert style == ["none", "none", "none", "none"]


@pytest.mark.parametrize("width", [320, 507, 678])
@retry_slow_gestures
def test_controls_fit_into_a_split_view(on_tablet: Viewer, width: int) -> None:
    tablet = tablet_of(on_tablet)
    tablet.resize(width, tablet.device.height)
    tablet.tap_element(".handle")
    assert tablet.evaluate(BAD_CONTROLS) == []
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    on_tablet.wait_for_element(".keys")
    tablet.tap_element("[data-functions]")
    assert tablet.evaluate(BAD_CONTROLS) == []
    tablet.tap_element('[aria-label="Touch gestures"]')
    on_tablet.wait_for_element(".gestures")
    assert tablet.evaluate(BAD_CONTROLS) == []
    tablet.resize(tablet.device.width, tablet.device.height)


#: Visible controls that leave the window or are smaller than a fingertip.
BAD_CONTROLS = """
await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
return [...document.querySelectorAll('.bar button, .keys button, .gestures button')]
  .map((button) => [button.getAttribute('aria-label') ?? button.textContent, button.getBoundingClientRect()])
  .filter(([, at]) => at.width > 0)
  .filter(([, at]) => at.left < -0.5 || at.right > innerWidth + 0.5 || at.top < -0.5
    || at.bottom > innerHeight + 0.5 || at.height < 43.5 || at.width < 43.5)
  .map(([label, at]) => `${label} ${at.left},${at.top} ${at.width}x${at.height}`);
"""


@retry_slow_gestures
def test_upright_ipad_clicks(start_tablet: StartTablet, lightbox: Lightbox, probe: Probe) -> None:
    tablet = start_tablet(IPAD_UPRIGHT)
    try:
        viewer = open_on_tablet(tablet, lightbox)
        probe.clear()
        tablet.tap_at(viewer.on_page(probe.area))
        wait_for_releases(probe, 1)
        assert clicks(probe)[0][1] == 1
    finally:
        tablet.close()


@retry_slow_gestures
def test_installable(on_tablet: Viewer, lightbox: Lightbox) -> None:
    tablet = tablet_of(on_tablet)
    # The test's browser runs in incognito mode, which never offers an installation.
    assert set(tablet.installability()) <= {"in-incognito"}
    icons = tablet.evaluate(
        """
        const link = document.querySelector('link[rel=manifest]');
        const answer = await fetch(link.href);
        const manifest = await answer.json();
        const sizes = [];
        const apple = { src: document.querySelector('link[rel=apple-touch-icon]').href };
        for (const icon of [...manifest.icons, apple]) {
          const image = await fetch(new URL(icon.src, link.href));
          const bitmap = await createImageBitmap(await image.blob());
          const real = `${bitmap.width}x${bitmap.height}`;
          sizes.push([icon.sizes ?? null, real, image.headers.get('content-type')]);
        }
        const { display } = manifest;
        const start = new URL(manifest.start_url, link.href).pathname;
        return { type: answer.headers.get('content-type'), display, start, sizes };
        """
    )
    assert icons["type"] == "application/manifest+json"
    assert (icons["display"], icons["start"]) == ("standalone", "/")
    assert {kind for _, _, kind in icons["sizes"]} == {"image/png"}
    assert all(declared in (None, real) for declared, real, _ in icons["sizes"])
    assert {"192x192", "512x512", "180x180"} <= {real for _, real, _ in icons["sizes"]}


@retry_slow_gestures
def test_screen_is_kept_awake(on_tablet: Viewer, lightbox: Lightbox) -> None:
    tablet = tablet_of(on_tablet)
    tablet.before_each_page(
        "window.locks = [];"
        "const real = navigator.wakeLock.request.bind(navigator.wakeLock);"
        "const record = (lock) => { locks.push(lock); return lock; };"
        "navigator.wakeLock.request = async (kind) => record(await real(kind));"
    )
    on_tablet.open_desktop("radiology")
    wait_for(
        lambda: tablet.evaluate("return locks.map((lock) => lock.released)") == [False],
        timeout_s=PATIENCE_S,
        what="one wake lock",
    )
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="Back to the list of desktops"]')
    wait_for(
        lambda: tablet.evaluate("return locks.map((lock) => lock.released)") == [True],
        timeout_s=PATIENCE_S,
        what="the wake lock to be released",
    )


@retry_slow_gestures
def test_emulated_devices_have_the_sizes_of_real_ones(tablet: Tablet) -> None:
    seen = tablet.evaluate(
        "return [innerWidth, innerHeight, devicePixelRatio, navigator.maxTouchPoints > 0,"
        " matchMedia('(hover: none) and (pointer: coarse)').matches]"
    )
    device: Device = tablet.device
    assert seen == [device.width, device.height, 2, True, True]
