"""Tests the content: marks, checksums, frames of all kinds, and the X program that draws them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import xcffib
import xcffib.xproto
from PIL import Image

from benchmarks.content.frames import KINDS, LONG, RADIOGRAPH, TEXT_VIDEO, frame, radiograph
from benchmarks.content.long_stack import BASES, cut
from benchmarks.content.mark import MAX_NUMBER, check_of, checksum, draw_mark, mark_bits
from benchmarks.content.program import Program
from benchmarks.content.slices import CR, CT, MR, SLICE_PX, Study, anatomy, as_rgba, dataset, grey_slice
from benchmarks.content.text_over_video import INKS, text_with_border
from benchmarks.peers.processes import read_display


@pytest.mark.parametrize("number", [0, 1, 0x555, MAX_NUMBER])
def test_a_mark_reads_back(number: int) -> None:
    code = int("".join("1" if bit else "0" for bit in mark_bits(number)), 2)
    assert (code >> 4, code & 0xF) == (number, check_of(number))


@pytest.mark.parametrize("number", [-1, MAX_NUMBER + 1])
def test_a_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="a mark holds"):
        mark_bits(number)


def test_an_all_black_or_all_white_row_is_no_mark() -> None:
    assert check_of(0) != 0
    assert check_of(MAX_NUMBER) != 0xF


def test_the_checksum_detects_one_changed_level_and_a_swap() -> None:
    image = np.zeros((16, 16, 4), np.uint8)
    image[3, 4] = 7
    level = image.copy()
    level[9, 9, 1] = 1
    swapped = image.copy()
    swapped[[3, 5]] = swapped[[5, 3]]
    assert len({checksum(pixels) for pixels in (image, level, swapped)}) == 3


@pytest.mark.parametrize("study", [MR, CT, CR])
def test_slices_depend_on_their_number_alone_and_never_repeat(study: Study) -> None:
    first, again, next_one = grey_slice(5, study), grey_slice(5, study), grey_slice(6, study)
    assert first.shape == (SLICE_PX, SLICE_PX)
    assert np.array_equal(first, again)
    # Much of every tile differs, also where the window makes tiles black or white, so none can be reused.
    changed = (first != next_one).reshape(SLICE_PX // 64, 64, SLICE_PX // 64, 64).mean(axis=(1, 3))
    assert changed.min() > 0.2


def test_most_pixels_of_an_mr_slice_change() -> None:
    assert (grey_slice(5) != grey_slice(6)).mean() > 0.5


@pytest.mark.parametrize("study", [MR, CT, CR])
def test_slices_use_most_grey_levels(study: Study) -> None:
    assert len(np.unique(grey_slice(1, study))) > 200


@pytest.mark.parametrize(
    ("file", "shown"), [(CR.file, lambda: anatomy(CR)), (RADIOGRAPH, radiograph)], ids=["leg", "chest"]
)
def test_radiographs_are_not_inverted(file: str, shown: Callable[[], np.ndarray]) -> None:
    """With MONOCHROME1 the lowest values, such as bone, are shown white."""
    source = dataset(file)
    assert source.PhotometricInterpretation == "MONOCHROME1"
    stored, seen = (
        np.asarray(Image.fromarray(pixels.astype(np.float32)).resize((32, 32), Image.Resampling.BOX)).ravel()
        for pixels in (source.pixel_array, shown())
    )
    assert np.corrcoef(stored, seen)[0, 1] < -0.8


def test_slices_have_their_number_at_top_and_bottom() -> None:
    strip = np.zeros((8, 128), np.uint8)
    draw_mark(strip, 0, 0, 77)
    image = grey_slice(77)
    assert np.array_equal(image[:8, :128], strip)
    assert np.array_equal(image[-8:, :128], strip)


def test_rgba_is_opaque_grey() -> None:
    rgba = as_rgba(np.array([[9, 200]], np.uint8))
    assert rgba.tolist() == [[[9, 9, 9, 255], [200, 200, 200, 255]]]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """Runs the program on its own X server."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writer,), stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        monkeypatch.setenv("DISPLAY", read_display(reader))
        started = Program()
        started.open()
        yield started
    finally:
        os.close(reader)
        server.terminate()
        server.wait(10)


def on_screen(program: Program) -> np.ndarray:
    """Returns the screen's pixels in the frame's rectangle as (height, width, 3) BGR."""
    connect: Any = xcffib.connect  # xcffib publishes no types
    connection = connect()
    left, top, width, height = program.frame_rect
    root = connection.get_setup().roots[0].root
    form = xcffib.xproto.ImageFormat.ZPixmap
    reply = connection.core.GetImage(form, root, left, top, width, height, 0xFFFFFFFF).reply()
    bgr = np.frombuffer(bytes(reply.data.buf()), np.uint8).reshape(height, width, 4)[:, :, :3]
    connection.disconnect()
    return bgr


@pytest.mark.parametrize("kind", ["stack", "video"])
def test_the_screen_shows_the_frame_exactly(program: Program, kind: str) -> None:
    sums = program.load(kind, 7, 2)
    program.show(8)
    assert np.array_equal(on_screen(program)[:, :, ::-1], frame(kind, 8)[:, :, :3])
    assert sums[8] == checksum(frame(kind, 8))


@pytest.mark.parametrize("kind", KINDS)
def test_frames_depend_on_their_number_have_its_mark_and_differ(kind: str) -> None:
    first, again, other = frame(kind, 40), frame(kind, 40), frame(kind, 41)
    assert first.shape == (KINDS[kind].height_px, KINDS[kind].width_px, 4)
    assert np.array_equal(first, again)
    assert (first[:, :, :3] != other[:, :, :3]).any()
    strip = np.zeros((8, 128), np.uint8)
    draw_mark(strip, 0, 0, 40)
    for channel in range(3):
        assert np.array_equal(first[:8, :128, channel], strip)
        assert np.array_equal(first[-8:, :128, channel], strip)
    assert (first[:, :, 3] == 255).all()


def test_a_long_stack_never_cuts_twice_at_the_same_position() -> None:
    assert len({cut(number) for number in range(MAX_NUMBER + 1)}) == MAX_NUMBER + 1


def test_passes_of_a_long_stack_have_no_tile_in_common() -> None:
    first, second = (frame(LONG, number)[:, :, 0] for number in (5, 5 + BASES))
    tiles = [
        {image[y : y + 64, x : x + 64].tobytes() for y in range(0, SLICE_PX, 64) for x in range(0, 1024, 64)}
        for image in (first, second)
    ]
    assert not tiles[0] & tiles[1]


def test_a_long_stack_is_shown_exactly_in_any_pass(program: Program) -> None:
    number = 7 * BASES + 3
    sums = program.load(LONG, 0, number + 1)
    program.show(number)
    assert np.array_equal(on_screen(program)[:, :, ::-1], frame(LONG, number)[:, :, :3])
    assert sums == {number: checksum(frame(LONG, number))}


def test_text_over_video_is_still_while_the_scene_moves() -> None:
    one, other = (frame(TEXT_VIDEO, number)[:, :, :3] for number in (30, 90))
    rows = slice(8, SLICE_PX - 8)  # excludes the marks, which differ
    still = (one == other).all(axis=2)[rows]
    written = np.any([(one == ink).all(axis=2) for ink in INKS], axis=0)[rows]
    assert written.sum() > 3_000
    assert still[written].all()
    assert still[~written].mean() < 0.5
    mask = text_with_border()[rows]
    assert mask[written].all()
    assert written.sum() < mask.sum() < 0.1 * mask.size
