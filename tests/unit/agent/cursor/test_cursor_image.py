"""The `cursor` message contains a PNG that other decoders can read."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from display_server.agent.cursor.cursor_image import CURSOR_MAX_PX, cursor_message, png
from display_server.agent.cursor.cursor_source import CursorShape


def test_the_png_is_lossless() -> None:
    rgba = np.random.default_rng(1).integers(0, 256, (24, 17, 4), np.uint8)
    image = Image.open(io.BytesIO(png(rgba)))
    assert image.mode == "RGBA"
    assert np.array_equal(np.asarray(image), rgba)


def test_a_hidden_pointer_has_no_image() -> None:
    message = cursor_message(CursorShape(5, 5, 1, 1, None))
    assert message.png is None


def test_a_large_pointer_is_cropped_around_its_hot_spot() -> None:
    rgba = np.random.default_rng(1).integers(0, 256, (300, 200, 4), np.uint8)
    message = cursor_message(CursorShape(200, 300, 190, 100, rgba))
    assert (message.width, message.height) == (CURSOR_MAX_PX, CURSOR_MAX_PX)
    assert message.png is not None
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(message.png))))
    assert np.array_equal(shown[message.hot_y, message.hot_x], rgba[100, 190])
