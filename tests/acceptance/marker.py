"""Shows independently of the product whether a picture is live: by a marker that changes on the desktop.

The marker is a small window of an X client of its own, whose colour is a number that grows. The page samples
its own canvas and badge. While the client grabs the X server nobody else can draw, so the marker is the only
proof; the client also reads where the pointer is and whether Shift is held, as proof of input.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import xcffib.xproto

from tests.acceptance.timeline import Sample
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, SURFACE, Viewer
from tests.e2e.x_desktop.display import XDisplay

#: Place and size of the marker on the desktop, px. It is smaller than a tile and lies within one.
MARKER_PX = (24, 88, 32, 32)
#: Interval at which the marker changes, s: slow enough for the badge to say *exact* in between.
CHANGE_S = 0.25
#: Interval at which the client reads the pointer, s.
POINTER_S = 0.02
#: Interval at which the page samples its canvas and its badge, ms.
SAMPLE_MS = 20
#: The colour of the first marker, 0xRRGGBB; desktops have nothing of that colour.
FIRST_COLOUR = 0x5A0000
#: How long the client may take to end, s.
END_TIMEOUT_S = 30.0
#: Samples the badge and the colour of the marker's middle on the page's canvas.
SAMPLE = f"""
    globalThis.samples = [];
    const badge = document.querySelector("[data-badge]");
    const context = {SURFACE}.getContext("2d");
    globalThis.sampling = setInterval(() => {{
        const [red, green, blue] = context.getImageData(
            {MARKER_PX[0] + MARKER_PX[2] // 2}, {MARKER_PX[1] + MARKER_PX[3] // 2}, 1, 1).data;
        samples.push([Date.now() / 1000, badge.dataset.state, red << 16 | green << 8 | blue]);
    }}, {SAMPLE_MS});
"""

#: Position of the pointer on the desktop, px, and whether Shift is held.
PointerState = tuple[int, int, bool]


class Marker:
    """Draws the marker from a thread, from `start` to `stop`. With `grab` it grabs the X server meanwhile."""

    def __init__(self, display: XDisplay, *, grab: bool) -> None:
        self._grab = grab
        self._x: Any = display.connect()
        self._root: int = self._x.get_setup().roots[0].root
        self._window: int = self._x.generate_id()
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="marker", daemon=True)
        #: When the marker changed, s since 1970, and its new colour.
        self.drawn: list[tuple[float, int]] = []
        #: When the pointer had another state than before, s since 1970, and the state.
        self.pointer: list[tuple[float, PointerState]] = []

    def start(self) -> None:
        """Starts to draw, and returns when the marker is on the screen."""
        self._thread.start()
        wait_for(
            lambda: self.drawn or self._failure is not None,
            timeout_s=PATIENCE_S,
            what="a marker on the desktop",
        )

    def stop(self) -> None:
        """Removes the marker and ends a grab. Raises what failed in the thread."""
        self._ended.set()
        self._thread.join(END_TIMEOUT_S)
        if self._thread.is_alive():
            raise RuntimeError("the X server does not answer the program that draws the marker")
        if self._failure is not None:
            raise RuntimeError("the marker could not be drawn") from self._failure

    def _run(self) -> None:
        try:
            self._map()
            if self._grab:
                self._x.core.GrabServer()
            change_s = 0.0
            while not self._ended.wait(POINTER_S):
                if time.monotonic() >= change_s:
                    change_s = time.monotonic() + CHANGE_S
                    self._change()
                self._read_pointer()
        except BaseException as failure:  # `stop` raises it
            self._failure = failure
        finally:
            self._x.disconnect()  # which destroys the window and ends the grab

    def _map(self) -> None:
        x, y, width, height = MARKER_PX
        values = xcffib.xproto.CW.BackPixel | xcffib.xproto.CW.OverrideRedirect
        self._x.core.CreateWindow(
            0, self._window, self._root, x, y, width, height, 0, 1, 0, values, [FIRST_COLOUR, 1]
        )
        self._x.core.MapWindow(self._window)

    def _change(self) -> None:
        colour = FIRST_COLOUR + len(self.drawn)
        began_s = time.time()
        self._x.core.ChangeWindowAttributes(self._window, xcffib.xproto.CW.BackPixel, [colour])
        self._x.core.ClearArea(False, self._window, 0, 0, 0, 0)
        self._x.core.GetInputFocus().reply()
        self.drawn.append((began_s, colour))

    def _read_pointer(self) -> None:
        answer = self._x.core.QueryPointer(self._root).reply()
        state = (answer.root_x, answer.root_y, bool(answer.mask & xcffib.xproto.KeyButMask.Shift))
        if not self.pointer or self.pointer[-1][1] != state:
            self.pointer.append((time.time(), state))


@contextlib.contextmanager
def live_marker(viewer: Viewer, display: XDisplay, samples: list[Sample], *, grab: bool) -> Iterator[Marker]:
    """Draws a marker and lets the page sample it. The samples are added to `samples` at the end."""
    marker = Marker(display, grab=grab)
    marker.start()
    try:
        viewer.browser.evaluate(SAMPLE)
        yield marker
        recorded = viewer.browser.evaluate("clearInterval(sampling); return samples")
        samples += [Sample(at_s, badge, colour) for at_s, badge, colour in recorded]
    finally:
        marker.stop()
