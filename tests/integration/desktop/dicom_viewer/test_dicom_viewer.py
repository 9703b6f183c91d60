"""The DICOM viewer on a real X server: exact pixels, refusals, one window for all files, and the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.dicom_viewers import generated
from benchmarks.dicom_viewers.viewers import LIGHTBOX
from display_server.desktop.dicom_viewer import phantoms
from display_server.desktop.dicom_viewer.decoding import decode, read
from display_server.desktop.dicom_viewer.drawing import layout
from display_server.desktop.dicom_viewer.grey_scale import GreyFrame
from display_server.desktop.dicom_viewer.viewer_window import SELECTION
from display_server.desktop.x11.text_scale import TextScale
from tests.fakes.x_server import Painter, XServer, x_server

#: Without a window manager the viewer takes 80 % of the screen, at its upper left corner.
SCREEN, WINDOW = (1600, 1400), (1280, 1120)
#: How long a state may take on a busy host, s.
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with x_server(*SCREEN) as running:
        yield running


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Studies")
    phantoms.write_missing(folder)
    generated.write(folder / "generated")
    return folder


@pytest.fixture
def screen(server: XServer) -> Iterator[Painter]:
    painter = Painter(server)
    yield painter
    painter.close()


@pytest.fixture
def start(server: XServer, screen: Painter) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts viewers, and ends them after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "display_server.desktop.dicom_viewer", *map(str, arguments)]
        environment = {**os.environ, **server.environment, "LC_ALL": "C.UTF-8"}
        started.append(subprocess.Popen(command, env=environment))
        return started[-1]

    yield run
    for program in started:
        program.kill()
        program.wait()
    wait_for(lambda: not owner(screen), "the viewer's window to disappear")


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited in vain for {what}"
        time.sleep(0.05)


def owner(screen: Painter) -> int:
    """Returns the window of the running viewer; 0 if there is none."""
    atom = screen.x.core.InternAtom(False, len(SELECTION), SELECTION).reply().atom
    return int(screen.x.core.GetSelectionOwner(atom).reply().owner)


def levels(path: Path) -> NDArray[np.uint8]:
    frame = decode(read(path))
    assert isinstance(frame, GreyFrame)
    return frame.levels()


def shows(screen: Painter, picture: NDArray[np.uint8], text_percent: int = 100) -> bool:
    """Returns whether the image area shows these levels at 1:1, in its middle."""
    left, top, width, height = layout(*WINDOW, text_percent).image
    x, y = left + (width - picture.shape[1]) // 2, top + (height - picture.shape[0]) // 2
    shown = screen.pixels()[y : y + picture.shape[0], x : x + picture.shape[1]]
    return bool((shown == picture[:, :, None]).all())


def test_a_pattern_is_shown_pixel_by_pixel(
    screen: Painter, studies: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    file = studies / "Test object checkerboard" / "001.dcm"
    start("--own-scale", file)
    wait_for(lambda: shows(screen, levels(file)), "the checkerboard")


def test_another_file_opens_in_the_running_viewer(
    screen: Painter, studies: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("--own-scale", studies)
    wait_for(lambda: owner(screen) != 0, "a viewer")
    window = owner(screen)
    file = studies / "generated" / "korean-name" / "korean-name.dcm"
    second = start(file)
    assert second.wait(PATIENCE_S) == 0
    wait_for(lambda: shows(screen, levels(file)), "the second file")
    assert owner(screen) == window


def test_the_wheel_scrolls_the_stack(
    server: XServer, screen: Painter, studies: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    stack = studies / "Phantom CT, 64 slices"
    start("--own-scale", stack)
    wait_for(lambda: shows(screen, levels(stack / "033.dcm")), "the middle of the stack")
    screen.move_pointer(700, 500)
    wheel = ["xdotool", "click", "--repeat", "5", "5"]
    assert subprocess.run(wheel, env={**os.environ, **server.environment}).returncode == 0
    wait_for(lambda: shows(screen, levels(stack / "038.dcm")), "five slices further")


@pytest.mark.parametrize("name", ["generated/contradiction/contradiction.dcm", "letter.dcm"])
def test_a_refused_file_is_not_shown_and_says_why(
    screen: Painter, studies: Path, start: Callable[..., subprocess.Popen[bytes]], name: str
) -> None:
    (studies / "letter.dcm").write_text("Dear colleague")
    start("--own-scale", studies / name)
    wait_for(lambda: LIGHTBOX.says_error(screen.pixels()[:, :, ::-1], 1), "a message")


def test_the_viewer_follows_the_text_size(
    server: XServer, screen: Painter, studies: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    file = studies / "Test object checkerboard" / "001.dcm"
    start("--own-scale", file)
    wait_for(lambda: shows(screen, levels(file)), "the checkerboard")
    sizes = TextScale(server.display, None)
    try:
        for percent in (150, 100):
            sizes.set(percent)
            wait_for(lambda: shows(screen, levels(file), percent), f"a text size of {percent} %")  # noqa: B023
    finally:
        sizes.close()


def test_a_study_that_appears_later_is_listed(
    screen: Painter, tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("--own-scale", tmp_path)
    wait_for(lambda: owner(screen) != 0, "a viewer")
    folder = tmp_path / "new"
    folder.mkdir()
    dataset = phantoms.image_dataset("new", generated.relief(), bits_stored=12)
    dataset.save_as(folder / "new.dcm", enforce_file_format=True)
    wait_for(lambda: shows(screen, levels(folder / "new.dcm")), "the new study")
