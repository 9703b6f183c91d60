"""The X program whose window every subject shows.

    python -m benchmarks.content.program [X Y WIDTH HEIGHT]

DISPLAY and XAUTHORITY say where; without a place the window takes the whole screen.

Orders come as JSON lines on stdin, what happened goes out as JSON lines on stdout:

    {"do": "load", "kind": S, "first": K, "count": N} → {"event": "loaded", "checksums": {number: [a, b]}};
    of a long stack only the last one's
    {"do": "still", "slice": K}                     → {"event": "shown", "number": K, "epoch_ms": t}
    {"do": "play", "order": [numbers], "rate": R}   → "shown" for each slice, then {"event": "played"}
    {"do": "stop"}                                  → ends a play before its end
    {"do": "target", "at": [x, y]}                  → {"event": "target"}, then "pressed" for each press of
    button or key, also while a stack plays
    {"do": "focus"}                                 → {"event": "focus"}; the topmost window gets the keys
    {"do": "blank"}                                 → {"event": "blank"}

Slices wait in the X server as pixmaps: showing one is one CopyArea, so that the target itself costs nothing,
the same for
all. Times are milliseconds of the wall clock, which the page in the browser reads as well.
"""

from __future__ import annotations

import io
import json
import os
import select
import struct
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto as x
from numpy.typing import NDArray

from benchmarks.content.frames import LONG, frame, kind_of
from benchmarks.content.long_stack import BASES, cut, larger_slice
from benchmarks.content.mark import CELL_PX, MARK_HEIGHT_PX, MAX_NUMBER, checksum, mark_bits
from benchmarks.content.slices import SLICE_PX, as_rgba

#: Side of the patch that answers a click; about the size of a dialog.
TARGET_PX = 400
#: Largest PutImage: well under the protocol's 256 KiB without BIG-REQUESTS.
_BAND_ROWS = 32
#: The request PutImage of the core protocol, and its fields as xcffib packs them.
_PUT_IMAGE, _PUT_IMAGE_HEAD = 72, struct.Struct("=xB2xIIHHhhBB2x")
_BACKGROUND = 0x202428
#: The patch's colours in turn; far apart, so that any of them is seen at once.
_COLOURS = (0x205080, 0x806020, 0x207040, 0x702050)


class Program:
    """One window and the pixmaps behind it. `place` is its x, y, width and height, px; None: the screen."""

    def __init__(self, place: tuple[int, int, int, int] | None = None) -> None:
        connect: Any = xcffib.connect  # xcffib publishes no types
        self._x = connect()
        self._screen = self._x.get_setup().roots[self._x.pref_screen]
        self._window = self._x.generate_id()
        self._gc = self._x.generate_id()
        self._kind = ""
        self._pixmaps: dict[int, int] = {}  # by number; of a long stack, by larger slice
        #: x, y, width and height of the frames on the screen, px.
        self.place = (0, 0, 0, 0)
        self._presses = 0
        self._target_at: tuple[int, int] | None = None
        self._orders: deque[dict[str, Any]] = deque()
        self._heard = b""
        self._ended = False
        whole = 0, 0, int(self._screen.width_in_pixels), int(self._screen.height_in_pixels)
        self._left, self._top, self.width_px, self.height_px = place or whole

    def open(self) -> None:
        events = x.EventMask.ButtonPress | x.EventMask.KeyPress | x.EventMask.Exposure
        core = self._x.core
        core.CreateWindow(
            self._screen.root_depth,
            self._window,
            self._screen.root,
            self._left,
            self._top,
            self.width_px,
            self.height_px,
            0,
            x.WindowClass.InputOutput,
            self._screen.root_visual,
            x.CW.BackPixel | x.CW.EventMask,
            [_BACKGROUND, events],
        )
        # No GraphicsExposures: a CopyArea from a pixmap would otherwise answer with an event each time.
        core.CreateGC(self._gc, self._window, x.GC.GraphicsExposures, [0])
        core.MapWindow(self._window)
        self._x.flush()
        self._wait_for_expose()
        # Keys follow the pointer: there is no window manager to move the focus.
        pointer_root = 1
        core.SetInputFocus(x.InputFocus.PointerRoot, pointer_root, x.Time.CurrentTime)
        self._x.flush()

    def _wait_for_expose(self) -> None:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            select.select([self._x.get_file_descriptor()], [], [], 0.1)
            while (event := self._x.poll_for_event()) is not None:
                if isinstance(event, x.ExposeEvent):
                    return

    @property
    def slice_at(self) -> tuple[int, int]:
        """Top left of the slice; even, and off the 64-pixel grid of no subject in particular."""
        return (self.width_px - SLICE_PX) // 2, (self.height_px - SLICE_PX) // 2

    def load(self, kind: str, first: int, count: int) -> dict[int, tuple[int, int]]:
        """Makes frames first … first + count − 1 and puts them into the server in place of those before."""
        width, height = kind_of(kind).width_px, kind_of(kind).height_px
        self.place = (self.width_px - width) // 2, (self.height_px - height) // 2, width, height
        sums: dict[int, tuple[int, int]] = {}
        for pixmap in self._pixmaps.values():
            self._x.core.FreePixmap(pixmap)
        self._pixmaps.clear()
        self._kind = kind
        if kind == LONG:
            for base in range(min(BASES, count)):
                self._pixmaps[base] = self._put(as_rgba(larger_slice(base)))
            last = first + count - 1
            return {last: checksum(frame(kind, last))}
        for number in range(first, first + count):
            rgba = frame(kind, number)
            sums[number] = checksum(rgba)
            self._pixmaps[number] = self._put(np.ascontiguousarray(rgba[:, :, [2, 1, 0, 3]]))
        self._sync()
        return sums

    def _put(self, bgra: NDArray[np.uint8]) -> int:
        """A new pixmap in the server with these (height, width, 4) bytes."""
        height, width, _ = bgra.shape
        depth = self._screen.root_depth
        pixmap = int(self._x.generate_id())
        self._x.core.CreatePixmap(depth, pixmap, self._window, width, height)
        for row in range(0, height, _BAND_ROWS):
            band = bgra[row : row + _BAND_ROWS]
            head = _PUT_IMAGE_HEAD.pack(
                x.ImageFormat.ZPixmap, pixmap, self._gc, width, len(band), 0, row, 0, depth
            )
            # Not xcffib's own PutImage: it packs the bytes as a tuple of numbers, two thirds of all the time.
            self._x.core.send_request(_PUT_IMAGE, io.BytesIO(head + band.tobytes()))
        self._x.flush()
        return pixmap

    def _sync(self) -> None:
        self._x.core.GetInputFocus().reply()

    def show(self, number: int) -> None:
        core, (left, top, width, height) = self._x.core, self.place
        if self._kind == LONG:
            base, x, y = cut(number)
            core.CopyArea(self._pixmaps[base], self._window, self._gc, x, y, left, top, width, height)
            for row in (top, top + height - MARK_HEIGHT_PX):
                self._mark(self._window, left, row, number)
        else:
            core.CopyArea(self._pixmaps[number], self._window, self._gc, 0, 0, left, top, width, height)
        self._x.flush()
        say(event="shown", number=number, epoch_ms=time.time() * 1000)

    def play(self, order: Sequence[int], rate: float) -> None:
        """Shows the slices at a fixed rate against absolute times, so that lateness does not add up. Presses
        are answered meanwhile; the next order to stop ends it."""
        start = time.monotonic() + 0.05
        for place, number in enumerate(order):
            while (wait := start + place / rate - time.monotonic()) > 0:
                self._listen(wait)
            if self._ended or (self._orders and self._orders[0]["do"] == "stop"):
                break
            self.show(number)
        say(event="played")

    def target(self, at: tuple[int, int]) -> None:
        self._presses = 0
        self._target_at = at
        self._draw_target(at)
        say(event="target", number=0)

    def _draw_target(self, at: tuple[int, int]) -> None:
        """The patch with the number of presses so far as its mark, drawn off screen and shown at once."""
        core = self._x.core
        pixmap = self._x.generate_id()
        core.CreatePixmap(self._screen.root_depth, pixmap, self._window, TARGET_PX, TARGET_PX)
        number = self._presses & MAX_NUMBER
        self._fill(pixmap, _COLOURS[number % len(_COLOURS)], [(0, 0, TARGET_PX, TARGET_PX)])
        self._mark(pixmap, 0, 0, number)
        core.CopyArea(pixmap, self._window, self._gc, 0, 0, *at, TARGET_PX, TARGET_PX)
        core.FreePixmap(pixmap)
        self._x.flush()

    def _mark(self, drawable: int, left: int, top: int, number: int) -> None:
        cells = mark_bits(number)
        for colour, wanted in ((0xFFFFFF, True), (0x000000, False)):
            places = [
                (left + i * CELL_PX, top, CELL_PX, CELL_PX) for i, bit in enumerate(cells) if bit is wanted
            ]
            self._fill(drawable, colour, places)

    def _fill(self, drawable: int, colour: int, places: Sequence[tuple[int, int, int, int]]) -> None:
        self._x.core.ChangeGC(self._gc, x.GC.Foreground, [colour])
        make: Any = x.RECTANGLE.synthetic
        rectangles = [make(*place) for place in places]
        self._x.core.PolyFillRectangle(drawable, self._gc, len(rectangles), rectangles)

    def blank(self) -> None:
        self._target_at = None
        self._x.core.ClearArea(False, self._window, 0, 0, 0, 0)
        self._sync()
        say(event="blank")

    def focus(self) -> None:
        """What a window manager does for a new window."""
        tree = self._x.core.QueryTree(self._screen.root).reply()
        self._x.core.SetInputFocus(x.InputFocus.PointerRoot, tree.children[-1], x.Time.CurrentTime)
        self._sync()
        say(event="focus")

    def run(self) -> None:
        """Serves orders and presses until stdin ends."""
        while not self._ended:
            self._listen(None)
            while self._orders:
                self.obey(self._orders.popleft())

    def _listen(self, timeout_s: float | None) -> None:
        """Answers presses and takes in orders; returns after something of these came, or in time."""
        # Before the wait, not after: an order's round trip may have brought events along already.
        while (event := self._x.poll_for_event()) is not None:
            if self._target_at and isinstance(event, (x.ButtonPressEvent, x.KeyPressEvent)):
                self._presses += 1
                self._draw_target(self._target_at)
                say(event="pressed", number=self._presses, epoch_ms=time.time() * 1000)
        ready, _, _ = select.select([self._x.get_file_descriptor(), sys.stdin.fileno()], [], [], timeout_s)
        if sys.stdin.fileno() in ready:
            read = os.read(sys.stdin.fileno(), 65536)
            self._ended = not read
            *lines, self._heard = (self._heard + read).split(b"\n")
            self._orders.extend(json.loads(line) for line in lines)

    def obey(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "load":
                say(event="loaded", checksums=self.load(order["kind"], order["first"], order["count"]))
            case "still":
                self.show(order["slice"])
            case "play":
                self.play(order["order"], order["rate"])
            case "stop":  # it came after the end
                pass
            case "target":
                self.target((order["at"][0], order["at"][1]))
            case "focus":
                self.focus()
            case "blank":
                self.blank()
            case unknown:
                raise ValueError(f"no such order: {unknown}")


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:]]
    program = Program((numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None)
    program.open()
    say(
        event="ready",
        width_px=program.width_px,
        height_px=program.height_px,
        slice_at=program.slice_at,
    )
    program.run()


if __name__ == "__main__":
    main()
