"""The X program that draws the content. Every subject shows its window.

    python -m benchmarks.content.program [X Y WIDTH HEIGHT]

DISPLAY and XAUTHORITY select the X server. Without a position and size the window covers the whole screen.

The program reads commands as JSON lines from stdin and writes events as JSON lines to stdout:

    {"do": "load", "kind": S, "first": K, "count": N}   → {"event": "loaded", "checksums": {number: [a, b]}}
    {"do": "show", "number": K}                         → {"event": "shown", "number": K, "epoch_ms": t}
    {"do": "play", "numbers": [K, …], "rate": R}        → "shown" for each frame, then {"event": "played"}
    {"do": "stop"}                                      → ends a running "play" early
    {"do": "target", "at": [x, y]}                      → {"event": "target"}, then "pressed" for each press
    {"do": "focus"}                                     → {"event": "focus"}; the topmost window gets the keys
    {"do": "blank"}                                     → {"event": "blank"}

"loaded" has the checksums of all frames, but only that of the last frame of a long stack. "pressed" reports
presses of buttons and keys, also while frames play.

Frames are pixmaps in the X server. Showing one is a single CopyArea, so the content costs nearly no CPU, and
the same for all subjects. Times are wall-clock milliseconds, comparable with those of the page in the
browser.
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

#: Side of the click target, px. It is about the size of a dialog.
TARGET_PX = 400
#: Rows per PutImage, so that a request stays below 256 KiB, the limit without BIG-REQUESTS.
_BAND_ROWS = 32
#: Opcode of PutImage in the core protocol.
_PUT_IMAGE = 72
#: Fields of PutImage as xcffib packs them.
_PUT_IMAGE_HEAD = struct.Struct("=xB2xIIHHhhBB2x")
#: Colour of the empty window, RGB.
_BACKGROUND = 0x202428
#: Colours of the click target in turn, RGB. They are far apart, so that each change is visible.
_COLOURS = (0x205080, 0x806020, 0x207040, 0x702050)


class Program:
    """The content's window and its pixmaps.

    `window_rect` is x, y, width and height of the window, px; None means the whole screen.
    """

    def __init__(self, window_rect: tuple[int, int, int, int] | None = None) -> None:
        connect: Any = xcffib.connect  # xcffib publishes no types
        self._x = connect()
        self._screen = self._x.get_setup().roots[self._x.pref_screen]
        self._window = self._x.generate_id()
        self._gc = self._x.generate_id()
        self._kind = ""
        self._pixmaps: dict[int, int] = {}  # by frame number; by larger slice for a long stack
        #: x, y, width and height of the frames on the screen, px.
        self.frame_rect = (0, 0, 0, 0)
        self._presses = 0
        self._target_at: tuple[int, int] | None = None
        self._commands: deque[dict[str, Any]] = deque()
        self._unparsed = b""
        self._ended = False
        screen = 0, 0, int(self._screen.width_in_pixels), int(self._screen.height_in_pixels)
        self._left, self._top, self.width_px, self.height_px = window_rect or screen

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
        # GraphicsExposures are off; otherwise each CopyArea from a pixmap would send an event.
        core.CreateGC(self._gc, self._window, x.GC.GraphicsExposures, [0])
        core.MapWindow(self._window)
        self._x.flush()
        self._wait_for_expose()
        # The focus follows the pointer, because there is no window manager to set it.
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
        """x and y of the slices: centred, so not aligned to the tile grid of any subject in particular."""
        return (self.width_px - SLICE_PX) // 2, (self.height_px - SLICE_PX) // 2

    def load(self, kind: str, first: int, count: int) -> dict[int, tuple[int, int]]:
        """Generates frames first … first + count − 1 and replaces the pixmaps in the X server with them.

        Returns the checksums by frame number; for a long stack only that of the last frame.
        """
        width, height = kind_of(kind).width_px, kind_of(kind).height_px
        self.frame_rect = (self.width_px - width) // 2, (self.height_px - height) // 2, width, height
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
        """Creates a pixmap with these (height, width, 4) bytes in the X server."""
        height, width, _ = bgra.shape
        depth = self._screen.root_depth
        pixmap = int(self._x.generate_id())
        self._x.core.CreatePixmap(depth, pixmap, self._window, width, height)
        for row in range(0, height, _BAND_ROWS):
            band = bgra[row : row + _BAND_ROWS]
            head = _PUT_IMAGE_HEAD.pack(
                x.ImageFormat.ZPixmap, pixmap, self._gc, width, len(band), 0, row, 0, depth
            )
            # xcffib's own PutImage packs the bytes as a tuple of numbers and would take three times as long.
            self._x.core.send_request(_PUT_IMAGE, io.BytesIO(head + band.tobytes()))
        self._x.flush()
        return pixmap

    def _sync(self) -> None:
        self._x.core.GetInputFocus().reply()

    def show(self, number: int) -> None:
        core, (left, top, width, height) = self._x.core, self.frame_rect
        if self._kind == LONG:
            base, x, y = cut(number)
            core.CopyArea(self._pixmaps[base], self._window, self._gc, x, y, left, top, width, height)
            for row in (top, top + height - MARK_HEIGHT_PX):
                self._mark(self._window, left, row, number)
        else:
            core.CopyArea(self._pixmaps[number], self._window, self._gc, 0, 0, left, top, width, height)
        self._x.flush()
        emit(event="shown", number=number, epoch_ms=time.time() * 1000)

    def play(self, numbers: Sequence[int], rate: float) -> None:
        """Shows frames at a fixed rate. Each is due at an absolute time, so delays do not accumulate.

        Presses are answered meanwhile. The command "stop" ends it early.
        """
        start = time.monotonic() + 0.05
        for index, number in enumerate(numbers):
            while (wait := start + index / rate - time.monotonic()) > 0:
                self._handle_input(wait)
            if self._ended or (self._commands and self._commands[0]["do"] == "stop"):
                break
            self.show(number)
        emit(event="played")

    def target(self, at: tuple[int, int]) -> None:
        self._presses = 0
        self._target_at = at
        self._draw_target(at)
        emit(event="target", number=0)

    def _draw_target(self, at: tuple[int, int]) -> None:
        """Draws the click target off screen, with the number of presses as its mark, and copies it at
        once."""
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
            rects = [
                (left + i * CELL_PX, top, CELL_PX, CELL_PX) for i, bit in enumerate(cells) if bit is wanted
            ]
            self._fill(drawable, colour, rects)

    def _fill(self, drawable: int, colour: int, rects: Sequence[tuple[int, int, int, int]]) -> None:
        self._x.core.ChangeGC(self._gc, x.GC.Foreground, [colour])
        make: Any = x.RECTANGLE.synthetic
        rectangles = [make(*rect) for rect in rects]
        self._x.core.PolyFillRectangle(drawable, self._gc, len(rectangles), rectangles)

    def blank(self) -> None:
        self._target_at = None
        self._x.core.ClearArea(False, self._window, 0, 0, 0, 0)
        self._sync()
        emit(event="blank")

    def focus(self) -> None:
        """Gives the focus to the topmost window, as a window manager does for a new window."""
        tree = self._x.core.QueryTree(self._screen.root).reply()
        self._x.core.SetInputFocus(x.InputFocus.PointerRoot, tree.children[-1], x.Time.CurrentTime)
        self._sync()
        emit(event="focus")

    def run(self) -> None:
        """Executes commands and answers presses until stdin ends."""
        while not self._ended:
            self._handle_input(None)
            while self._commands:
                self.execute(self._commands.popleft())

    def _handle_input(self, timeout_s: float | None) -> None:
        """Answers presses and reads commands. Returns when input has arrived or the time is over."""
        # Polled before the wait: a round trip of a command may already have queued events.
        while (event := self._x.poll_for_event()) is not None:
            if self._target_at and isinstance(event, (x.ButtonPressEvent, x.KeyPressEvent)):
                self._presses += 1
                self._draw_target(self._target_at)
                emit(event="pressed", number=self._presses, epoch_ms=time.time() * 1000)
        ready, _, _ = select.select([self._x.get_file_descriptor(), sys.stdin.fileno()], [], [], timeout_s)
        if sys.stdin.fileno() in ready:
            read = os.read(sys.stdin.fileno(), 65536)
            self._ended = not read
            *lines, self._unparsed = (self._unparsed + read).split(b"\n")
            self._commands.extend(json.loads(line) for line in lines)

    def execute(self, command: dict[str, Any]) -> None:
        """Raises ValueError for an unknown command."""
        match command["do"]:
            case "load":
                checksums = self.load(command["kind"], command["first"], command["count"])
                emit(event="loaded", checksums=checksums)
            case "show":
                self.show(command["number"])
            case "play":
                self.play(command["numbers"], command["rate"])
            case "stop":  # it arrived after the last frame
                pass
            case "target":
                self.target((command["at"][0], command["at"][1]))
            case "focus":
                self.focus()
            case "blank":
                self.blank()
            case unknown:
                raise ValueError(f"unknown command: {unknown}")


def emit(**message: Any) -> None:
    """Writes an event to stdout."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:]]
    program = Program((numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None)
    program.open()
    emit(
        event="ready",
        width_px=program.width_px,
        height_px=program.height_px,
        slice_at=program.slice_at,
    )
    program.run()


if __name__ == "__main__":
    main()
