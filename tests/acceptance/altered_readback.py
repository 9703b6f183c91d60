"""Measures what a browser that alters readings costs: until the badge says so, tiles, and lines of the logs.

`python -m tests.acceptance.altered_readback notice|tiles|log [--seconds 30]` opens a desktop that draws
nothing by itself in Firefox, once with each of three settings that alter readings, and prints the worst:

- `notice`: time from the request of the page until the badge says that readings are altered, s;
- `tiles`: tiles that were sent later than 10 s after the request, within `--seconds`;
- `log`: lines that the server and the desktop logged from the request until the end of that time, besides
  those that they log when Firefox opens the desktop without the setting.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.log_lines import extra_lines
from tests.acceptance.product import demo
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.conftest import PAGE_PX, signed_in
from tests.e2e.gateway_client import GatewayClient, metric_sum
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.test_altered_readback import FIREFOX_SETTINGS, READ_BADGE
from tests.e2e.viewer import PATIENCE_S, Viewer

FIGURES = ("notice", "tiles", "log")
#: A desktop with this profile draws nothing by itself.
PROFILE = "blank"
#: After this time, s, no tile may be sent again.
SETTLED_S = 10.0


@dataclass(frozen=True, slots=True)
class Opening:
    """What was observed when Firefox opened the desktop."""

    ready_s: float
    tiles: float
    lines: list[str]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.altered_readback", description=__doc__)
    parser.add_argument("figure", choices=FIGURES)
    parser.add_argument("--seconds", type=float, default=30.0, help="time after the first 10 s, s")
    arguments = parser.parse_args()
    figures = []
    with demo(PROFILE) as (lightbox, folder):
        start_desktop(lightbox)
        usual = observe(lightbox, folder, {}, is_exact, arguments.seconds)
        for setting, preferences in FIREFOX_SETTINGS.items():
            opening = observe(lightbox, folder, preferences, is_explained, arguments.seconds)
            lines = extra_lines(opening.lines, usual.lines)
            note(f"{setting}: {opening.ready_s:.3f} s, {opening.tiles:g} tiles, {len(lines)} more lines:")
            for line in lines:
                note(f"    {line}")
            figures.append({"notice": opening.ready_s, "tiles": opening.tiles, "log": len(lines)})
    return report(f"readback-{arguments.figure}", max(found[arguments.figure] for found in figures))


def start_desktop(lightbox: Lightbox) -> None:
    """Starts the desktop beforehand: how long that takes is not the question here."""
    client = GatewayClient(lightbox.url, state=lightbox.state_folder)
    try:
        client.sign_in(lightbox.username, lightbox.password).raise_for_status()
        client.viewer(PROFILE)
    finally:
        client.close()
    lightbox.session()


def observe(
    lightbox: Lightbox,
    folder: Path,
    preferences: Mapping[str, bool | int | str],
    is_ready: Callable[[Viewer], bool],
    seconds: float,
) -> Opening:
    """Opens the desktop in a new Firefox, and observes it for `SETTLED_S` and `seconds` more.

    `is_ready` says whether the badge says what it should.
    """
    browser = Firefox(folder, width_px=PAGE_PX[0], height_px=PAGE_PX[1], preferences=preferences)
    client = GatewayClient(lightbox.url, state=lightbox.state_folder)
    try:
        viewer = signed_in(browser, lightbox)
        before = {path: len(lines) for path, lines in log_lines(lightbox).items()}
        began_s = time.monotonic()
        browser.open(f"{lightbox.url}/desktop/{PROFILE}")
        wait_for(lambda: is_ready(viewer), timeout_s=PATIENCE_S, what=viewer.situation)
        ready_s = time.monotonic() - began_s
        time.sleep(max(0.0, began_s + SETTLED_S - time.monotonic()))
        settled = tiles_sent(client)
        time.sleep(seconds)
        if viewer.connection() != "connected":
            raise RuntimeError(f"the viewer did not stay connected: {viewer.situation()}")
        tiles = tiles_sent(client) - settled
        after = log_lines(lightbox)
        lines = [line for path, found in after.items() for line in found[before.get(path, 0) :]]
    finally:
        client.close()
        browser.close()
    return Opening(ready_s, tiles, lines)


def is_exact(viewer: Viewer) -> bool:
    return viewer.badge() == "exact"


def is_explained(viewer: Viewer) -> bool:
    """Returns whether the badge says that this browser alters readings."""
    badge = viewer.browser.evaluate(READ_BADGE)
    return bool(badge["state"] == "unverified" and badge["altered"] and "alters" in badge["text"])


def tiles_sent(client: GatewayClient) -> float:
    """Returns how many tiles all agents sent so far."""
    text = client.metrics()
    if "lightbox_agent_tiles_total" not in text:
        raise RuntimeError("the agents do not count tiles")
    return metric_sum(text, "lightbox_agent_tiles_total")


def log_lines(lightbox: Lightbox) -> dict[Path, list[str]]:
    """Returns the lines of the server's log and of all logs of desktops."""
    logs = lightbox.state_folder / "logs"
    paths = [lightbox.program.log, *(path for path in sorted(logs.rglob("*")) if path.is_file())]
    return {path: path.read_text(errors="replace").splitlines() for path in paths}


if __name__ == "__main__":
    exit_with(main)
