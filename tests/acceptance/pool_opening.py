"""Measures how long a person waits for a desktop that was started ahead.

`python -m tests.acceptance.pool_opening wait|saved [--times 10] [--profile office]` prints one of two
figures:
- `wait` is the median time in s from the click on *Sign in* until the page calls the first frame of an
  isolated desktop of a floating pool exact. The page was opened at the desktop's address, so that it follows
  the sign-in at once. Before each measurement a spare desktop is ready and its programs have started.
- `saved` is how many times longer the same programs take to start on a bare X server of the same host
  (`bare_start.py`), measured in turn. It is the time that is saved by starting desktops ahead, and no
  comparison with another product.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from display_server.config.sections import default_web_client
from tests.acceptance.bare_start import bare_start_s
from tests.acceptance.command import exit_with, note, report
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import PAGE_PX
from tests.e2e.processes import wait_for
from tests.e2e.viewer import IS_EXACT, PATIENCE_S, Viewer
from tests.integration.isolation.floating import FloatingServer
from tests.integration.isolation.servers import PASSWORD, ROOT

PERSON = "kim"
DESKTOP = "ward"
CONFIG = """
port = 0
state = "{state}"
web_client = "{web_client}"
[[desktops]]
name = "{desktop}"
profile = "{profile}"
users = ["*"]
[desktops.pool]
maximum = 3
spare = 1
"""
#: How long programs of a new spare desktop may take until they have all started and rest, s.
SETTLE_S = 6.0
#: Notes the time of the submitted form and that of the first exact frame, in ms of the page's clock.
RECORD = f"""
    globalThis.waited = [];
    document.querySelector("form").addEventListener("submit", () => waited.push(performance.now()), true);
    globalThis.waiting = setInterval(() => {{
        if (!(() => {{ {IS_EXACT} }})()) return;
        waited.push(performance.now());
        clearInterval(waiting);
    }}, 2);
"""


class WardServer(FloatingServer):
    """Serves the real web client, and real programs."""

    def __init__(self, folder: Path, profile: str) -> None:
        self._profile = profile
        super().__init__(folder, maximum=3, spare=1)

    def configure(self, *, isolation: bool = True) -> None:
        assert isolation
        text = CONFIG.format(
            state=self.state, web_client=default_web_client(), desktop=DESKTOP, profile=self._profile
        )
        self.config.write_text(text)

    def serve(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve", "--config", str(self.config), "--json"),
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.pool_opening", description=__doc__)
    parser.add_argument("figure", choices=("wait", "saved"))
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--profile", default="office")
    arguments = parser.parse_args()
    waits_s, bare_s = [], []
    with ward(arguments.profile) as (server, viewer):
        for _ in range(arguments.times):
            waits_s.append(opening_s(server, viewer))
            if arguments.figure == "saved":
                server.wait_for_spare(1)
                time.sleep(SETTLE_S)
                bare_s.append(bare_start_s(arguments.profile, *PAGE_PX))
                note(f"the programs on a bare X server: {bare_s[-1]:.3f} s")
    if arguments.figure == "wait":
        return report("pool-sign-in-to-exact", statistics.median(waits_s))
    return report("pool-time-saved", statistics.median(bare_s) / statistics.median(waits_s))


@contextmanager
def ward(profile: str) -> Iterator[tuple[WardServer, Viewer]]:
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        server = WardServer(Path(path), profile)
        try:
            server.serve()
            browser = Chromium(Path(path), width_px=PAGE_PX[0], height_px=PAGE_PX[1])
            try:
                yield server, Viewer(browser, server.url)
            finally:
                browser.close()
        finally:
            server.close()


def opening_s(server: WardServer, viewer: Viewer) -> float:
    """Signs in once, and out again, which ends the desktop."""
    server.wait_for_spare(1)
    time.sleep(SETTLE_S)
    viewer.sign_out()
    viewer.browser.open(f"{server.url}/desktop/{DESKTOP}")
    viewer.wait_for_element('input[name="password"]')
    viewer.browser.evaluate(RECORD)
    viewer.fill_in(PERSON, PASSWORD)
    wait_for(
        lambda: viewer.browser.evaluate("return waited.length === 2"),
        timeout_s=PATIENCE_S,
        what="an exact frame",
    )
    begin_ms, exact_ms = viewer.browser.evaluate("return waited")
    wait_s = (float(exact_ms) - float(begin_ms)) / 1000
    note(f"exact {wait_s:.3f} s after the click on Sign in")
    viewer.sign_out()
    return wait_s


if __name__ == "__main__":
    exit_with(main)
