"""Reads and changes the monitors of an X server by RandR.

Programs find monitors either as outputs with a CRTC each, or as RandR 1.5 monitors, which the server derives
from the outputs. The Xvfb that Lightbox starts has an output for each monitor (`native/outputs.c`). On an
X server with a single output, this module sets RandR 1.5 monitors on top of that output. Window managers and
programs that ask for RandR 1.5 monitors respect them, but GTK 3 and Qt 5 see only the first one.
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

#: The name of a monitor that is set on top of an output.
_MONITOR_NAME = "Lightbox-{}"
#: Names that contain a monitor's number: those of Xvfb's outputs (`screen`, `screen-1`, …) and _MONITOR_NAME.
_NUMBERED_NAME = re.compile(r"(?:screen|screen-([0-9]+)|Lightbox-([0-9]+))")
#: The name of a mode that this module creates. It never destroys modes with other names.
_MODE_NAME = "lightbox-{}x{}"
#: The refresh rate that modes report to programs, Hz.
_RATE_HZ = 60
#: The resolution from which a monitor's size in mm is computed, dots per inch.
_DPI = 96
_MM_PER_INCH = 25.4
#: The first version of RandR that has monitors.
_VERSION = (1, 5)


class Randr:
    """The monitors of one X screen, over a connection of its own.

    Every call blocks for a few round trips and raises `failure` when the connection is lost.
    """

    def __init__(
        self, display: str, xauthority: Path | None, *, failure: type[Malfunction] = DesktopError
    ) -> None:
        """Connects. Raises `failure` when the display does not answer or lacks RandR."""
        self._connection = XConnection(display, xauthority, failure=failure)
        self._randr = self._connection.extension(xcffib.randr, "RANDR")
        version = self._randr.QueryVersion(*_VERSION).reply()
        self._has_monitors = (version.major_version, version.minor_version) >= _VERSION
        self._root = self._connection.root

    def close(self) -> None:
        self._connection.close()

    def read(self) -> Arrangement:
        """Returns the current arrangement. A screen without monitors counts as one monitor."""
        with self._requests():
            shape = self._connection.core.GetGeometry(self._root).reply()
            limits = self._randr.GetScreenSizeRange(self._root).reply()
            monitors = self._monitors() if self._has_monitors else []
        if not monitors:
            monitors = [Monitor(0, 0, 0, shape.width, shape.height, primary=True)]
        screen_max = limits.max_width, limits.max_height
        return Arrangement(shape.width, shape.height, tuple(monitors), screen_max)

    def apply(
        self, wanted: Sequence[Monitor], while_grabbed: Callable[[int, int], None] = lambda _w, _h: None
    ) -> Arrangement:
        """Applies a layout and returns the new arrangement.

        Then, while the server is still grabbed, `while_grabbed` is called with the screen's new width and
        height, px. Raises LayoutError when the layout is not possible; the former arrangement then remains.
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
                raise LayoutError(
                    "The X server refused these monitors.", next_step="Choose fewer or smaller ones."
                ) from error
            while_grabbed(*bounding_size(monitors))
        return self.read()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────

    def _monitors(self) -> list[Monitor]:
        found = [
            (self._name(info.name), info) for info in self._randr.GetMonitors(self._root, 1).reply().monitors
        ]
        found = [(name, info) for name, info in found if info.width and info.height]
        numbers = [number_in(name) for name, _ in found]
        if None in numbers or 0 not in numbers or len(set(numbers)) != len(numbers):
            # Lightbox did not set this display up: number the primary monitor first, then from left to right.
            found.sort(key=lambda item: (not item[1].primary, item[1].x, item[1].y))
            numbers = list(range(len(found)))
        monitors = [
            Monitor(number or 0, info.x, info.y, info.width, info.height, primary=bool(info.primary))
            for number, (_, info) in zip(numbers, found, strict=True)
        ]
        return sorted(monitors, key=lambda monitor: monitor.id)

    def _name(self, atom: int) -> str:
        return str(self._connection.core.GetAtomName(atom).reply().name.to_string())

    # ── applying ─────────────────────────────────────────────────────────────────────────────────────

    def _apply(self, monitors: Sequence[Monitor]) -> None:
        resources = self._randr.GetScreenResourcesCurrent(self._root).reply()
        for info in self._randr.GetMonitors(self._root, 0).reply().monitors:
            if not info.automatic:
                self._randr.DeleteMonitorChecked(self._root, info.name).check()
        # Ids have the order of the monitors' numbers. RandR's own list begins with the primary output.
        outputs, crtcs = sorted(resources.outputs), sorted(resources.crtcs)
        output_per_monitor = max(monitor.id for monitor in monitors) < min(len(outputs), len(crtcs))
        size = bounding_size(monitors)
        places = monitors if output_per_monitor else (Monitor(0, 0, 0, *size),)
        # The screen grows before the outputs are placed and shrinks after that, so that each output moves to
        # its new position in one step. Programs would move their windows away from an output that is off,
        # even if it is off for a moment only.
        shape = self._connection.core.GetGeometry(self._root).reply()
        self._resize(max(shape.width, size[0]), max(shape.height, size[1]))
        modes = {(mode.width, mode.height): mode.id for mode in resources.modes}
        for number, (output, crtc) in enumerate(zip(outputs, crtcs, strict=False)):
            place = next((monitor for monitor in places if monitor.id == number), None)
            self._configure_output(output, crtc, place, modes)
        self._resize(*size)
        if not output_per_monitor:
            for monitor in monitors:
                self._set_monitor(monitor, outputs[:1] if monitor.id == 0 else [])
        primary = next((monitor.id for monitor in monitors if monitor.primary), 0)
        self._randr.SetOutputPrimaryChecked(self._root, outputs[primary if output_per_monitor else 0]).check()
        self._destroy_unused_modes()

    def _resize(self, width: int, height: int) -> None:
        shape = self._connection.core.GetGeometry(self._root).reply()
        if (shape.width, shape.height) != (width, height):
            self._randr.SetScreenSizeChecked(self._root, width, height, _mm(width), _mm(height)).check()

    def _configure_output(
        self, output: int, crtc: int, place: Monitor | None, modes: dict[tuple[int, int], int]
    ) -> None:
        """Moves an output to its monitor's rectangle; turns it off if `place` is None.

        `modes` has the mode of each size; a mode that is created is added to it.
        """
        now = self._randr.GetCrtcInfo(crtc, 0).reply()
        upright = xcffib.randr.Rotation.Rotate_0
        if place is None:
            if now.mode:
                self._check_status(self._randr.SetCrtcConfig(crtc, 0, 0, 0, 0, 0, upright, 0, []))
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
        self._check_status(
            self._randr.SetCrtcConfig(crtc, 0, 0, place.x, place.y, modes[size], upright, 1, [output])
        )

    @staticmethod
    def _check_status(cookie: Any) -> None:
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

    def _destroy_unused_modes(self) -> None:
        """Destroys the modes of this module that no output uses any more.

        A browser window that is resized by hand creates many of them.
        """
        resources = self._randr.GetScreenResourcesCurrent(self._root).reply()
        used = {self._randr.GetCrtcInfo(crtc, 0).reply().mode for crtc in resources.crtcs}
        names, start = bytes(resources.names), 0
        for mode in resources.modes:
            name = names[start : start + mode.name_len].decode("ascii", "replace")
            start += mode.name_len
            if mode.id in used or name != _MODE_NAME.format(mode.width, mode.height):
                continue
            for output in resources.outputs:
                if mode.id in self._randr.GetOutputInfo(output, 0).reply().modes:
                    self._randr.DeleteOutputModeChecked(output, mode.id).check()
            self._randr.DestroyModeChecked(mode.id).check()

    def _set_monitor(self, monitor: Monitor, outputs: Sequence[int]) -> None:
        name = _MONITOR_NAME.format(monitor.id)
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
    def _requests(self) -> Iterator[None]:
        try:
            with self._connection.requests():
                yield
        except xcffib.Error as error:
            raise self._connection.failure(
                f"The X server of {self._connection.display} refused to report or change its monitors."
            ) from error

    @contextlib.contextmanager
    def _grabbed(self) -> Iterator[None]:
        """Grabs the server: no other client can see an unfinished layout, or draw, in the meantime."""
        with self._connection.requests():
            self._connection.core.GrabServer()
            try:
                yield
            finally:
                self._connection.core.UngrabServer()
                self._connection.core.GetInputFocus().reply()


class _RefusedError(Exception):
    """The X server did not take a CRTC configuration; the argument is RandR's status."""


def number_in(name: str) -> int | None:
    """Returns the monitor number that a name of an output or monitor contains; None for other names."""
    match = _NUMBERED_NAME.fullmatch(name)
    return int(match[1] or match[2] or 0) if match else None


def _mm(pixels: int) -> int:
    return max(1, round(pixels * _MM_PER_INCH / _DPI))
