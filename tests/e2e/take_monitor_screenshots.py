"""Takes screenshots of monitors and the display check: `python -m tests.e2e.take_monitor_screenshots`.

Arguments: `workstation`, `tablets` or `check` select a part, anything else is the folder (default
docs/images). The image of the workstation is composed of the screenshots of its windows. The desktops are
isolated, as people have them, so it needs root.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto
from PIL import Image

from display_server.spawner.layout import home_folder
from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow
from tests.e2e.browsers.tablet import GALAXY_TAB, IPAD, Device, Tablet
from tests.e2e.conftest import signed_in
from tests.e2e.containers import start_as_person
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.monitor_layout import Place, set_layout
from tests.e2e.processes import wait_for
from tests.e2e.small_png import save_small
from tests.e2e.tablet_desktop import open_on_tablet
from tests.e2e.take_screenshots import SETTLES_S, prefer, wait_until_still
from tests.e2e.test_display_check import find_square, press_button
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay

#: A radiologist's workstation: two 5-megapixel portrait monitors and one for lists.
DESK: tuple[Place, ...] = ((0, 0, 2048, 2560), (2048, 0, 2048, 2560), (4096, 740, 1920, 1080))
#: Two monitors for a tablet's split view.
PAIR: tuple[Place, ...] = ((0, 0, 1170, 1590), (1170, 0, 1170, 1590))
#: Height of the panel at a text size of 100 %, px.
PANEL_PX = 40
#: Scale of the composed image.
DESK_SCALE = 0.3
#: Bezels and colours of the composed image.
BEZEL_PX, DESK_COLOUR, BEZEL_COLOUR = 14, (58, 64, 68), (16, 18, 20)
PAGE_PX = (1600, 1000)
ISOLATED = {"LIGHTBOX_ISOLATION_ENABLED": "true"}
ROUNDS = (("light", "en", ""), ("dark", "ko", "-dark-ko"))
#: Button labels of the display check: start, yes, and the positions of the square.
LABELS = {
    "": ("Start", "Yes", "Top left", "Top right", "Bottom left", "Bottom right"),
    "-dark-ko": ("시작", "예", "왼쪽 위", "오른쪽 위", "왼쪽 아래", "오른쪽 아래"),
}
#: Questions before the contrast test.
QUESTIONS = 9
COUNT = "return document.querySelectorAll('.check-body button').length"
_MAXIMISE = ("_NET_WM_STATE_MAXIMIZED_HORZ", "_NET_WM_STATE_MAXIMIZED_VERT")
#: EWMH's source indication of a pager.
PAGER = 2


class WindowManagerClient:
    """Sends requests to a desktop's window manager, as a pager does."""

    def __init__(self, display: XDisplay) -> None:
        self._display = display
        self._x: Any = display.connect()
        self._root = self._x.get_setup().roots[0].root

    def put(self, window: Window, place: Place, *, maximised: bool = False) -> None:
        """Gives a window with its frame a place, and maximises it if requested."""
        left, right, top, bottom = self._display.borders(window.id)
        x, y, width, height = place
        inner = [x, y, width - left - right, height - top - bottom]
        every_side = 0b1111 << 8 | PAGER << 12
        self._send(window, "_NET_WM_STATE", [0, *map(self._atom, _MAXIMISE), PAGER, 0])
        self._send(window, "_NET_MOVERESIZE_WINDOW", [every_side, *inner])
        time.sleep(SETTLES_S)
        if maximised:
            self._send(window, "_NET_WM_STATE", [1, *map(self._atom, _MAXIMISE), PAGER, 0])

    def find(self, *words: str, besides: Sequence[int] = ()) -> Window:
        """Waits for the newest window with one of these words in its title."""

        def found() -> Window | None:
            fits = [
                window
                for window in self._display.windows()
                if window.id not in besides and any(word.lower() in window.title.lower() for word in words)
            ]
            return fits[-1] if fits else None

        return wait_for(
            found,
            timeout_s=PATIENCE_S,
            what=lambda: f"a window {words}; {[w.title for w in self._display.windows()]}",
        )

    def _send(self, window: Window, name: str, data: list[int]) -> None:
        make: Any = xcffib.xproto.ClientMessageEvent.synthetic
        union: Any = xcffib.xproto.ClientMessageData.synthetic
        event = make(32, window.id, self._atom(name), union((data + [0] * 5)[:5], "IIIII"))
        masks = xcffib.xproto.EventMask
        self._x.core.SendEvent(
            False, self._root, masks.SubstructureRedirect | masks.SubstructureNotify, event.pack()
        )
        self._x.core.GetInputFocus().reply()

    def _atom(self, name: str) -> int:
        return int(self._x.core.InternAtom(False, len(name), name).reply().atom)


def save(image: Image.Image, folder: Path, name: str) -> None:
    path = folder / f"{name}.png"
    save_small(image, path)
    print(path)


def shot(browser: Browser) -> Image.Image:
    time.sleep(SETTLES_S)
    return Image.open(io.BytesIO(browser.screenshot()))


def workstation(logs: Path, folder: Path) -> None:
    lightbox = Lightbox(logs / "log", profile="radiology", width_px=1920, height_px=1080, settings=ISOLATED)
    try:
        for theme, language, ending in ROUNDS:
            browser = Chromium(logs, width_px=DESK[0][2], height_px=DESK[0][3])
            try:
                prefer(browser, theme, language)
                with ExitStack() as stack:
                    desk_round(browser, lightbox, folder, ending, (theme, language), stack)
            finally:
                browser.close()
    finally:
        lightbox.stop()


def desk_round(
    browser: Chromium,
    lightbox: Lightbox,
    folder: Path,
    ending: str,
    look: tuple[str, str],
    stack: ExitStack,
) -> None:
    first = signed_in(browser, lightbox)
    first.open_desktop("radiology")
    screen = lightbox.display()
    stack.callback(screen.close)
    set_layout(first, "radiology", DESK, screen)
    if not ending:
        arrange_programs(screen, lightbox)
    viewers = [first]
    for number in (1, 2):
        window = ChromiumWindow(browser)
        stack.callback(window.close)
        prefer(window, *look)
        window.resize(*DESK[number][2:])
        viewers.append(Viewer(window, lightbox.url))
        viewers[-1].open_desktop("radiology", monitor=number)
    wait_until_still(screen)
    for viewer in viewers:
        viewer.wait_exact()
        viewer.browser.move(600, 900)
    across, down = (round(side * DESK_SCALE) + 6 * BEZEL_PX for side in (6016, 2560))
    desk = Image.new("RGB", (across, down), DESK_COLOUR)
    for number, viewer in enumerate(viewers):
        x, y, width, height = (round(part * DESK_SCALE) for part in DESK[number])
        left, top = x + BEZEL_PX * (1 + 2 * number), y + 3 * BEZEL_PX
        frame = (width + 2 * BEZEL_PX - 4, height + 2 * BEZEL_PX - 4)
        desk.paste(
            BEZEL_COLOUR,
            (
                left - BEZEL_PX + 2,
                top - BEZEL_PX + 2,
                left - BEZEL_PX + 2 + frame[0],
                top - BEZEL_PX + 2 + frame[1],
            ),
        )
        desk.paste(shot(viewer.browser).resize((width, height), Image.Resampling.LANCZOS), (left, top))
    save(desk, folder, f"workstation{ending}")
    browser.resize(*PAGE_PX)
    browser.evaluate("document.querySelector('.tools button:nth-of-type(1)')?.blur()")
    label = "모니터" if ending else "Monitors"
    browser.evaluate(f"document.querySelector('.tools [aria-label=\"{label}\"]').click()")
    wait_for(
        lambda: (
            browser.evaluate("return document.querySelectorAll('.monitor-thumbnail').length") == len(DESK)
        ),
        timeout_s=PATIENCE_S,
        what="three live pictures",
    )
    save(shot(browser), folder, f"monitors-panel{ending}")


def arrange_programs(screen: XDisplay, lightbox: Lightbox) -> None:
    """Opens image viewers on the portrait monitors, and files and a text editor on the third."""
    wait_until_still(screen)
    manager = WindowManagerClient(screen)
    image_viewer = manager.find("dicom")
    manager.put(image_viewer, DESK[0], maximised=True)
    x, y, width, height = DESK[2]
    half, lower = width // 2, y + height - PANEL_PX
    open_files_and_editor(screen, lightbox, (x, y, half, lower - y), (x + half, y, width - half, lower - y))
    head = next(lightbox.state_folder.glob("homes/*/*/Studies/Head CT/*.dcm"))
    file = str(studies(lightbox) / "Head CT" / head.name)
    start(lightbox, sys.executable, "-m", "display_server.desktop.dicom_viewer", "--new-window", file)
    second = manager.find("dicom", besides=(image_viewer.id,))
    manager.put(second, DESK[1], maximised=True)
    wait_until_still(screen)


def open_files_and_editor(screen: XDisplay, lightbox: Lightbox, files: Place, editor: Place) -> None:
    """Starts what the panel of the radiology desktop offers besides the viewer."""
    manager = WindowManagerClient(screen)
    start(lightbox, "pcmanfm", "--profile", "lightbox", str(studies(lightbox)))
    start(lightbox, "mousepad")
    found = [(manager.find("Studies"), files), (manager.find("mousepad"), editor)]
    wait_until_still(screen)  # the profile places new windows itself
    for window, place in found:
        manager.put(window, place)


def start(lightbox: Lightbox, *command: str) -> None:
    """Starts a program on the only desktop."""
    (session,) = lightbox.sessions()
    start_as_person(Path(session["folder"]), *command)


def studies(lightbox: Lightbox) -> Path:
    """Returns the folder of the studies, as the desktop has it."""
    return Path(home_folder(lightbox.username)) / "Studies"


def tablets(logs: Path, folder: Path) -> None:
    lightbox = Lightbox(logs / "log", profile="radiology", width_px=1600, height_px=1100, settings=ISOLATED)
    try:
        for device, language, dark in ((IPAD, "en", False), (GALAXY_TAB, "ko", True)):
            tablet = Tablet(logs, device, language=language, dark=dark)
            try:
                tablet_round(tablet, device, lightbox, folder)
            finally:
                tablet.close()
    finally:
        lightbox.stop()


def tablet_round(tablet: Tablet, device: Device, lightbox: Lightbox, folder: Path) -> None:
    def shoot(name: str) -> None:
        image = shot(tablet).resize((device.width, device.height), Image.Resampling.LANCZOS)
        save(image, folder, f"tablet-{device.name}-{name}")

    viewer = open_on_tablet(tablet, lightbox)
    screen = lightbox.display()
    try:
        set_layout(viewer, "radiology", PAIR, screen)
        if device == IPAD:
            wait_until_still(screen)
            manager = WindowManagerClient(screen)
            manager.put(manager.find("dicom"), PAIR[0], maximised=True)
            x, _, width, height = PAIR[1]
            half = (height - PANEL_PX) // 2
            open_files_and_editor(screen, lightbox, (x, 0, width, half), (x, half, width, half))
            wait_until_still(screen)
        viewer.open_desktop("radiology", monitor=0)
        tablet.tap_element('[data-act="strip-split"]')
        viewer.wait_for_element(".pane")
        wait_for(
            lambda: (
                tablet.evaluate("return document.querySelector('.pane [data-badge]').dataset.state")
                == "exact"
            ),
            timeout_s=PATIENCE_S,
            what="the second surface to be exact",
        )
        shoot("beside")
        tablet.tap_element('[data-act="strip-split"]')
        tablet.evaluate("document.querySelector('.handle').click()")
        tablet.evaluate(
            "for (const label of ['Monitors', '모니터'])"
            '  document.querySelector(`.tools button[aria-label="${label}"]`)?.click()'
        )
        wait_for(
            lambda: (
                tablet.evaluate("return document.querySelectorAll('.monitor-thumbnail').length") == len(PAIR)
            ),
            timeout_s=PATIENCE_S,
            what="two live pictures",
        )
        time.sleep(1.5)  # thumbnails are updated once per second
        shoot("overview")
    finally:
        screen.close()


def check(logs: Path, folder: Path) -> None:
    lightbox = Lightbox(logs / "log", profile="check", width_px=1280, height_px=800)
    try:
        for theme, language, ending in ROUNDS:
            browser = Chromium(logs, width_px=1280, height_px=800)
            try:
                prefer(browser, theme, language)
                check_round(browser, lightbox, folder, ending)
            finally:
                browser.close()
    finally:
        lightbox.stop()


def check_round(browser: Chromium, lightbox: Lightbox, folder: Path, ending: str) -> None:
    viewer = Viewer(browser, lightbox.url)
    viewer.sign_in(lightbox.username, lightbox.password)
    browser.open(f"{lightbox.url}/check/check")
    viewer.wait_exact()

    labels = LABELS[ending]
    press_button(viewer, labels[0])
    save(shot(browser), folder, f"check-pattern{ending}")
    for _ in range(QUESTIONS):
        press_button(viewer, labels[1])
    save(shot(browser), folder, f"check-contrast{ending}")
    while browser.evaluate(COUNT) > len(labels[2:]):
        square = find_square(viewer)
        assert square is not None
        press_button(viewer, labels[2 + square[2]])
    save(shot(browser), folder, f"check-result{ending}")


PARTS = {"workstation": workstation, "tablets": tablets, "check": check}


if __name__ == "__main__":
    words = sys.argv[1:]
    wanted = [word for word in words if word in PARTS] or list(PARTS)
    folders = [word for word in words if word not in PARTS]
    target = Path(folders[0]) if folders else ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    for part in wanted:
        with tempfile.TemporaryDirectory(prefix="lightbox-pictures-") as scratch:
            PARTS[part](Path(scratch), target)
