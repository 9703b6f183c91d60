"""Measures how long the badge says *Exact* after a part of the desktop stopped.

`python -m tests.acceptance.silence gateway|agent|x-server|link [--times 20]` prints the longest time in s as
`value: …`, and exits with 0 if that is at most 1 s. Browser and test read the same clock of the host.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import PAGE_PX
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.test_silence import gateway_pid, stopped
from tests.e2e.viewer import PATIENCE_S, Viewer

#: The badge must leave *Exact* within this time, s.
BAR_S = 1.0
#: How long the part stays stopped after the badge fell, s: stops begin at different moments of the beat.
STOPPED_S = 0.13
#: Records the time of the first state other than *exact*, ms since 1970.
WATCH = """
    const badge = document.querySelector("[data-badge]");
    globalThis.leftExactMs = null;
    const watch = () => { if (badge.dataset.state !== "exact") globalThis.leftExactMs ??= Date.now(); };
    new MutationObserver(watch).observe(badge, { attributes: true, attributeFilter: ["data-state"] });
    watch();
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.silence", description=__doc__)
    parser.add_argument("part", choices=("gateway", "agent", "x-server", "link"))
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="silence-") as folder, contextlib.ExitStack() as stack:
        lightbox = Lightbox(Path(folder) / "lightbox.log", profile="radiology")
        stack.callback(lightbox.stop)
        relay = Relay(lightbox.port)
        stack.callback(relay.close)
        browser = Chromium(Path(folder), width_px=PAGE_PX[0], height_px=PAGE_PX[1])
        stack.callback(browser.close)
        viewer = Viewer(browser, relay.url)
        viewer.sign_in(lightbox.username, lightbox.password)
        viewer.open_desktop("radiology")
        stops: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "gateway": lambda: stopped(gateway_pid(lightbox)),
            "agent": lambda: stopped(lightbox.session().agent_pid),
            "x-server": lambda: stopped(lightbox.session().x_server_pid),
            "link": lambda: stalled(relay),
        }
        longest_s = max(measure(viewer, stops[arguments.part]) for _ in range(arguments.times))
    print(f"value: {longest_s:.3f}", flush=True)
    return 0 if longest_s <= BAR_S else 1


def measure(viewer: Viewer, stop: Callable[[], AbstractContextManager[None]]) -> float:
    """Returns how long the badge says *Exact* after the stop, s."""
    stopping = stop()
    viewer.wait_exact()
    viewer.browser.evaluate(WATCH)
    began_ms = time.time() * 1000
    with stopping:
        left_ms = wait_for(
            lambda: viewer.browser.evaluate("return globalThis.leftExactMs"),
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
        time.sleep(STOPPED_S)
    took_s = (float(left_ms) - began_ms) / 1000
    print(f"left Exact after {took_s:.3f} s", flush=True)
    return took_s


@contextlib.contextmanager
def stalled(relay: Relay) -> Iterator[None]:
    """Lets the link forward nothing, as out of the range of the Wi-Fi."""
    relay.swallow()
    try:
        yield
    finally:
        relay.plug()


if __name__ == "__main__":
    sys.exit(main())
