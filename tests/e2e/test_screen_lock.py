"""What fails closed: unattended screens, devices that lost the desktop, lost connections, signing out."""

from __future__ import annotations

import io
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.lightbox import COMMAND, ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.film import Film

#: What the page calls the person of the demo.
NAME = "Demo"
#: A second person, who may open the same desktops.
OTHER, PASSWORD = "lee", "correct horse battery"
LOCK_PAGE = "form.lock"
TEXT = "return document.body.innerText"
#: What the gateway says of the lock.
LOCK_STATE = "return (await (await fetch('/api/v1/lock')).json()).state"
#: Records whether the display is kept on.
RECORD_WAKE_LOCKS = """
if (navigator.wakeLock) navigator.wakeLock.request = async () => {
  const lock = new EventTarget();
  lock.released = false;
  lock.release = async () => { lock.released = true; };
  window.wakeLocks = [...(window.wakeLocks ?? []), lock];
  return lock;
};
"""
KEPT_ON = "return (window.wakeLocks ?? []).some((lock) => !lock.released)"
#: Makes the page believe that it is hidden, or shown again: a headless window always is visible.
SET_HIDDEN = """
Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '%s' });
document.dispatchEvent(new Event('visibilitychange'));
"""
#: The darkest part of the page is the background of the viewer; nothing of a picture is brighter than this.
BACKGROUND_MAX = 24


def demo(log: Path, settings: dict[str, str], *, share: bool = False) -> Lightbox:
    return Lightbox(log, profile="blank", width_px=640, height_px=480, share=share, settings=settings)


@pytest.fixture(scope="module")
def idle_lightbox(out: Path) -> Iterator[Lightbox]:
    """Screens are locked an hour after the last input, so that only `let_half_an_hour_pass` locks them."""
    settings = {
        "LIGHTBOX_SCREEN_LOCK_AFTER_MINUTES": "60",
        "LIGHTBOX_SCREEN_LOCK_WARNING_SECONDS": "1800",
    }
    with demo(out / "lightbox-idle.log", settings, share=True) as running:
        yield running


@pytest.fixture(scope="module")
def closed_lightbox(out: Path) -> Iterator[Lightbox]:
    """A device that lost the desktop is locked at once, and the picture is blanked after a second."""
    settings = {
        "LIGHTBOX_SCREEN_LOCK_TAKE_BACK_SECONDS": "0",
        "LIGHTBOX_SCREEN_LOCK_BLANK_SECONDS": "1",
    }
    with demo(out / "lightbox-closed.log", settings) as running:
        subprocess.run(
            [*COMMAND, "account", "add", OTHER],
            input=f"{PASSWORD}\n",
            env=running.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        yield running


@pytest.fixture
def open_browser(start_browser: Callable[[str], Browser]) -> Iterator[Callable[[], Chromium]]:
    """Opens browsers that share nothing, and closes them after the test."""
    opened: list[Chromium] = []

    def start() -> Chromium:
        browser = start_browser("chromium")
        assert isinstance(browser, Chromium)
        opened.append(browser)
        return browser

    yield start
    for browser in opened:
        browser.close()


def let_half_an_hour_pass(lightbox: Lightbox, *viewers: Viewer) -> None:
    """Moves every last input into the past, and the clocks of these pages on."""
    file = lightbox.state_folder / "lightbox.db"
    with closing(sqlite3.connect(file, timeout=PATIENCE_S)) as database, database:
        database.execute("UPDATE web_sessions SET input_s = input_s - 1800")
    for viewer in viewers:
        viewer.browser.evaluate("const before = Date.now; Date.now = () => before() + 1_800_000;")


def signed_in(browser: Browser, lightbox: Lightbox, url: str | None = None) -> Viewer:
    viewer = Viewer(browser, url or lightbox.url)
    viewer.browser.open(viewer.url + "/")
    viewer.browser.evaluate("localStorage.setItem('lightbox.language', 'en')")
    viewer.sign_in(lightbox.username, lightbox.password)
    return viewer


def wait_for_text(viewer: Viewer, *parts: str) -> None:
    wait_for(
        lambda: all(part in viewer.browser.evaluate(TEXT) for part in parts),
        timeout_s=PATIENCE_S,
        what=lambda: f"{parts}; {viewer.situation()}",
    )


def wait_locked(viewer: Viewer) -> None:
    viewer.wait_for_element(LOCK_PAGE)
    assert viewer.browser.evaluate("return document.querySelectorAll('canvas').length") == 0
    # The page may be first, by the interval at which the gateway examines screens.
    refused = "return (await fetch('/api/v1/desktops')).status === 423"
    wait_for(lambda: viewer.browser.evaluate(refused), timeout_s=PATIENCE_S, what=viewer.situation)


def unlock(viewer: Viewer, password: str) -> None:
    viewer._fill("password", password)
    viewer.click_element(f"{LOCK_PAGE} button[type=submit]")


def brightest(viewer: Viewer) -> int:
    """Returns the largest value of a pixel in the lower half of the page, below bar and cards."""
    pixels = np.asarray(Image.open(io.BytesIO(viewer.browser.screenshot())).convert("RGB"))
    return int(pixels[pixels.shape[0] // 2 :].max())


def test_screens_without_input_are_locked(
    idle_lightbox: Lightbox, open_browser: Callable[[], Chromium], out: Path
) -> None:
    """An open viewer with a film, a visible list, and a hidden tab: all without a person."""
    hidden = signed_in(open_browser(), idle_lightbox)
    hidden.browser.open(f"{hidden.url}/desktop/blank")
    wait_for(lambda: hidden.connection() == "connected", timeout_s=PATIENCE_S, what=hidden.situation)
    hidden.browser.evaluate(SET_HIDDEN % "hidden")
    listed = signed_in(open_browser(), idle_lightbox)
    film = Film(idle_lightbox.display())
    watching = open_browser()
    watching.run(lambda: watching.page.add_init_script(RECORD_WAKE_LOCKS))
    viewer = signed_in(watching, idle_lightbox)
    try:
        viewer.browser.open(f"{viewer.url}/desktop/blank")
        wait_for(lambda: viewer.browser.evaluate(KEPT_ON), timeout_s=PATIENCE_S, what=viewer.situation)
        let_half_an_hour_pass(idle_lightbox, viewer, listed, hidden)
        viewer.wait_for_element(".lock-warning")
        assert not viewer.browser.evaluate(KEPT_ON), "the display may sleep when nobody is there"
        viewer.browser.screenshot(out / "lock-warning.png")
        let_half_an_hour_pass(idle_lightbox, viewer, listed, hidden)
        for one in (viewer, listed, hidden):
            wait_locked(one)
            wait_for_text(one, NAME, "This screen is locked.")
    finally:
        film.close()
    viewer.browser.screenshot(out / "lock-page.png")
    hidden.browser.evaluate(SET_HIDDEN % "visible")
    wait_locked(hidden)
    unlock(viewer, "wrong password")
    wait_for_text(viewer, "The password is wrong.")
    unlock(viewer, idle_lightbox.password)
    viewer.wait_exact()


def test_input_ends_the_warning(idle_lightbox: Lightbox, open_browser: Callable[[], Chromium]) -> None:
    viewer = signed_in(open_browser(), idle_lightbox)
    let_half_an_hour_pass(idle_lightbox, viewer)
    viewer.wait_for_element(".lock-warning")
    viewer.browser.tap("Shift")
    wait_for(
        lambda: viewer.browser.evaluate("return document.querySelector('.lock-warning') === null"),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    wait_for(
        lambda: viewer.browser.evaluate(LOCK_STATE) == "open", timeout_s=PATIENCE_S, what=viewer.situation
    )


def test_input_on_the_desktop_is_reported_by_its_agent(
    idle_lightbox: Lightbox, open_browser: Callable[[], Chromium]
) -> None:
    """The page reports nothing of what it sends to the desktop."""
    chromium = open_browser()
    viewer = signed_in(chromium, idle_lightbox)
    chromium.run(lambda: chromium.page.route("**/api/v1/input", lambda route: route.abort()))
    viewer.open_desktop("blank")
    let_half_an_hour_pass(idle_lightbox, viewer)
    viewer.wait_for_element(".lock-warning")
    assert viewer.browser.evaluate(LOCK_STATE) == "warned"
    viewer.click((320, 240))
    wait_for(
        lambda: viewer.browser.evaluate(LOCK_STATE) == "open", timeout_s=PATIENCE_S, what=viewer.situation
    )


def test_a_person_locks_the_screen(closed_lightbox: Lightbox, open_browser: Callable[[], Chromium]) -> None:
    chromium = open_browser()
    viewer = signed_in(chromium, closed_lightbox)
    twin = chromium.run(chromium.page.context.new_page)
    chromium.run(lambda: twin.goto(closed_lightbox.url + "/"))
    viewer.open_desktop("blank")
    viewer.browser.evaluate("document.querySelector('.tools [data-tool=lock]').click()")
    wait_locked(viewer)
    wait_for_text(viewer, "You locked it.")
    in_twin = f"document.querySelector('{LOCK_PAGE}') !== null"
    wait_for(
        lambda: chromium.run(lambda: twin.evaluate(in_twin)),
        timeout_s=PATIENCE_S,
        what="the other window locked",
    )
    chromium.run(lambda: chromium.page.reload())
    wait_locked(viewer)
    unlock(viewer, closed_lightbox.password)
    viewer.wait_exact()
    wait_for(
        lambda: not chromium.run(lambda: twin.evaluate(in_twin)),
        timeout_s=PATIENCE_S,
        what="the other window unlocked",
    )


def test_a_lock_without_the_server_holds_when_the_server_is_back(
    closed_lightbox: Lightbox, open_browser: Callable[[], Chromium]
) -> None:
    chromium = open_browser()
    viewer = signed_in(chromium, closed_lightbox)
    chromium.run(lambda: chromium.page.route("**/api/v1/lock", lambda route: route.abort()))
    viewer.click_element('[aria-label="Lock the screen"]')
    viewer.wait_for_element(LOCK_PAGE)
    chromium.run(lambda: chromium.page.unroute("**/api/v1/lock"))
    refused = "return (await fetch('/api/v1/desktops')).status"
    wait_for(lambda: viewer.browser.evaluate(refused) == 423, timeout_s=PATIENCE_S, what=viewer.situation)
    wait_locked(viewer)


def test_a_device_that_lost_the_desktop_is_locked(
    closed_lightbox: Lightbox, open_browser: Callable[[], Chromium], out: Path
) -> None:
    first, second = (signed_in(open_browser(), closed_lightbox) for _ in range(2))
    first.open_desktop("blank")
    second.open_desktop("blank")
    take_back = ".connection-notice button.primary"
    wait_for(
        lambda: first.browser.evaluate(
            f"document.querySelector('{take_back}')?.click();"
            f"return document.querySelector('{LOCK_PAGE}') !== null"
        ),
        timeout_s=PATIENCE_S,
        what=first.situation,
    )
    wait_locked(first)
    wait_for_text(first, NAME, "Your desktop was opened on another device")
    first.browser.screenshot(out / "lock-moved.png")
    assert second.connection() == "connected"
    unlock(first, closed_lightbox.password)
    first.wait_exact()


def test_another_person_meets_nothing_of_the_first(
    closed_lightbox: Lightbox, open_browser: Callable[[], Chromium]
) -> None:
    viewer = signed_in(open_browser(), closed_lightbox)
    viewer.open_desktop("blank")
    viewer.browser.evaluate("document.querySelector('.tools [data-tool=lock]').click()")
    wait_locked(viewer)
    viewer.click_element(f"{LOCK_PAGE} button.quiet")
    wait_for_text(viewer, "You have signed out")
    viewer.fill_in(OTHER, PASSWORD)
    wait_for_text(viewer, "No desktop is assigned to you")
    assert viewer.browser.evaluate("return location.pathname") == "/"
    assert viewer.browser.evaluate("return document.querySelectorAll('canvas').length") == 0


def test_the_picture_is_blanked_without_a_connection(
    closed_lightbox: Lightbox, open_browser: Callable[[], Chromium], out: Path
) -> None:
    relay = Relay(closed_lightbox.port)
    film = Film(closed_lightbox.display())
    try:
        viewer = signed_in(open_browser(), closed_lightbox, relay.url)
        film.stop()
        viewer.open_desktop("blank")
        assert brightest(viewer) > BACKGROUND_MAX
        relay.unplug()
        viewer.wait_for_element(".viewer[data-blank]")
        viewer.browser.screenshot(out / "blanked.png")
        assert brightest(viewer) <= BACKGROUND_MAX
        relay.plug()
        viewer.wait_exact()
        assert not viewer.browser.evaluate("return document.querySelector('[data-blank]') !== null")
    finally:
        film.close()
        relay.close()


def test_a_sign_out_without_the_server_shows_nothing_and_says_so(
    closed_lightbox: Lightbox, open_browser: Callable[[], Chromium], out: Path
) -> None:
    relay = Relay(closed_lightbox.port)
    chromium = open_browser()
    viewer = signed_in(chromium, closed_lightbox, relay.url)
    viewer.open_desktop("blank")
    signed_in_status = "return (await fetch('/api/v1/me')).status"
    assert viewer.browser.evaluate(signed_in_status) == 200
    try:
        relay.unplug()
        viewer.browser.evaluate("document.querySelector('.tools [data-tool=signOut]').click()")
        wait_for_text(viewer, "You are still signed in.", "Next attempt in")
        viewer.browser.screenshot(out / "still-signed-in.png")
        nothing = "return document.querySelectorAll('canvas, input').length"
        assert viewer.browser.evaluate(nothing) == 0, "neither a desktop nor a sign-in page"
        relay.plug()
        wait_for_text(viewer, "You have signed out")
        assert viewer.browser.evaluate(signed_in_status) == 401
    finally:
        relay.close()


def test_a_page_that_is_loaded_again_goes_on_signing_out(
    closed_lightbox: Lightbox, open_browser: Callable[[], Chromium]
) -> None:
    chromium = open_browser()
    viewer = signed_in(chromium, closed_lightbox)
    chromium.run(lambda: chromium.page.context.route("**/sign-out", lambda route: route.abort()))
    viewer.click_element('[aria-label="Sign out"]')
    wait_for_text(viewer, "You are still signed in.")
    viewer.browser.open(f"{viewer.url}/desktop/blank")
    wait_for_text(viewer, "You are still signed in.")
    assert viewer.browser.evaluate("return document.querySelectorAll('canvas, input').length") == 0
    chromium.run(lambda: chromium.page.context.unroute("**/sign-out"))
    wait_for_text(viewer, "You have signed out")
