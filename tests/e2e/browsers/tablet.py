"""Chromium as a tablet: its viewport, two device pixels per CSS pixel, and fingers by CDP's touch events."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.e2e.browsers.browser import CALL_TIMEOUT_S
from tests.e2e.browsers.chromium import EXECUTABLE, FLAGS, Chromium
from tests.e2e.browsers.touch import Touches, TouchInput
from tests.e2e.processes import wait_for

#: Device pixels per CSS pixel.
RATIO = 2
#: A fingertip, CSS px.
FINGER_RADIUS_PX = 14
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Device:
    """Sizes in CSS px."""

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
    def __init__(self, log_folder: Path, device: Device, *, language: str = "en", dark: bool = False) -> None:
        self.device = device
        self._language = "ko-KR" if language == "ko" else "en-US"
        self._dark = dark
        self._down: dict[int, tuple[float, float]] = {}
        super().__init__(log_folder, width_px=device.width, height_px=device.height)

    def _start(self, width_px: int, height_px: int) -> None:
        self._playwright = sync_playwright().start()
        # Not an emulated ratio: that leaves `device-pixel-content-box` at one device pixel per CSS pixel.
        flags = [*FLAGS, f"--force-device-scale-factor={RATIO}"]
        self._browser = self._playwright.chromium.launch(executable_path=EXECUTABLE, args=flags)
        context = self._browser.new_context(
            ignore_https_errors=True,
            no_viewport=True,
            user_agent=self.device.user_agent,
            locale=self._language,
            color_scheme="dark" if self._dark else "light",
        )
        context.set_default_timeout(CALL_TIMEOUT_S * 1000)
        self.page = context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._console.append(f"uncaught: {error}"))
        self.cdp = context.new_cdp_session(self.page)
        self.cdp.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
        self._shape(width_px, height_px)

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
        """As it is: Playwright's own would set the size anew, which takes fingers off the glass."""
        answer = self.run(lambda: self.cdp.send("Page.captureScreenshot", {"format": "png"}))
        picture = base64.b64decode(answer["data"])
        if path is not None:
            path.write_bytes(picture)
        return picture

    def touch(self, fingers: Touches, *, radius_px: float = FINGER_RADIUS_PX) -> None:
        """These fingers, and no others, are on the glass, at these places on the page."""
        came = fingers.keys() - self._down.keys()
        went = self._down.keys() - fingers.keys()
        kind = "touchStart" if came else "touchEnd" if went else "touchMove"
        self._down = dict(fingers)
        points = [
            {"x": x, "y": y, "id": number, "radiusX": radius_px, "radiusY": radius_px}
            for number, (x, y) in fingers.items()
        ]
        self.run(lambda: self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}))

    def tap_element(self, selector: str) -> None:
        """Taps the middle of it as soon as it is visible."""

        def place() -> Any:
            return self.evaluate(
                f"const found = document.querySelector({selector!r});"
                "const at = found?.getBoundingClientRect();"
                "return at && at.width > 0 ? [at.left + at.width / 2, at.top + at.height / 2] : null"
            )

        x, y = wait_for(place, timeout_s=PATIENCE_S, what=f"element {selector}")
        self.tap_at((x, y))

    def mouse_to(self, place: tuple[float, float]) -> None:
        """A mouse beside the fingers."""
        self._mouse("mouseMoved", place, "mouse", 0.0)

    def pen(self, kind: str, place: tuple[float, float], *, force: float = 0.0) -> None:
        """`mouseMoved`, `mousePressed` or `mouseReleased` of a pen; `force` 0…1."""
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
        """As Android's keyboards do it: a key that says nothing, and text in the field."""
        self.run(lambda: self.cdp.send("Input.insertText", {"text": text}))

    def turn(self) -> None:
        """The device is turned: width and height change places, and the page is told of it."""
        width, height = self.evaluate("return [innerHeight, innerWidth]")
        self.resize(width, height)

    def installability(self) -> list[str]:
        """What keeps the browser from offering to install the page."""
        answer = self.run(lambda: self.cdp.send("Page.getInstallabilityErrors"))
        return [error["errorId"] for error in answer["installabilityErrors"]]

    def before_each_page(self, script: str) -> None:
        self.run(lambda: self.page.add_init_script(script))
