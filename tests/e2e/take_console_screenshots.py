"""Takes screenshots of the administration: `python -m tests.e2e.take_console_screenshots FOLDER`.

With `--docs` it writes the one picture of docs/console.md instead.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.e2e.browsers.chromium import HEADLESS_SHELL, Chromium, ChromiumProcess
from tests.e2e.console_server import ADMINISTRATOR, DESKTOPS, ConsoleServer, console_server
from tests.e2e.lightbox import ROOT
from tests.e2e.small_png import save_small
from tests.e2e.viewer import Viewer
from tests.fakes.gateway import PASSWORD

#: Page sizes: a workstation and a tablet, CSS px.
SIZES = {"desktop": (1440, 900), "tablet": (1024, 768), "upright": (768, 1024)}
LOOKS = (("en", "light"), ("ko", "dark"), ("en", "dark"), ("ko", "light"))
#: People in the database, and those who have a desktop.
PEOPLE, WORKING = 160, 24
#: Time after which a page has loaded and drawn what changes, ms.
SETTLE_MS = 900


def pages(server: ConsoleServer, session: str) -> dict[str, str]:
    """Returns the paths of all pages by the names of their pictures."""
    person = server.people[1]
    return {
        "overview": "overview",
        "help": "help",
        "sessions": "sessions",
        "session": f"sessions/{session}",
        "pools": "pools",
        "people": "people",
        "person": f"people/{person}",
        "groups": "groups",
        "group": "groups/radiology",
        "access": "access",
        "devices": "devices",
        "policies": "policies",
        "audit": "audit",
        "use": "use",
        "health": "health",
        "nothing": "nothing",
    }


def sign_in(browser: Chromium, server: ConsoleServer, look: tuple[str, str]) -> None:
    language, theme = look
    browser.open(server.url + "/")
    browser.evaluate(
        f"localStorage.setItem('lightbox.language', '{language}');"
        f"localStorage.setItem('lightbox.theme', '{theme}')"
    )
    Viewer(browser, server.url).sign_in(ADMINISTRATOR, PASSWORD)


def picture(browser: Chromium, url: str) -> bytes:
    browser.open(url)
    browser.run(lambda: browser.page.wait_for_timeout(SETTLE_MS))
    return browser.screenshot()


def growing_overview(browser: Chromium, server: ConsoleServer) -> bytes:
    """Takes the overview while people open desktops, so that its lines have a course."""
    picture(browser, f"{server.url}/admin/overview")
    for number in range(WORKING, 2 * WORKING):
        server.open_desktop(server.people[number], DESKTOPS[number % 2][0])
        browser.run(lambda: browser.page.wait_for_timeout(SETTLE_MS))
    return browser.screenshot()


def main() -> None:
    docs = sys.argv[1] == "--docs"
    only = set(sys.argv[2:])
    process = ChromiumProcess(executable=HEADLESS_SHELL)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="lb") as path,
            console_server(Path(path), people=PEOPLE) as server,
        ):
            sessions = [
                server.open_desktop(username, DESKTOPS[number % len(DESKTOPS)][0])
                for number, username in enumerate(server.people[:WORKING])
            ]
            for size, (width_px, height_px) in SIZES.items():
                for look in LOOKS:
                    browser = Chromium(Path(path), width_px=width_px, height_px=height_px, process=process)
                    sign_in(browser, server, look)
                    if docs:
                        shown = growing_overview(browser, server)
                        save_small(Image.open(io.BytesIO(shown)), ROOT / "docs" / "images" / "console.png")
                        return
                    for name, below in pages(server, sessions[1]).items():
                        if not only or name in only:
                            shown = picture(browser, f"{server.url}/admin/{below}")
                            target = Path(sys.argv[1]) / f"{name}-{size}-{look[0]}-{look[1]}.png"
                            target.write_bytes(shown)
                    browser.close()
    finally:
        process.close()


if __name__ == "__main__":
    main()
