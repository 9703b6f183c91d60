"""Chromium as a tablet: a tablet's viewport, two device pixels per CSS pixel, and touches by CDP."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.e2e.browsers.chromium import Chromium, ChromiumProcess
from tests.e2e.browsers.touch import STEP_S, TAP_S, GestureTooSlowError, Touches, TouchInput
from tests.e2e.processes import wait_for

#: Device pixels per CSS pixel.
RATIO = 2
#: Radius of a fingertip, CSS px.
FINGER_RADIUS_PX = 14
#: How long tests wait for an element, s.
PATIENCE_S = 90.0


#: Records whether an element is clicked. A new page has no record, and proves the click.
RECORD_CLICK = """
window.clickReceived = false;
document.querySelector(%s).addEventListener('click', () => { clickReceived = true; }, { once: true });
"""
#: Attributes of the key bar's keys.
KEY_ATTRIBUTES = ("data-keysym", "data-modifier", "data-mouse")


@dataclass(frozen=True, slots=True)
class Device:
    """A tablet with its size in CSS px."""

    name: str
    width: int
    height: int
    user_agent: str


_IPAD_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Safari/605.1.15"
)
IPAD = Device("ipad", 1180, 820, _IPAD_AGENT)
IPAD_UPRIGHT = Device("ipad-upright", 820, 1180, _IPAD_AGENT)
GALAXY_TAB = Device(
    "galaxy-tab",
    1280,
    800,
    "Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36",
)


class Tablet(Chromium, TouchInput):
    """A Chromium that behaves like a tablet."""

    #: An emulated ratio would leave `device-pixel-content-box` at one device pixel per CSS pixel.
    process_flags = (f"--force-device-scale-factor={RATIO}",)

    def __init__(
        self,
        log_folder: Path,
        device: Device,
        *,
        language: str = "en",
        dark: bool = False,
        process: ChromiumProcess | None = None,
    ) -> None:
        self.device = device
        self._language = "ko-KR" if language == "ko" else "en-US"
        self._dark = dark
        self._down: dict[int, tuple[float, float]] = {}
        super().__init__(log_folder, width_px=device.width, height_px=device.height, process=process)

    def _new_context(self, width_px: int, height_px: int) -> BrowserContext:
        return self._process.browser.new_context(
            ignore_https_errors=True,
            no_viewport=True,
            user_agent=self.device.user_agent,
            locale=self._language,
            color_scheme="dark" if self._dark else "light",
        )

    def _control(self, page: Page) -> None:
        super()._control(page)
        self.cdp.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
        self._shape(self.device.width, self.device.height)

    def _shape(self, width_px: int, height_px: int) -> None:
        wide = width_px > height_px
        orientation = (
            {"type": "landscapePrimary", "angle": 90} if wide else {"type": "portraitPrimary", "angle": 0}
        )
        size = {"width": width_px, "height": height_px, "screenWidth": width_px, "screenHeight": height_px}
        ratio = {"deviceScaleFactor": 0, "mobile": True, "screenOrientation": orientation}
        self.cdp.send("Emulation.setDeviceMetricsOverride", {**size, **ratio})

    def resize(self, width_px: int, height_px: int) -> None:
        self.run(lambda: self._shape(width_px, height_px))

    def screenshot(self, path: Path | None = None) -> bytes:
        """Takes a screenshot by CDP. Playwright's would set the size again, which cancels touches."""
        answer = self.run(lambda: self.cdp.send("Page.captureScreenshot", {"format": "png"}))
        png = base64.b64decode(answer["data"])
        if path is not None:
            path.write_bytes(png)
        return png

    def touch(
        self, fingers: Touches, *, radius_px: float = FINGER_RADIUS_PX, epoch_s: float | None = None
    ) -> None:
        """Sets the fingers on the screen, by number, at these positions on the page.

        `epoch_s` is the time that the event reports, in seconds since the epoch; None is now.
        """
        if not fingers and not self._down:
            return
        added = fingers.keys() - self._down.keys()
        lifted = self._down.keys() - fingers.keys()
        kind = "touchStart" if added else "touchEnd" if lifted else "touchMove"
        self._down = dict(fingers)
        points = [
            {"x": x, "y": y, "id": number, "radiusX": radius_px, "radiusY": radius_px}
            for number, (x, y) in fingers.items()
        ]
        event: dict[str, Any] = {"type": kind, "touchPoints": points}
        if epoch_s is not None:
            event["timestamp"] = epoch_s
        self.run(lambda: self.cdp.send("Input.dispatchTouchEvent", event))

    def fling(self, start: Touches, end: Touches, *, steps: int = 12) -> None:
        """Moves fingers fast and lifts them while they move, whatever time this host needs for it."""
        self.touch(start)
        time.sleep(TAP_S)
        began_s = time.time()
        for step in range(1, steps + 1):
            fraction = step / steps
            places = {
                n: (x + (end[n][0] - x) * fraction, y + (end[n][1] - y) * fraction)
                for n, (x, y) in start.items()
            }
            self.touch(places, epoch_s=began_s + step * STEP_S)
        self.touch({}, epoch_s=began_s + (steps + 0.5) * STEP_S)

    def tap_element(self, selector: str) -> None:
        """Taps the middle of an element as soon as it is visible.

        A tap that a busy host made too slowly is repeated if the page received no click. Keys of the key bar
        act without a click, so that for them GestureTooSlowError is raised.
        """
        while True:
            position = self.position_of(selector)
            self.evaluate(RECORD_CLICK % json.dumps(selector))
            try:
                self.tap_at(position)
            except GestureTooSlowError:
                if self.evaluate("return window.clickReceived ?? true"):
                    return
                if any(attribute in selector for attribute in KEY_ATTRIBUTES):
                    raise
            else:
                return

    def position_of(self, selector: str) -> tuple[float, float]:
        """Waits until an element is visible. Returns the page position of its middle."""

        def position() -> Any:
            return self.evaluate(
                f"const found = document.querySelector({selector!r});"
                "const at = found?.getBoundingClientRect();"
                "return at && at.width > 0 ? [at.left + at.width / 2, at.top + at.height / 2] : null"
            )

        x, y = wait_for(position, timeout_s=PATIENCE_S, what=f"element {selector}")
        return x, y

    def mouse_to(self, place: tuple[float, float]) -> None:
        """Moves a mouse."""
        self._mouse("mouseMoved", place, "mouse", 0.0)

    def pen(self, kind: str, place: tuple[float, float], *, force: float = 0.0) -> None:
        """Sends `mouseMoved`, `mousePressed` or `mouseReleased` of a pen; `force` is 0 to 1."""
        self._mouse(kind, place, "pen", force)

    def _mouse(self, kind: str, place: tuple[float, float], pointer: str, force: float) -> None:
        event: dict[str, Any] = {
            "type": kind,
            "x": place[0],
            "y": place[1],
            "pointerType": pointer,
            "force": force,
        }
        if kind == "mousePressed" or force > 0:
            event |= {"buttons": 1, "button": "left", "clickCount": 1 if kind == "mousePressed" else 0}
        elif kind == "mouseReleased":
            event |= {"button": "left", "clickCount": 1}
        self.run(lambda: self.cdp.send("Input.dispatchMouseEvent", event))

    def soft_text(self, text: str) -> None:
        """Enters text as Android's keyboards do: without a meaningful key, as text in the field."""
        self.run(lambda: self.cdp.send("Input.insertText", {"text": text}))

    def turn(self) -> None:
        """Turns the device: swaps width and height and notifies the page."""
        width, height = self.evaluate("return [innerHeight, innerWidth]")
        self.resize(width, height)

    def installability(self) -> list[str]:
        """Returns the reasons why the browser does not offer to install the page."""
        answer = self.run(lambda: self.cdp.send("Page.getInstallabilityErrors"))
        return [error["errorId"] for error in answer["installabilityErrors"]]

    def before_each_page(self, script: str) -> None:
        self.run(lambda: self.page.add_init_script(script))
