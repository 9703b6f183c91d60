"""The line that says what is shown and how, with the fonts of this host: nothing of it is cut off."""

from __future__ import annotations

import numpy as np
import pytest

from display_server.desktop.dicom_viewer.drawing import SMALL_PX, layout, status, status_room
from display_server.desktop.dicom_viewer.frames import LoadedFrame
from display_server.desktop.dicom_viewer.grey_scale import GreyFrame, Window
from display_server.desktop.dicom_viewer.texts import ENGLISH, KOREAN
from display_server.desktop.dicom_viewer.viewing import Viewing
from display_server.desktop.input_method import fonts


@pytest.mark.parametrize("texts", [ENGLISH, KOREAN], ids=["en", "ko"])
@pytest.mark.parametrize("size_px", [(800, 1200), (820, 1100), (1024, 700), (1280, 680)])
def test_the_status_fits_on_upright_tablets_and_small_monitors(
    size_px: tuple[int, int], texts: dict[str, str]
) -> None:
    at = layout(2 * size_px[0], 2 * size_px[1], 200)
    installed, viewing = fonts.installed(), Viewing()
    table = np.arange(256, dtype=np.float64)
    frame = GreyFrame(np.zeros((2000, 3000), np.uint8), 0, table, inverted=False, voi=Window(15000, 30000))
    loaded = LoadedFrame(frame, None, 1.0, ("lossy", "aspect"))
    text = "100 / 100   " + status(viewing, loaded, at, texts)
    assert installed.width(text, at.px(SMALL_PX)) <= status_room(viewing, at, installed, texts)
