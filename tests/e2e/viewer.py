"""Uses Lightbox's pages as a person does: sign-in page, list of desktops and desktop."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.e2e.browsers.browser import Browser, Button
from tests.e2e.processes import wait_for
from tests.e2e.x_desktop.display import XDisplay

#: How long tests wait for a state before they give up, s. It is no expectation: a busy host may need long.
PATIENCE_S = 90.0

#: What was typed into a field of a page must stand there after this time, s, or is typed again.
TYPED_WITHIN_S = 10.0

#: A change of the desktop may take this long to reach the surface on a busy host, s.
IN_FLIGHT_S = 5.0

SURFACE = "document.querySelector('canvas[data-monitor]')"
#: Reads the canvas SURFACE as gzip-compressed RGBA.
READ_SURFACE = """
const surface = SURFACE;
const { width, height } = surface;
const pixels = surface.getContext('2d').getImageData(0, 0, width, height).data;
const packed = new Blob([pixels]).stream().pipeThrough(new CompressionStream('gzip'));
const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
let binary = '';
for (let start = 0; start < bytes.length; start += 32768)
  binary += String.fromCharCode(...bytes.subarray(start, start + 32768));
return { width, height, data: btoa(binary) };
"""
#: Returns the size of the canvas SURFACE, and the hash of its RGBA in AREA; null means everything.
HASH_SURFACE = """
const surface = SURFACE;
const [left, top, width, height] = AREA ?? [0, 0, surface.width, surface.height];
const pixels = surface.getContext('2d').getImageData(left, top, width, height).data;
const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', pixels));
return [surface.width, surface.height, [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')];
"""
#: Records all states of connection and badge.
WATCH_STATES = """
window.watched = { connection: [], badge: [] };
const record = (list, state) => { if (state && list.at(-1) !== state) list.push(state); };
const recordAll = () => {
  record(watched.connection, document.documentElement.dataset.connection);
  record(watched.badge, document.querySelector('[data-badge]')?.dataset.state);
};
recordAll();
new MutationObserver(recordAll).observe(document.documentElement, {
  subtree: true, childList: true, attributeFilter: ['data-connection', 'data-state'],
});
"""
#: Scrolls no further than necessary, and without an animation.
SCROLL_OPTIONS = "{ block: 'nearest', inline: 'nearest', behavior: 'instant' }"
#: Returns an element's box in CSS px, or null if it is not visible.
READ_RECT = """
const element = document.querySelector(%s);
if (!element) return null;
const { left, top, width, height } = element.getBoundingClientRect();
return width && height ? [left, top, width, height] : null;
"""
#: Returns whether the page is connected and the badge says exact.
IS_EXACT = """
return document.documentElement.dataset.connection === 'connected'
  && document.querySelector('[data-badge]')?.dataset.state === 'exact';
"""


class Viewer:
    """One browser with Lightbox's pages."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        #: The address that `open_desktop` opened last.
        self.opened = url + "/"

    # -- sign-in and list ----------------------------------------------------------------------------------

    def sign_out(self) -> None:
        """Signs out, if necessary, and shows the sign-in page."""
        self.browser.open(self.url + "/")
        self.browser.evaluate("await fetch('/api/v1/sign-out', { method: 'POST' })")
        self.browser.open(self.url + "/")
        self.wait_for_element('input[name="password"]')

    def fill_in(self, username: str, password: str) -> None:
        """Types into the sign-in form and submits it with its button."""
        for name, value in (("username", username), ("password", password)):
            self._fill(name, value)
        self.click_element('form button[type="submit"], form button:not([type]), form input[type="submit"]')

    def _fill(self, name: str, value: str) -> None:
        """Types into a field; anew if a window that appeared meanwhile took some of the keys."""
        script = f"return document.querySelector('input[name={name}]').value"
        typed_s = float("-inf")

        def filled() -> bool:
            nonlocal typed_s
            if time.monotonic() - typed_s > TYPED_WITHIN_S:
                self.click_element(f'input[name="{name}"]')
                self.browser.key_down("Control")
                self.browser.tap("a")
                self.browser.key_up("Control")
                self.browser.type(value)
                typed_s = time.monotonic()
            found: str = self.browser.evaluate(script)
            return found == value

        wait_for(filled, timeout_s=PATIENCE_S, what=f"the {name} typed")

    def sign_in(self, username: str, password: str) -> None:
        """Signs in anew and waits for the list of desktops."""
        self.sign_out()
        self.fill_in(username, password)
        self.wait_for_element('a[href^="/desktop/"]')

    def show_list(self) -> None:
        """Goes to the list of desktops."""
        self.browser.open(self.url + "/")
        self.wait_for_element('a[href^="/desktop/"]')

    def desktops(self) -> list[str]:
        """Returns the addresses of the links in the list of desktops."""
        links: list[str] = self.browser.evaluate(
            "const links = [...document.querySelectorAll('a[href^=\"/desktop/\"]')];"
            "return links.map((link) => link.getAttribute('href'))"
        )
        return links

    def open_desktop(self, name: str, monitor: int | None = None) -> None:
        """Opens a desktop's page and waits until it is exact."""
        query = "" if monitor is None else f"?monitor={monitor}"
        self.opened = f"{self.url}/desktop/{name}{query}"
        self.browser.open(self.opened)
        self.wait_exact()

    # -- the page ----------------------------------------------------------------------------------

    def badge(self) -> str | None:
        """Returns the state that the exactness badge shows."""
        state: str | None = self.browser.evaluate(
            "return document.querySelector('[data-badge]')?.dataset.state ?? null"
        )
        return state

    def connection(self) -> str | None:
        """Returns the state of the connection as the page reports it."""
        state: str | None = self.browser.evaluate(
            "return document.documentElement.dataset.connection ?? null"
        )
        return state

    def watch_connection(self) -> None:
        """Lets the page record every state of connection and badge from now on, however short."""
        self.browser.evaluate(WATCH_STATES)

    def connections(self) -> list[str]:
        """Returns the states of the connection since `watch_connection`."""
        states: list[str] = self.browser.evaluate("return watched.connection")
        return states

    def badges(self) -> list[str]:
        """Returns the states of the badge since `watch_connection`."""
        states: list[str] = self.browser.evaluate("return watched.badge")
        return states

    def situation(self) -> str:
        """Describes the page for the message of a failed test."""
        text = self.browser.evaluate("return document.body.innerText.slice(0, 600)")
        return (
            f"badge {self.badge()}, connection {self.connection()}, page says {text!r}, "
            f"console {self.browser.console()[-8:]}"
        )

    def wait_exact(self, timeout_s: float = PATIENCE_S) -> float:
        """Waits until the page is connected and the badge says exact. Returns how long that took, s."""
        started = time.monotonic()
        wait_for(
            lambda: self.browser.evaluate(IS_EXACT),
            timeout_s=timeout_s,
            what=lambda: f"an exact surface; {self.situation()}",
        )
        return time.monotonic() - started

    def wait_for_badge(self, *states: str, timeout_s: float = PATIENCE_S) -> None:
        wait_for(
            lambda: self.badge() in states,
            timeout_s=timeout_s,
            what=lambda: f"badge {states}; {self.situation()}",
        )

    def wait_for_element(self, selector: str, timeout_s: float = PATIENCE_S) -> list[float]:
        """Waits until an element is visible. Returns its left, top, width and height in CSS px."""
        place: list[float] = wait_for(
            lambda: self.browser.evaluate(READ_RECT % json.dumps(selector)),
            timeout_s=timeout_s,
            what=lambda: f"element {selector}; {self.situation()}",
        )
        return place

    def click_element(self, selector: str) -> None:
        """Scrolls an element into view and clicks its middle."""
        self.wait_for_element(selector)
        self.browser.evaluate(
            f"document.querySelector({json.dumps(selector)})?.scrollIntoView({SCROLL_OPTIONS})"
        )
        left, top, width, height = self.wait_for_element(selector)
        self.browser.click(left + width / 2, top + height / 2)

    # -- the surface -------------------------------------------------------------------------------

    def surface(self, canvas: str = SURFACE) -> NDArray[np.uint8]:
        """Reads a canvas of the page as (height, width, 3). Asserts that it is opaque."""
        answer: dict[str, Any] = self.browser.evaluate(READ_SURFACE.replace("SURFACE", canvas))
        raw = gzip.decompress(base64.b64decode(answer["data"]))
        pixels = np.frombuffer(raw, np.uint8).reshape(answer["height"], answer["width"], 4)
        assert (pixels[:, :, 3] == 255).all(), "the surface is not opaque"
        return pixels[:, :, :3].copy()

    def shows(
        self, image: NDArray[np.uint8], at: tuple[int, int] | None = None, canvas: str = SURFACE
    ) -> bool:
        """Returns whether a canvas has exactly these pixels, opaque: at a position, or as its whole content.

        `image` is (height, width) grey or (height, width, 3) RGB. The page returns only a hash, which costs
        much less than the pixels.
        """
        height, width = image.shape[:2]
        opaque = np.full((height, width, 4), 255, np.uint8)
        opaque[:, :, :3] = image if image.ndim == 3 else image[:, :, None]
        area = None if at is None else [*at, width, height]
        script = HASH_SURFACE.replace("SURFACE", canvas).replace("AREA", json.dumps(area))
        canvas_width, canvas_height, found = self.browser.evaluate(script)
        if at is None and (canvas_width, canvas_height) != (width, height):
            return False
        return bool(found == hashlib.sha256(opaque.data).hexdigest())

    def on_page(self, point: tuple[int, int]) -> tuple[float, float]:
        """Returns the page position of the middle of a desktop pixel."""
        x, y, scale_x, scale_y = self.browser.evaluate(
            f"const surface = {SURFACE}; const at = surface.getBoundingClientRect();"
            "return [at.left, at.top, at.width / surface.width, at.height / surface.height]"
        )
        return x + (point[0] + 0.5) * scale_x, y + (point[1] + 0.5) * scale_y

    def click(self, point: tuple[int, int], button: Button = Button.LEFT, count: int = 1) -> None:
        """Clicks on a desktop pixel."""
        self.browser.click(*_whole(self.on_page(point)), button, count)

    def move(self, point: tuple[int, int]) -> None:
        self.browser.move(*_whole(self.on_page(point)))

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        self.browser.drag(_whole(self.on_page(start)), _whole(self.on_page(end)))

    def wheel(self, point: tuple[int, int], notches: int) -> None:
        self.browser.wheel(*_whole(self.on_page(point)), notches)

    def assert_equal(
        self,
        display: XDisplay,
        out: Path,
        name: str,
        timeout_s: float = PATIENCE_S,
        *,
        monitor: tuple[int, int, int, int] | None = None,
    ) -> None:
        """Asserts that the surface equals the X server's pixels while the badge says exact.

        `monitor` is the part that the viewer shows, as x, y, width and height on the desktop; None means all.

        A clock or a caret may change the desktop meanwhile, so a comparison counts only if nothing was drawn
        between the readings of the X server and of the surface. What was drawn just before may still be on
        its way, so a difference must last. Both images and the page are then stored in `out`.
        """
        deadline = time.monotonic() + timeout_s
        different_since: float | None = None
        while True:
            self.wait_exact()
            if display.changed():
                different_since = None
            before = _part(display.pixels(), monitor)
            equal = self.shows(before)
            badge = self.badge()
            still = not display.changed() and badge == "exact"
            if still and equal:
                return
            now = time.monotonic()
            different_since = (now if different_since is None else different_since) if still else None
            if different_since is not None and now - different_since > IN_FLIGHT_S:
                break
            if now > deadline:
                break
        surface = self.surface()
        Image.fromarray(before).save(out / f"{name}-desktop.png")
        Image.fromarray(surface).save(out / f"{name}-surface.png")
        self.browser.screenshot(out / f"{name}-page.png")
        assert still, f"the desktop changed constantly for {timeout_s:g} s; badge {badge}"
        assert surface.shape == before.shape, f"surface {surface.shape}, desktop {before.shape}"
        wrong = (surface != before).any(axis=2)
        assert wrong.any(), f"the surface differed for {IN_FLIGHT_S:g} s, and no more when read again"
        rows, columns = np.nonzero(wrong)
        raise AssertionError(
            f"{wrong.sum()} pixels differ while the badge says exact, within "
            f"x {columns.min()}…{columns.max()}, y {rows.min()}…{rows.max()}; images in {out}"
        )


def _part(pixels: NDArray[np.uint8], monitor: tuple[int, int, int, int] | None) -> NDArray[np.uint8]:
    if monitor is None:
        return pixels
    x, y, width, height = monitor
    return pixels[y : y + height, x : x + width]


def _whole(point: tuple[float, float]) -> tuple[int, int]:
    """Rounds a page position down to whole CSS px, because engines round fractions differently."""
    return int(point[0]), int(point[1])
