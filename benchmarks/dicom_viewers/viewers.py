"""The viewers of the table: how each is started, and how it says that it does not show a file."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks.dicom_viewers import dwv
from benchmarks.dicom_viewers.expected import Picture
from benchmarks.dicom_viewers.x_screen import XScreen, x_screen

#: How long a viewer may take until its window appears, and until its picture is still, s.
WINDOW_LIMIT_S, PICTURE_LIMIT_S = 120.0, 60.0
#: The colour in which Lightbox's viewer writes that it refuses a file, and the least number of its pixels.
_WARNING = (0xFF, 0xB4, 0x54)
_WARNING_MIN_PX = 60
#: The description of the installed dwv.
DWV_PACKAGE = dwv.NPM / "dwv" / "package.json"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer. `command` makes the command that opens a path. `says_error` judges screen and windows.

    `package` is the Debian package whose version the table shows, or the description of an npm package; None
    is a part of Lightbox.
    """

    name: str
    command: Callable[[Path], list[str]]
    says_error: Callable[[Picture, int], bool]
    package: str | Path | None
    #: A screen that does not change for this time shows the viewer's last picture, s.
    quiet_s: float = 6.0
    #: How much larger than the image the screen is, px: the viewer then shows the image at 1:1.
    margin: tuple[int, int] = (280, 160)
    #: The smallest screen, px.
    smallest: tuple[int, int] = (900, 640)
    #: Height at the bottom of the image in which the viewer writes, px. It is not compared.
    annotated: int = 0

    @property
    def installed(self) -> bool:
        if self.package == DWV_PACKAGE:
            return DWV_PACKAGE.is_file()
        return shutil.which(self.command(Path("x"))[0]) is not None

    @property
    def version(self) -> str:
        if self.package is None:
            return "of this version"
        if isinstance(self.package, Path):
            return str(json.loads(self.package.read_text())["version"])
        answer = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Version}", self.package], capture_output=True, text=True
        )
        return answer.stdout.strip() or "?"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a viewer showed of a file.

    `start_s` is the time until its last change, `memory_mb` the memory that it shares with no other process.
    """

    screen: Picture
    error_said: bool
    start_s: float
    memory_mb: float


def _warns(screen: Picture, _windows: int) -> bool:
    return int((screen == np.array(_WARNING, np.uint8)).all(axis=2).sum()) >= _WARNING_MIN_PX


def _opens_dialog(_screen: Picture, windows: int) -> bool:
    """A second window is a message: the other viewers have one window."""
    return windows > 1


def _shows_nothing(_screen: Picture, windows: int) -> bool:
    """A program that ends, or opens no window, has said that it does not show the file."""
    return windows == 0


def _files(path: Path) -> list[str]:
    return [str(file) for file in sorted(path.iterdir())] if path.is_dir() else [str(path)]


LIGHTBOX = Viewer(
    "lightbox",
    lambda path: [sys.executable, "-m", "display_server.desktop.dicom_viewer", "--own-scale", str(path)],
    _warns,
    None,
)
VIEWERS: dict[str, Viewer] = {
    viewer.name: viewer
    for viewer in (
        LIGHTBOX,
        Viewer(
            "dwv",
            lambda path: [sys.executable, "-m", "benchmarks.dicom_viewers.dwv", str(path)],
            _warns,
            DWV_PACKAGE,
            quiet_s=5.0,
        ),
        Viewer(
            "aeskulap",
            lambda path: ["aeskulap", *_files(path)],
            _opens_dialog,
            "aeskulap",
            # It scales the image to the height of its view, and writes at the edges of the view.
            margin=(500, 138),
            smallest=(600, 160),
            annotated=64,
        ),
        Viewer(
            "xmedcon",
            lambda path: ["xmedcon", "-f", *_files(path)],
            _shows_nothing,
            "xmedcon",
            annotated=20,
        ),
    )
}


def show(viewer: Viewer, opened: Path, size: tuple[int, int]) -> Shown:
    """Opens a file in a viewer. `size` is the width and height of the image, px. Raises OSError."""
    width, height = (max(size[i] + viewer.margin[i], viewer.smallest[i]) for i in (0, 1))
    with x_screen(width, height) as screen, tempfile.TemporaryDirectory(prefix="dicom-viewer-") as home:
        environment = {**screen.environment, "HOME": home, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        process = subprocess.Popen(
            viewer.command(opened),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return _observe(viewer, screen, process)
        finally:
            _end(process)


def _observe(viewer: Viewer, screen: XScreen, process: subprocess.Popen[bytes]) -> Shown:
    began = time.monotonic()

    def ended() -> bool:
        return process.poll() is not None

    while not screen.windows() and not ended() and time.monotonic() - began < WINDOW_LIMIT_S:
        time.sleep(0.05)
    appeared_s = time.monotonic() - began
    for window in screen.windows():
        screen.fill_with(window)
    picture, changed_s = screen.wait_until_still(viewer.quiet_s, PICTURE_LIMIT_S, ended)
    error_said = viewer.says_error(picture, len(screen.windows()))
    return Shown(picture, error_said, appeared_s + changed_s, _memory_mb(process.pid))


def _memory_mb(pid: int) -> float:
    """Returns the memory that only this process and its children use, MB; 0 if it has ended."""
    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for part in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += part.memory_full_info().uss
    return total / 1e6


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
