"""The monitors of an X server by RandR: read, and arranged. Every call blocks for a few round trips.

Programs look at monitors in two ways: as outputs with a CRTC each, or as the monitors that RandR 1.5 makes of
these. Our Xvfb has an output for each monitor (`native/outputs.c`). Where it has only one, monitors are
set on top of it: window managers respect those, and so do programs that ask for monitors, but GTK 3 and Qt 5
see the first one alone.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import xcffib
import xcffib.randr
import xcffib.xproto

from display_server.desktop.x11.monitors import Monitor, bounding_size, normalise_layout
from display_server.desktop.x11.screen_layout import Arrangement
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import DesktopError, LayoutError, Malfunction

#: What we name a monitor on an output that carries several, and how the outputs of an Xvfb are named.
_OUR_NAME = "Lightbox-{}"
_NUMBERED = re.compile(r"(?:screen|screen-([0-9]+)|Lightbox-([0-9]+))")
#: A mode's name: only those that we made are taken away again.
_MODE_NAME = "lightbox-{}x{}"
_RATE_HZ = 60
_DPI = 96
_MM_PER_INCH = 25.4
#: RandR with monitors.
_VERSION = (1, 5)


class Randr:
    """Over a connection of its own. Raises `failure` where the server is gone."""

    def __init__(
        self, display: str, xauthority: Path | None, *, failure: type[Malfunction] = DesktopError
    ) -> None:
        """Raises `failure` when the display does not answer or has no RandR."""
        self._connection = XConnection(display, xauthority, failure=failure)
        self._randr = self._connection.extension(xcffib.randr, "RANDR")
        version = self._randr.QueryVersion(*_VERSION).reply()
        self._has_monitors = (version.major_version, version.minor_version) >= _VERSION
        self._root = self._connection.root

    def close(self) -> None:
        self._connection.close()

    def read(self) -> Arrangement:
        """As it is. A screen without monitors is one monitor."""
        with self._answers():
            shape = self._connection.core.GetGeometry(self._root).reply()
            limits = self._randr.GetScreenSizeRange(self._root).reply()
            monitors = self._monitors() if self._has_monitors else []
        if not monitors:
            monitors = [Monitor(0, 0, 0, shape.width, shape.height, primary=True)]
        most = limits.max_width, limits.max_height
        return Arrangement(shape.width, shape.height, tuple(monitors), most)

    def apply(
        self, wanted: Sequence[Monitor], meanwhile: Callable[[int, int], None] = lambda _w, _h: None
    ) -> Arrangement:
        """Makes the monitors so; `meanwhile` gets the screen's size while nobody else can reach the server.

        Raises LayoutError when it cannot be so, after which everything is as before.
        """
        before = self.read()
        monitors = normalise_layout(wanted, before.screen_max)
        with self._grabbed():
            try:
                self._apply(monitors)
            except (xcffib.Error, xcffib.XcffibException, _RefusedError) as error:
                self._connection.ensure_alive()
                with contextlib.suppress(xcffib.Error, xcffib.XcffibException, _RefusedError):
                    self._apply(before.monitors)
                raise LayoutError(f"The X server refused these monitors ({error!r}).") from error
            meanwhile(*bounding_size(monitors))
        return self.read()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────

    def _monitors(self) -> list[Monitor]:
        found = [
            (self._name(info.name), info) for info in self._randr.GetMonitors(self._root, 1).reply().monitors
        ]
        found = [(name, info) for name, info in found if info.width and info.height]
        numbers = [number_in(name) for name, _ in found]
        if None in numbers or 0 not in numbers or len(set(numbers)) != len(numbers):
            # Somebody else's display: the primary one first, then from left to right.
            found.sort(key=lambda item: (not item[1].primary, item[1].x, item[1].y))
            numbers = list(range(len(found)))
        monitors = [
            Monitor(number or 0, info.x, info.y, info.width, info.height, primary=bool(info.primary))
            for number, (_, info) in zip(numbers, found, strict=True)
        ]
        return sorted(monitors, key=lambda monitor: monitor.id)

    def _name(self, atom: int) -> str:
        return str(self._connection.core.GetAtomName(atom).reply().name.to_string())

    # ── arranging ────────────────────────────────────────────────────────────────────────────────────

    def _apply(self, monitors: Sequence[Monitor]) -> None:
        resources = self._randr.GetScreenResourcesCurrent(self._root).reply()
        for info in self._randr.GetMonitors(self._root, 0).reply().monitors:
            if not info.automatic:
                self._randr.DeleteMonitorChecked(self._root, info.name).check()
        # By age, that is by number: RandR names the primary one first.
        outputs, crtcs = sorted(resources.outputs), sorted(resources.crtcs)
        each = max(monitor.id for monitor in monitors) < min(len(outputs), len(crtcs))
        size = bounding_size(monitors)
        places = monitors if each else (Monitor(0, 0, 0, *size),)
        # Grown first and shrunk last, so that each output goes from its old place to its new one in one step:
        # programs would move their windows away from one that is off, if only for a moment.
        shape = self._connection.core.GetGeometry(self._root).reply()
        self._resize(max(shape.width, size[0]), max(shape.height, size[1]))
        modes = {(mode.width, mode.height): mode.id for mode in resources.modes}
        for number, (output, crtc) in enumerate(zip(outputs, crtcs, strict=False)):
            place = next((monitor for monitor in places if monitor.id == number), None)
            self._place(output, crtc, place, modes)
        self._resize(*size)
        if not each:
            for monitor in monitors:
                self._set_monitor(monitor, outputs[:1] if monitor.id == 0 else [])
        primary = next((monitor.id for monitor in monitors if monitor.primary), 0)
        self._randr.SetOutputPrimaryChecked(self._root, outputs[primary if each else 0]).check()
        self._forget_modes()

    def _resize(self, width: int, height: int) -> None:
        shape = self._connection.core.GetGeometry(self._root).reply()
        if (shape.width, shape.height) != (width, height):
            self._randr.SetScreenSizeChecked(self._root, width, height, _mm(width), _mm(height)).check()

    def _place(
        self, output: int, crtc: int, place: Monitor | None, modes: dict[tuple[int, int], int]
    ) -> None:
        now = self._randr.GetCrtcInfo(crtc, 0).reply()
        upright = xcffib.randr.Rotation.Rotate_0
        if place is None:
            if now.mode:
                self._checked(self._randr.SetCrtcConfig(crtc, 0, 0, 0, 0, 0, upright, 0, []))
            return
        if now.mode and (now.x, now.y, now.width, now.height) == (
            place.x,
            place.y,
            place.width,
            place.height,
        ):
            return
        size = place.width, place.height
        if size not in modes:
            modes[size] = self._make_mode(*size)
        if modes[size] not in self._randr.GetOutputInfo(output, 0).reply().modes:
            self._randr.AddOutputModeChecked(output, modes[size]).check()
        self._checked(
            self._randr.SetCrtcConfig(crtc, 0, 0, place.x, place.y, modes[size], upright, 1, [output])
        )

    @staticmethod
    def _checked(cookie: Any) -> None:
        status = cookie.reply().status
        if status != xcffib.randr.SetConfig.Success:
            raise _RefusedError(status)

    def _make_mode(self, width: int, height: int) -> int:
        name = _MODE_NAME.format(width, height)
        clock = min(width * height * _RATE_HZ, 0xFFFFFFFF)
        info = xcffib.randr.ModeInfo.synthetic(  # type: ignore[no-untyped-call]
            0, width, height, clock, width, width, width, 0, height, height, height, len(name), 0
        )
        return int(self._randr.CreateMode(self._root, info, len(name), name).reply().mode)

    def _forget_modes(self) -> None:
        """Modes of ours that no output shows any more: a window that is resized by hand makes many."""
        resources = self._randr.GetScreenResourcesCurrent(self._root).reply()
        shown = {self._randr.GetCrtcInfo(crtc, 0).reply().mode for crtc in resources.crtcs}
        names, start = bytes(resources.names), 0
        for mode in resources.modes:
            name = names[start : start + mode.name_len].decode("ascii", "replace")
            start += mode.name_len
            if mode.id in shown or name != _MODE_NAME.format(mode.width, mode.height):
                continue
            for output in resources.outputs:
                if mode.id in self._randr.GetOutputInfo(output, 0).reply().modes:
                    self._randr.DeleteOutputModeChecked(output, mode.id).check()
            self._randr.DestroyModeChecked(mode.id).check()

    def _set_monitor(self, monitor: Monitor, outputs: Sequence[int]) -> None:
        name = _OUR_NAME.format(monitor.id)
        atom = self._connection.core.InternAtom(False, len(name), name).reply().atom
        info = xcffib.randr.MonitorInfo.synthetic(  # type: ignore[no-untyped-call]
            atom,
            monitor.primary,
            False,
            len(outputs),
            monitor.x,
            monitor.y,
            monitor.width,
            monitor.height,
            _mm(monitor.width),
            _mm(monitor.height),
            list(outputs),
        )
        self._randr.SetMonitorChecked(self._root, info).check()

    @contextlib.contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            with self._connection.requests():
                yield
        except xcffib.Error as error:
            raise self._connection.failure(
                f"The X server of {self._connection.display} refused ({error!r})."
            ) from error

    @contextlib.contextmanager
    def _grabbed(self) -> Iterator[None]:
        """Nobody sees a layout that is half done, and nobody draws."""
        with self._connection.requests():
            self._connection.core.GrabServer()
            try:
                yield
            finally:
                self._connection.core.UngrabServer()
                self._connection.core.GetInputFocus().reply()


class _RefusedError(Exception):
    """RandR's status of a configuration that was not taken."""


def number_in(name: str) -> int | None:
    """The number of an output or monitor of ours; None for other names."""
    match = _NUMBERED.fullmatch(name)
    return int(match[1] or match[2] or 0) if match else None


def _mm(pixels: int) -> int:
    return max(1, round(pixels * _MM_PER_INCH / _DPI))
