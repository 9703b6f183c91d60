"""Connects the window, the state and the frames: events change the state, and changed parts are drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xcffib.xproto

from display_server.desktop.dicom_viewer import drawing
from display_server.desktop.dicom_viewer.frames import FrameCache, LoadedFrame
from display_server.desktop.dicom_viewer.geometry import Rect, Words
from display_server.desktop.dicom_viewer.grey_scale import GreyFrame
from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError
from display_server.desktop.dicom_viewer.series import find_series
from display_server.desktop.dicom_viewer.texts import sentence
from display_server.desktop.dicom_viewer.viewer_window import ViewerWindow
from display_server.desktop.dicom_viewer.viewing import Viewing
from display_server.desktop.input_method.fonts import Fonts

#: How often folders are examined for new files, s.
RESCAN_S = 2.0
#: Buttons of a pointer: the wheel is buttons 4 and 5.
LEFT, MIDDLE, RIGHT, WHEEL_UP, WHEEL_DOWN = 1, 2, 3, 4, 5
#: Keysyms (X11/keysymdef.h) and by how many slices they scroll.
SCROLL_KEYS = {0xFF52: -1, 0xFF54: 1, 0xFF55: -10, 0xFF56: 10, 0xFF50: -1_000_000, 0xFF57: 1_000_000}
#: Keys of the buttons.
BUTTON_KEYS = {ord("1"): "own-scale", ord("f"): "fit", ord("r"): "reset", ord("o"): "overlay"}
#: The parts of the window.
LIST, TOP, IMAGE, BOTTOM = "list", "top", "image", "bottom"


class DicomViewer:
    """One viewer window. `roots` are the files and folders that it lists."""

    def __init__(
        self,
        window: ViewerWindow,
        roots: Sequence[Path],
        fonts: Fonts,
        texts: dict[str, str],
        scale_percent: int,
        size: tuple[int, int],
    ) -> None:
        self.viewing = Viewing()
        self._window = window
        self._roots = list(roots)
        self._fonts = fonts
        self._texts = texts
        self._scale_percent = scale_percent
        self._size = size
        self._layout = drawing.layout(*size, scale_percent)
        self._frames = FrameCache()
        self._stamps: Mapping[Path, int] = {}
        self._changed: set[str] = set()
        #: Why the file that the person opened is not in the list. It is shown while nothing else is.
        self._not_listed: UnshowableError | None = None
        self._drag: tuple[int, int, int] | None = None
        self._ended = asyncio.Event()
        window.on_event = self._on_event
        window.on_resize = self._on_resize
        window.on_text_scale = self._on_text_scale
        window.on_expose = lambda: self._draw_soon(LIST, TOP, IMAGE, BOTTOM)
        window.on_open = self.open
        window.on_close = self._ended.set

    async def run(self) -> None:
        """Runs until the person closes the window. Raises DesktopError when the X server ends."""
        self._draw_soon(LIST, TOP, IMAGE, BOTTOM)
        while not self._ended.is_set():
            self._rescan()
            try:
                await asyncio.wait_for(self._ended.wait(), RESCAN_S)
            except TimeoutError:
                continue

    def open(self, paths: Sequence[Path]) -> None:
        """Shows files that the person opened, with the other slices of their folders."""
        first = paths[0] if paths else None
        for path in paths:
            folder = path if path.is_dir() else path.parent
            if not any(folder == root or root in folder.parents for root in self._roots):
                # Of a file's folder only the files next to it: the folder may be a whole home.
                files = (
                    [] if path.is_dir() else sorted(other for other in folder.iterdir() if other.is_file())
                )
                self._roots += files or [folder]
        self._stamps = _stamps(self._roots)
        file = first if first and first.is_file() else None
        self.viewing.set_series(find_series(self._roots), file)
        if file is not None and not any(series.index_of(file) is not None for series in self.viewing.series):
            self.viewing.select_nothing()
            self._not_listed = UnshowableError(Reason.NO_DICOM, file.name)
        if first and first.is_dir():
            for number, series in enumerate(self.viewing.series):
                if first == series.folder or first in series.folder.parents:
                    self.viewing.select(number)
                    break
        self._window.raise_window()
        self._draw_soon(LIST, TOP, IMAGE, BOTTOM)

    def _rescan(self) -> None:
        """Reads the list again if a folder changed."""
        stamps = _stamps(self._roots)
        if stamps != self._stamps:
            self._stamps = stamps
            self.viewing.set_series(find_series(self._roots))
            self._draw_soon(LIST, TOP, IMAGE, BOTTOM)

    def _on_resize(self, width: int, height: int) -> None:
        self._size = width, height
        self._lay_out()

    def _on_text_scale(self, percent: int) -> None:
        self._scale_percent = percent
        self._lay_out()

    def _lay_out(self) -> None:
        place = drawing.layout(*self._size, self._scale_percent)
        if place != self._layout:
            self._layout = place
            self._draw_soon(LIST, TOP, IMAGE, BOTTOM)

    def _on_event(self, event: Any) -> None:
        if isinstance(event, xcffib.xproto.ButtonPressEvent):
            self._on_press(event.detail, event.event_x, event.event_y)
        elif isinstance(event, xcffib.xproto.MotionNotifyEvent):
            self._on_motion(event.event_x, event.event_y)
        elif isinstance(event, xcffib.xproto.ButtonReleaseEvent):
            if self._drag is not None and self._drag[0] == event.detail:
                self._drag = None
        elif isinstance(event, xcffib.xproto.KeyPressEvent):
            self._on_key(self._window.keysym(event.detail))

    def _on_press(self, button: int, x: int, y: int) -> None:
        if button in (WHEEL_UP, WHEEL_DOWN):
            self.viewing.scroll(-1 if button == WHEEL_UP else 1)
            self._draw_soon(IMAGE, BOTTOM)
        elif button == LEFT and _inside(self._layout.list, x, y):
            row = drawing.row_at(self.viewing, self._layout, y)
            if row is not None:
                self.viewing.select(row)
                self._draw_soon(LIST, TOP, IMAGE, BOTTOM)
        elif button == LEFT and _inside(self._layout.bottom, x, y):
            left, top = self._layout.bottom[:2]
            for found in drawing.buttons(self.viewing, self._layout, self._fonts, self._texts):
                if _inside(found.place, x - left, y - top):
                    self._press_button(found.name)
        elif _inside(self._layout.image, x, y):
            self._drag = button, x, y
            self.viewing.begin_drag()

    def _on_motion(self, x: int, y: int) -> None:
        if self._drag is None:
            return
        button, from_x, from_y = self._drag
        loaded = self._loaded()
        grey = (
            loaded.frame if isinstance(loaded, LoadedFrame) and isinstance(loaded.frame, GreyFrame) else None
        )
        if button == RIGHT:
            self.viewing.drag_scroll(y - from_y, self._layout.image[3])
        elif button == LEFT and grey is not None:
            self.viewing.drag_window(x - from_x, y - from_y, grey)
        else:
            self.viewing.drag_pan(x - from_x, y - from_y)
        self._draw_soon(IMAGE, BOTTOM)

    def _on_key(self, keysym: int) -> None:
        if keysym in SCROLL_KEYS:
            self.viewing.scroll(SCROLL_KEYS[keysym])
            self._draw_soon(IMAGE, BOTTOM)
        elif keysym in BUTTON_KEYS:
            self._press_button(BUTTON_KEYS[keysym])

    def _press_button(self, name: str) -> None:
        if name == "reset":
            self.viewing.reset_window()
        elif name == "overlay":
            self.viewing.overlay = not self.viewing.overlay
        else:
            self.viewing.set_own_scale(name == "own-scale")
        self._draw_soon(IMAGE, BOTTOM)

    def _loaded(self) -> LoadedFrame | UnshowableError | None:
        """Returns the current frame, or why it is refused; None if nothing is open."""
        part = self.viewing.slice
        if part is None:
            return self._not_listed
        try:
            return self._frames.load(part)
        except UnshowableError as error:
            return error

    def _draw_soon(self, *parts: str) -> None:
        """Draws after all events that have arrived, so that only the newest state is drawn."""
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._draw)
        self._changed |= set(parts)

    def _draw(self) -> None:
        changed, self._changed = self._changed, set()
        at, viewing, fonts, texts = self._layout, self.viewing, self._fonts, self._texts
        loaded = self._loaded()
        if IMAGE in changed:
            self._window.put(self._image(loaded), at.image)
        if BOTTOM in changed:
            frame = loaded if isinstance(loaded, LoadedFrame) else None
            self._window.put(drawing.draw_bottom(viewing, frame, at, fonts, texts), at.bottom)
        if TOP in changed:
            self._window.put(drawing.draw_top(viewing, at, fonts, texts), at.top)
            self._window.set_title(self._title())
        if LIST in changed and at.list[2]:
            self._window.put(drawing.draw_list(viewing, at, fonts, texts), at.list)
        self._window.show()

    def _image(self, loaded: LoadedFrame | UnshowableError | None) -> Words:
        at, texts = self._layout, self._texts
        if isinstance(loaded, LoadedFrame):
            return drawing.draw_image(loaded, self.viewing, at.image[2], at.image[3])
        if loaded is None:
            return drawing.draw_message([texts["no-studies"]], at, self._fonts)
        lines = [texts["refused"], sentence(texts, loaded), texts["next-step"]]
        return drawing.draw_message(lines, at, self._fonts)

    def _title(self) -> str:
        series = self.viewing.current
        patient = series.patient if series else ""
        return " – ".join(part for part in (patient, self._texts["title"]) if part)


def _stamps(roots: Sequence[Path]) -> dict[Path, int]:
    """Returns when each folder below the roots changed last, ns. Hidden folders are left out."""
    folders = [path for root in roots if root.is_dir() for path in (root, *root.iterdir()) if path.is_dir()]
    return {path: path.stat().st_mtime_ns for path in folders if not path.name.startswith(".")}


def _inside(place: Rect, x: int, y: int) -> bool:
    left, top, width, height = place
    return left <= x < left + width and top <= y < top + height
