"""What is cut off or covered on a new desktop: by the screen, by a window, or by the page."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_server.desktop.profiles import profile
from tests.e2e.viewer import SURFACE, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay

#: Windows of the panel and of the background have these titles.
PANEL, BACKGROUND = "tint2", "pcmanfm"
#: A pixel of a title bar belongs to its text or its buttons when a channel differs by this from its colour.
CONTRAST = 24
#: How wide the part with the buttons is, in heights of the title bar.
BUTTONS_HEIGHTS = 2.0
#: Rounding of positions on the page, px.
ROUNDING_PX = 1
#: What the page draws over the desktop: the tab with the badge, and the control of what one finger does.
OVERLAYS = {"the badge's tab": ".tab", "the finger's control": ".finger-current"}
#: Returns the rectangles of the overlays, of the surface and of the window in CSS px, and the surface's size.
READ_PAGE = """
const rect = (element) => {
  const at = element?.getBoundingClientRect();
  return at && at.width > 0 ? [at.left, at.top, at.right, at.bottom] : null;
};
const surface = SURFACE;
return {
  overlays: Object.entries(NAMES).map(([name, selector]) => [name, rect(document.querySelector(selector))]),
  surface: rect(surface),
  pixels: [surface.width, surface.height],
  window: [innerWidth, innerHeight],
};
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the desktop, px. Right and lower edge are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def contains(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def overlap(self, other: Box) -> Box | None:
        common = Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )
        return common if common.left < common.right and common.top < common.bottom else None


@dataclass(frozen=True, slots=True)
class Framed:
    """A window with its frame and its title bar."""

    name: str
    frame: Box
    title_bar: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """A desktop as a person sees it: windows of programs from bottom to top, panels, and the page over them.

    `outside` says what of the page is cut off by the browser's window.
    """

    screen: Box
    windows: tuple[Framed, ...]
    panels: tuple[Box, ...]
    overlays: tuple[tuple[str, Box], ...]
    outside: tuple[str, ...]
    pixels: NDArray[np.uint8]

    def faults(self) -> list[str]:
        """Describes everything that is cut off or covered."""
        found = [f"{part} is cut off by the browser's window" for part in self.outside]
        if not self.panels:
            found.append("there is no panel")
        found += ["the panel is cut off" for panel in self.panels if not self.screen.contains(panel)]
        area = self._work_area()
        for number, window in enumerate(self.windows):
            if not area.contains(window.frame):
                found.append(f"{window.name} reaches outside of the work area: {window.frame}, not in {area}")
                continue
            above = self.windows[number + 1 :]
            found += [
                f"{other.name} covers the title bar of {window.name}"
                for other in above
                if other.frame.overlap(window.title_bar)
            ]
            if not any(other.frame.overlap(window.title_bar) for other in above):
                found += self._title_faults(window)
            found += self._covered_content(window)
        return found

    def _work_area(self) -> Box:
        """Returns the screen without its panels, which are at the upper or the lower edge."""
        top, bottom = self.screen.top, self.screen.bottom
        for panel in self.panels:
            if panel.top > self.screen.bottom // 2:
                bottom = min(bottom, panel.top)
            else:
                top = max(top, panel.bottom)
        return Box(self.screen.left, top, self.screen.right, bottom)

    def _title_faults(self, window: Framed) -> list[str]:
        bar = window.title_bar
        if bar.bottom <= bar.top:
            return [f"{window.name} has no title bar"]
        marks = title_marks(self.pixels[bar.top : bar.bottom, bar.left : bar.right])
        buttons_px = round(BUTTONS_HEIGHTS * (bar.bottom - bar.top))
        found = []
        if not marks[:, :-buttons_px].any():
            found.append(f"{window.name} shows no title")
        if not marks[:, -buttons_px:].any():
            found.append(f"{window.name} shows no buttons in its title bar")
        for name, overlay in self.overlays:
            common = overlay.overlap(bar)
            if common is None:
                continue
            rows = slice(common.top - bar.top, common.bottom - bar.top)
            if marks[rows, common.left - bar.left : common.right - bar.left].any():
                found.append(f"{name} covers the title or a button of {window.name}")
        return found

    def _covered_content(self, window: Framed) -> list[str]:
        """The tab hangs at the upper edge, over title bars. What programs show below them stays visible."""
        content = Box(window.frame.left, window.title_bar.bottom, window.frame.right, window.frame.bottom)
        common = [(name, overlay.overlap(content)) for name, overlay in self.overlays[:1]]
        return [
            f"{name} covers {box.bottom - box.top} rows of {window.name}"
            for name, box in common
            if box is not None and box.bottom - box.top > ROUNDING_PX
        ]


def title_marks(bar: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Returns which pixels of a title bar, (height, width, 3), are text or buttons. Its border is neither."""
    inner = bar[1:-1] if len(bar) > 2 else bar
    colours, counts = np.unique(inner.reshape(-1, 3), axis=0, return_counts=True)
    background = colours[counts.argmax()].astype(np.int16)
    marks = (np.abs(bar.astype(np.int16) - background) > CONTRAST).any(axis=2)
    marks[:1] = marks[-1:] = False
    marks[:, :1] = marks[:, -1:] = False
    return np.asarray(marks)


def started_windows(name: str) -> int:
    """Returns how many windows the programs of a profile open when its desktop starts."""
    programs = profile.load(name).programs
    return sum(program.window is not None and not program.on_demand for program in programs)


def programs(display: XDisplay) -> list[Window]:
    """Returns the windows of programs, without background and panel."""
    return [window for window in display.windows() if window.title not in (BACKGROUND, PANEL, "")]


def read_layout(viewer: Viewer, display: XDisplay) -> Layout:
    """Reads a desktop from its X server, and what the page draws over it."""
    page = viewer.browser.evaluate(
        READ_PAGE.replace("SURFACE", SURFACE).replace("NAMES", json.dumps(OVERLAYS))
    )
    left, top, right, bottom = page["surface"]
    scale_x, scale_y = page["pixels"][0] / (right - left), page["pixels"][1] / (bottom - top)
    overlays = [
        (
            name,
            Box(
                round((rect[0] - left) * scale_x),
                round((rect[1] - top) * scale_y),
                round((rect[2] - left) * scale_x),
                round((rect[3] - top) * scale_y),
            ),
        )
        for name, rect in page["overlays"]
        if rect is not None
    ]
    width, height = page["window"]
    whole = [("the desktop", page["surface"]), *page["overlays"]]
    outside = tuple(
        name
        for name, rect in whole
        if rect is not None
        and (min(rect[:2]) < -ROUNDING_PX or rect[2] > width + ROUNDING_PX or rect[3] > height + ROUNDING_PX)
    )
    height_of = {number: height for height, number in enumerate(display.stacked())}
    windows = sorted(programs(display), key=lambda window: height_of.get(window.id, -1))
    return Layout(
        Box(0, 0, *display.size()),
        tuple(_framed(window, display) for window in windows),
        tuple(_box(window) for window in display.windows() if window.title == PANEL),
        tuple(overlays),
        outside,
        display.pixels(),
    )


def _box(window: Window) -> Box:
    return Box(window.x, window.y, window.x + window.width, window.y + window.height)


def _framed(window: Window, display: XDisplay) -> Framed:
    left, right, top, bottom = display.borders(window.id)
    inner = _box(window)
    frame = Box(inner.left - left, inner.top - top, inner.right + right, inner.bottom + bottom)
    return Framed(window.title, frame, Box(frame.left, frame.top, frame.right, inner.top))
