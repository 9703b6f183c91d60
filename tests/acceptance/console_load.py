"""Measures the administration's pages with 400 desktops and 1,600 people.

`python -m tests.acceptance.console_load first-content|update [--times 10]` prints one of two figures, of real
Chromium with a real server whose desktops are fakes:
- `first-content` is the longest time in s, among all pages, from the begin of a navigation with an empty
  cache until the first content of the server is shown. Each page counts with its median.
- `update` is the longest time in ms for which the main thread of a page is busy in the 5 s after somebody has
  opened a desktop, of which the server informs the page.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.command import exit_with, note, report
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.console_server import ADMINISTRATOR, DESKTOPS, ConsoleServer, console_server
from tests.e2e.viewer import Viewer
from tests.fakes.gateway import PASSWORD

PEOPLE, WORKING = 1600, 400
WINDOW_PX = (1440, 900)
#: Pages, and the first content of each that comes from the server.
PAGES = {
    "overview": ".tile-value:not(:empty)",
    "sessions": "tbody tr",
    "people": "tbody tr",
    "groups": "tbody tr",
    "access": "tbody tr",
    "audit": "tbody tr",
    "health": ".check",
}
#: Pages that follow what happens.
LIVE_PAGES = ("overview", "sessions")
#: Notes when an element appears, in ms since the navigation began.
RECORD = """
globalThis.firstContentMs = null;
new MutationObserver((_, observer) => {
  const found = document.querySelector('.admin-main')?.querySelector(SELECTOR);
  if (!found?.checkVisibility()) return;
  observer.disconnect();
  requestAnimationFrame(() => { globalThis.firstContentMs = performance.now(); });
}).observe(document, { childList: true, subtree: true, attributes: true });
"""
#: Waits until the noted element has appeared.
FIRST_CONTENT = """
while (globalThis.firstContentMs === null) await new Promise((resolve) => setTimeout(resolve, 10));
return globalThis.firstContentMs;
"""
#: After a change the page has this time to learn of it, to ask, and to draw, s.
UPDATE_S = 5.0
#: Desktops that are opened at the same time before the measurement.
AT_ONCE = 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.console_load", description=__doc__)
    parser.add_argument("figure", choices=("first-content", "update"))
    parser.add_argument("--times", type=int, default=10)
    arguments = parser.parse_args()
    with full_hospital() as (server, browser):
        if arguments.figure == "first-content":
            return report("console-first-content", first_content_s(server, browser, arguments.times))
        return report("console-update", update_ms(server, browser, arguments.times))


@contextmanager
def full_hospital() -> Iterator[tuple[ConsoleServer, Chromium]]:
    """Runs the server with everybody, of whom 400 have a desktop, and a browser of the administrator."""
    with (
        tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path,
        console_server(Path(path), people=PEOPLE, pool=False) as server,
    ):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda number: open_one(server, number), range(WORKING)))
        note(f"{WORKING} desktops are open")
        browser = Chromium(Path(path), width_px=WINDOW_PX[0], height_px=WINDOW_PX[1])
        try:
            Viewer(browser, server.url).sign_in(ADMINISTRATOR, PASSWORD)
            yield server, browser
        finally:
            browser.close()


def open_one(server: ConsoleServer, number: int) -> None:
    server.open_desktop(server.people[number], DESKTOPS[number % len(DESKTOPS)][0])


def first_content_s(server: ConsoleServer, browser: Chromium, times: int) -> float:
    """Returns the largest median of all pages."""
    devtools(browser, "Network.enable")
    devtools(browser, "Network.setCacheDisabled", cacheDisabled=True)
    devtools(browser, "Page.enable")
    medians_s = []
    for name, selector in PAGES.items():
        source = RECORD.replace("SELECTOR", repr(selector))
        script = devtools(browser, "Page.addScriptToEvaluateOnNewDocument", source=source)
        waits_ms = []
        for _ in range(times):
            browser.open("about:blank")
            browser.open(f"{server.url}/admin/{name}")
            waits_ms.append(float(browser.evaluate(FIRST_CONTENT)))
        devtools(browser, "Page.removeScriptToEvaluateOnNewDocument", **script)
        medians_s.append(statistics.median(waits_ms) / 1000)
        note(f"{name}: {medians_s[-1]:.3f} s, at most {max(waits_ms) / 1000:.3f} s")
    return max(medians_s)


def update_ms(server: ConsoleServer, browser: Chromium, times: int) -> float:
    """Returns the longest time of the main thread for one update of any page."""
    devtools(browser, "Performance.enable")
    longest_ms = 0.0
    number = WORKING
    for name in LIVE_PAGES:
        browser.open(f"{server.url}/admin/{name}")
        time.sleep(UPDATE_S)
        for _ in range(times):
            before_s = task_s(browser)
            open_one(server, number)
            number += 1
            time.sleep(UPDATE_S)
            spent_ms = (task_s(browser) - before_s) * 1000
            note(f"{name}: {spent_ms:.1f} ms in the {UPDATE_S:.0f} s after a desktop was opened")
            longest_ms = max(longest_ms, spent_ms)
    return longest_ms


def task_s(browser: Chromium) -> float:
    """Returns for how long tasks have kept the main thread of the page busy, s."""
    metrics = devtools(browser, "Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def devtools(browser: Chromium, method: str, **parameters: Any) -> dict[str, Any]:
    """Sends a command to the page's DevTools, and returns the answer."""
    answer: dict[str, Any] = browser.run(lambda: browser.cdp.send(method, parameters))
    return answer


if __name__ == "__main__":
    exit_with(main)
