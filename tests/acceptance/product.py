"""The product that acceptance commands measure: the demo, a relay before it, and a signed-in browser."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import PAGE_PX, PROBE_AT
from tests.e2e.lightbox import Lightbox
from tests.e2e.relay import Relay
from tests.e2e.stopped_parts import gateway_pid, stopped, supervisor_pid, window_manager_pid
from tests.e2e.viewer import Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

#: What the badge must not outlive.
SILENT_PARTS = ("gateway", "agent", "x-server", "link")
#: What may hang without an effect on picture and input.
OTHER_PARTS = ("supervisor", "window-manager")
#: Returns the text of the message at the lower edge of the page.
READ_TOAST = "const toast = document.querySelector('.toast'); return toast.hidden ? '' : toast.textContent"


@dataclass(frozen=True, slots=True)
class Product:
    """A desktop of the demo that a browser shows through a relay."""

    lightbox: Lightbox
    relay: Relay
    viewer: Viewer
    display: XDisplay
    folder: Path

    def stopping(self, part: str) -> AbstractContextManager[None]:
        """Returns a context in which a part does not answer. This call takes a second to find its process."""
        match part:
            case "gateway":
                return stopped(gateway_pid(self.lightbox))
            case "agent":
                return stopped(self.lightbox.session().agent_pid)
            case "x-server":
                return stopped(self.lightbox.session().x_server_pid)
            case "link":
                return _stalled(self.relay)
            case "supervisor":
                return stopped(supervisor_pid(self.lightbox))
            case "window-manager":
                return stopped(window_manager_pid(self.lightbox))
        raise ValueError(f"{part!r} is no part")

    @contextlib.contextmanager
    def probe(self, x: int = PROBE_AT[0], y: int = PROBE_AT[1]) -> Iterator[Probe]:
        """Runs the probe program at a position of the desktop. Its text field has the focus."""
        running = Probe(self.display, self.folder, x=x, y=y)
        try:
            self.viewer.click(running.entry)
            running.wait_for(lambda events: [e for e in events if e["kind"] == "focus"], "the focus")
            yield running
        finally:
            running.stop()

    def toast(self) -> str:
        """Returns the message that the page shows at its lower edge, or an empty text."""
        text: str = self.viewer.browser.evaluate(READ_TOAST)
        return text


@contextlib.contextmanager
def demo(profile: str) -> Iterator[tuple[Lightbox, Path]]:
    """Runs the demo with one profile. Yields it with a folder for logs, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        lightbox = Lightbox(folder / "lightbox.log", profile=profile, patience=1)
        stack.callback(lightbox.stop)
        yield lightbox, folder


@contextlib.contextmanager
def product(profile: str = "radiology") -> Iterator[Product]:
    """Runs the demo, opens its desktop in Chromium through a relay, and waits until it is exact."""
    with demo(profile) as (lightbox, folder), contextlib.ExitStack() as stack:
        relay = Relay(lightbox.port)
        stack.callback(relay.close)
        browser = Chromium(folder, width_px=PAGE_PX[0], height_px=PAGE_PX[1])
        stack.callback(browser.close)
        viewer = Viewer(browser, relay.url)
        viewer.sign_in(lightbox.username, lightbox.password)
        viewer.open_desktop(profile)
        display = lightbox.display()
        stack.callback(display.close)
        yield Product(lightbox, relay, viewer, display, folder)


@contextlib.contextmanager
def _stalled(relay: Relay) -> Iterator[None]:
    """Lets the link forward nothing, as out of the range of the Wi-Fi."""
    relay.swallow()
    try:
        yield
    finally:
        relay.plug()
