"""A stack of slices on a desktop: each notch of the wheel shows the next slice, in an X client of its own.

The slices have machine-readable numbers, which the probe of the benchmarks reads in the page.
"""

from __future__ import annotations

import select
import threading
import time
from typing import Any

import numpy as np
import xcffib.xproto
import xcffib.xtest

from benchmarks.content.mark import CELL_PX, MARK_WIDTH_PX, checksum, mark_bits
from benchmarks.content.slices import SLICE_PX, as_rgba, grey_slice
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.display import XDisplay

#: Slices of the stack, the length of a usual series.
COUNT = 60
#: Rows per PutImage, so that a request stays below 256 KiB, the limit without BIG-REQUESTS.
BAND_ROWS = 32
#: Buttons of the wheel on X, and by how many slices a notch moves.
UP, DOWN = 4, 5
NOTCHES = {UP: -1, DOWN: 1}
#: Types of the events that XTEST makes.
PRESS, RELEASE = 4, 5
#: Interval at which the client looks for its end while no event arrives, s.
IDLE_S = 0.02
#: How long the client may take to end, s.
END_TIMEOUT_S = 30.0


class Stack:
    """Shows the stack at a position of the desktop, px, from `start` to `stop`; it begins with slice 0."""

    def __init__(self, display: XDisplay, x: int, y: int) -> None:
        self._x: Any = display.connect()
        self._at = x, y
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._rewound = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="stack", daemon=True)
        #: What a page must show, by number: the checksum of the slice's pixels.
        self.checksums: dict[int, tuple[int, int]] = {}
        self.number = 0

    def start(self) -> None:
        self._thread.start()
        wait_for(
            lambda: self._ready.is_set() or self._failure is not None,
            timeout_s=PATIENCE_S,
            what="a stack on the desktop",
        )

    def rewind(self) -> None:
        """Shows slice 0 again."""
        self._rewound.clear()
        if not self._rewound.wait(PATIENCE_S):
            raise RuntimeError("the program that shows the stack does not answer") from self._failure

    def rate_without_page(self, display: XDisplay) -> float:
        """Returns how many slices per second the X screen shows if each notch follows the slice before.

        It is the limit of the program and of the X server: no page, and nothing of the product, turns here.
        """
        x = display.connect()
        try:
            test, root = x(xcffib.xtest.key), x.get_setup().roots[0].root
            x.core.WarpPointer(0, root, 0, 0, 0, 0, self._at[0] + SLICE_PX // 2, self._at[1] + SLICE_PX // 2)
            self.rewind()
            self._wait_for_mark(x, root, 0)
            began_s = time.monotonic()
            for number in range(1, COUNT):
                for kind in (PRESS, RELEASE):
                    test.FakeInput(kind, DOWN, 0, 0, 0, 0, 0)
                self._wait_for_mark(x, root, number)
            return (COUNT - 1) / (time.monotonic() - began_s)
        finally:
            x.disconnect()

    def _wait_for_mark(self, x: Any, root: int, number: int) -> None:
        """Returns as soon as the X screen shows the slice with this number. Raises RuntimeError."""
        kind, planes = xcffib.xproto.ImageFormat.ZPixmap, 0xFFFFFFFF
        wanted = [0xFF if bit else 0 for bit in mark_bits(number)]
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            image = x.core.GetImage(kind, root, *self._at, MARK_WIDTH_PX, 1, planes).reply()
            if list(bytes(image.data)[:: 4 * CELL_PX]) == wanted:
                return
        raise RuntimeError(f"the X screen does not show slice {number}")

    def stop(self) -> None:
        """Removes the stack. Raises what failed in the thread."""
        self._ended.set()
        self._thread.join(END_TIMEOUT_S)
        if self._thread.is_alive():
            raise RuntimeError("the X server does not answer the program that shows the stack")
        if self._failure is not None:
            raise RuntimeError("the stack could not be shown") from self._failure

    def _run(self) -> None:
        try:
            self._open()
            self._ready.set()
            self._rewound.set()
            while not self._ended.is_set():
                if not self._rewound.is_set():
                    self._show(0)
                    self._rewound.set()
                event = self._x.poll_for_event()
                if event is None:
                    select.select([self._x.get_file_descriptor()], [], [], IDLE_S)
                elif isinstance(event, xcffib.xproto.ButtonPressEvent) and event.detail in NOTCHES:
                    self._show(max(0, min(COUNT - 1, self.number + NOTCHES[event.detail])))
                elif isinstance(event, xcffib.xproto.ExposeEvent):
                    self._show(self.number)
        except BaseException as failure:  # `stop` raises it
            self._failure = failure
        finally:
            self._x.disconnect()  # which frees the slices and destroys the window

    def _open(self) -> None:
        x, core = xcffib.xproto, self._x.core
        screen = self._x.get_setup().roots[0]
        self._window = self._x.generate_id()
        self._context = self._x.generate_id()
        values = [0, 1, x.EventMask.ButtonPress | x.EventMask.Exposure]
        mask = x.CW.BackPixel | x.CW.OverrideRedirect | x.CW.EventMask
        place = (*self._at, SLICE_PX, SLICE_PX)
        core.CreateWindow(0, self._window, screen.root, *place, 0, 1, 0, mask, values)
        core.CreateGC(self._context, self._window, 0, [])
        self._slices = [self._load(number, screen.root_depth) for number in range(COUNT)]
        core.MapWindow(self._window)
        core.GetInputFocus().reply()

    def _load(self, number: int, depth: int) -> int:
        """Puts a slice into a pixmap of the X server, and remembers its checksum."""
        rgba = as_rgba(grey_slice(number))
        self.checksums[number] = checksum(rgba)
        pixmap: int = self._x.generate_id()
        self._x.core.CreatePixmap(depth, pixmap, self._window, SLICE_PX, SLICE_PX)
        for top in range(0, SLICE_PX, BAND_ROWS):
            band = np.ascontiguousarray(rgba[top : top + BAND_ROWS]).tobytes()
            place = SLICE_PX, BAND_ROWS, 0, top
            kind = xcffib.xproto.ImageFormat.ZPixmap
            self._x.core.PutImage(kind, pixmap, self._context, *place, 0, depth, len(band), band)
        self._x.core.GetInputFocus().reply()
        return pixmap

    def _show(self, number: int) -> None:
        self.number = number
        area = 0, 0, 0, 0, SLICE_PX, SLICE_PX
        self._x.core.CopyArea(self._slices[number], self._window, self._context, *area)
        self._x.flush()
