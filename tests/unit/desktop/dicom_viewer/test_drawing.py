"""The image area: no pixel changes at 1:1, and the aspect of pixels is kept when the image fits."""

from __future__ import annotations

import numpy as np

from display_server.desktop.dicom_viewer.drawing import (
    OVERLAY_COLOUR,
    draw_image,
    is_own_scale,
    layout,
    scale_of,
)
from display_server.desktop.dicom_viewer.frames import LoadedFrame
from display_server.desktop.dicom_viewer.grey_scale import ColourFrame, GreyFrame, Window
from display_server.desktop.dicom_viewer.viewing import Viewing

LEVELS = np.random.default_rng(1).integers(0, 256, (60, 80), np.uint8)


def grey(aspect: float = 1.0, *, covered: bool = False) -> LoadedFrame:
    frame = GreyFrame(LEVELS, 0, np.arange(256, dtype=np.float64), inverted=False, voi=Window(128, 256))
    overlay = np.zeros(LEVELS.shape, bool)
    overlay[3, 5] = True
    return LoadedFrame(frame, overlay if covered else None, aspect, ())


def own_scale() -> Viewing:
    viewing = Viewing()
    viewing.set_own_scale(True)
    return viewing


def words(
    levels: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    return levels.astype(np.uint32) * np.uint32(0x010101)


def test_an_image_at_its_own_scale_is_in_the_middle_and_unchanged() -> None:
    area = draw_image(grey(), own_scale(), 200, 100)
    assert np.array_equal(area[20:80, 60:140], words(LEVELS))
    area[20:80, 60:140] = 0
    assert not area.any()


def test_a_larger_image_is_panned_and_stops_at_its_edges() -> None:
    viewing = own_scale()
    assert np.array_equal(draw_image(grey(), viewing, 40, 30), words(LEVELS[15:45, 20:60]))
    viewing.begin_drag()
    viewing.drag_pan(500, -500)
    assert np.array_equal(draw_image(grey(), viewing, 40, 30), words(LEVELS[30:, :40]))


def test_colours_keep_their_order() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[:] = 1, 2, 3
    area = draw_image(LoadedFrame(ColourFrame(pixels), None, 1, ()), own_scale(), 2, 2)
    assert (area == 0x010203).all()


def test_an_overlay_is_drawn_unless_it_is_hidden() -> None:
    viewing = own_scale()
    red, green, blue = OVERLAY_COLOUR
    assert draw_image(grey(covered=True), viewing, 80, 60)[3, 5] == red << 16 | green << 8 | blue
    viewing.overlay = False
    assert np.array_equal(draw_image(grey(covered=True), viewing, 80, 60), words(LEVELS))


def test_an_image_that_fits_keeps_the_aspect_of_its_pixels() -> None:
    assert scale_of(grey(), Viewing(), 400, 300) == (400, 300)
    assert scale_of(grey(1.5), Viewing(), 1000, 900) == (800, 900)
    assert not is_own_scale(grey(), Viewing(), 400, 300)
    assert is_own_scale(grey(), Viewing(), 80, 60)


def test_a_scaled_image_stays_grey() -> None:
    area = draw_image(grey(), Viewing(), 400, 300)
    assert (area >> 16 == area & 0xFF).all()
    assert area.any()


def test_a_narrow_window_has_no_list() -> None:
    assert layout(500, 400, 100).list[2] == 0
    wide = layout(1000, 600, 150)
    assert wide.list[2] > 0
    assert wide.image[2] + wide.list[2] == 1000
    assert wide.top[3] + wide.image[3] + wide.bottom[3] == 600
