"""Draws the parts of the viewer's window. Pure: state goes in, pixels come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from display_server.desktop.dicom_viewer.frames import LoadedFrame
from display_server.desktop.dicom_viewer.geometry import Rect, Words
from display_server.desktop.dicom_viewer.grey_scale import GreyFrame, Window
from display_server.desktop.dicom_viewer.series import Series
from display_server.desktop.dicom_viewer.viewing import Viewing
from display_server.desktop.input_method.fonts import Fonts

BACKGROUND, PANEL, SELECTED, BORDER = "#000000", "#1b1e21", "#1f6f8b", "#3c4148"
TEXT, SECONDARY_TEXT, WARNING = "#e6e8ea", "#9aa0a6", "#ffb454"
OVERLAY_COLOUR = (255, 214, 0)
#: A grey level multiplied by this is a word.
GREY_WORD = np.uint32(0x010101)
#: Sizes at 100 % text scale, px.
BAR_PX, LIST_PX, ROW_PX, TEXT_PX, SMALL_PX, PADDING_PX = 34, 236, 54, 15, 13, 10
#: A window narrower than this has no list, px at 100 % text scale.
LIST_WINDOW_MIN_PX = 620
#: Where the bottom bar is narrower than this, px at 100 % text scale, the status has a row of its own.
SHARED_ROW_MIN_PX = 820


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts are, px. `scale` is the text scale."""

    scale: float
    list: Rect
    top: Rect
    image: Rect
    bottom: Rect

    def px(self, length: int) -> int:
        return max(round(length * self.scale), 1)


@dataclass(frozen=True, slots=True)
class Button:
    """A button of the bottom bar, and whether it is pressed in. `name` is a key of `texts.py`."""

    name: str
    place: Rect
    active: bool


def layout(width: int, height: int, scale_percent: int) -> Layout:
    scale = scale_percent / 100
    bar = round(BAR_PX * scale)
    side = round(LIST_PX * scale) if width >= LIST_WINDOW_MIN_PX * scale else 0
    area_width = max(width - side, 1)
    bottom = bar if area_width >= SHARED_ROW_MIN_PX * scale else 2 * bar
    area_height = max(height - bar - bottom, 1)
    return Layout(
        scale,
        (0, 0, side, height),
        (side, 0, area_width, bar),
        (side, bar, area_width, area_height),
        (side, bar + area_height, area_width, bottom),
    )


def scale_of(loaded: LoadedFrame, viewing: Viewing, width: int, height: int) -> tuple[int, int]:
    """Returns the size of the image on the screen, px."""
    rows, columns = loaded.shape
    if viewing.own_scale:
        return columns, rows
    factor = min(width / columns, height / (rows * loaded.aspect))
    return max(round(columns * factor), 1), max(round(rows * loaded.aspect * factor), 1)


def is_own_scale(loaded: LoadedFrame, viewing: Viewing, width: int, height: int) -> bool:
    """Returns whether one pixel of the image is one pixel of the screen."""
    return scale_of(loaded, viewing, width, height) == (loaded.shape[1], loaded.shape[0])


def draw_image(loaded: LoadedFrame, viewing: Viewing, width: int, height: int) -> Words:
    """Draws the frame into an area of (height, width) words. At its own scale no pixel is interpolated."""
    pixels = _frame_pixels(loaded, viewing)
    size = scale_of(loaded, viewing, width, height)
    if size != (pixels.shape[1], pixels.shape[0]):
        # Bilinear interpolation; when it reduces, it averages.
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    area = np.zeros((height, width), np.uint32)
    left = _offset(width, size[0], viewing.pan[0])
    top = _offset(height, size[1], viewing.pan[1])
    at_x, at_y = max(left, 0), max(top, 0)
    shown = pixels[max(-top, 0) :, max(-left, 0) :][: height - at_y, : width - at_x]
    target = area[at_y : at_y + shown.shape[0], at_x : at_x + shown.shape[1]]
    if shown.ndim == 2:
        np.multiply(shown, GREY_WORD, out=target, dtype=np.uint32)
    else:
        target[:] = _colour_words(shown)
    return area


def draw_list(viewing: Viewing, at: Layout, fonts: Fonts, texts: dict[str, str]) -> Words:
    """Draws a row for each series, with the patient's name, the description and the number of images."""
    _, _, width, height = at.list
    image, pen = _panel(width, height)
    padding, row = at.px(PADDING_PX), at.px(ROW_PX)
    title_px, small_px = at.px(TEXT_PX), at.px(SMALL_PX)
    fonts.draw(image, (padding, at.px(BAR_PX) - at.px(11)), texts["studies"], title_px, SECONDARY_TEXT)
    for number, series in enumerate(viewing.series):
        top = at.px(BAR_PX) + number * row
        if number == viewing.selected:
            pen.rectangle((0, top, width - 1, top + row - 1), SELECTED)
        name = fonts.shorten(series.patient or series.folder.name, title_px, width - 2 * padding)
        fonts.draw(image, (padding, top + at.px(22)), name, title_px, TEXT)
        line = fonts.shorten(describe(series, texts), small_px, width - 2 * padding)
        colour = TEXT if number == viewing.selected else SECONDARY_TEXT
        fonts.draw(image, (padding, top + at.px(42)), line, small_px, colour)
    pen.line((width - 1, 0, width - 1, height), BORDER)
    return _words(image)


def row_at(viewing: Viewing, at: Layout, y: int) -> int | None:
    """Returns the number of the series at this height of the list, px."""
    number = (y - at.px(BAR_PX)) // at.px(ROW_PX)
    return number if 0 <= number < len(viewing.series) else None


def describe(series: Series, texts: dict[str, str]) -> str:
    count = len(series.slices)
    number = texts["image"] if count == 1 else texts["images"].format(count=count)
    return " · ".join(part for part in (series.modality, series.description, number) if part)


def draw_top(viewing: Viewing, at: Layout, fonts: Fonts, texts: dict[str, str]) -> Words:
    """Draws the name of the patient and of the series, and that this viewer is not for diagnosis."""
    _, _, width, height = at.top
    image, pen = _panel(width, height)
    size, padding = at.px(TEXT_PX), at.px(PADDING_PX)
    baseline = height - at.px(11)
    notice = texts["notice"]
    notice_x = width - padding - fonts.width(notice, at.px(SMALL_PX))
    series = viewing.current
    if series is not None:
        parts = (series.patient, series.patient_id, series.description or series.folder.name)
        text = "   ".join(part for part in parts if part)
        fonts.draw(
            image, (padding, baseline), fonts.shorten(text, size, max(notice_x - 2 * padding, 1)), size, TEXT
        )
    fonts.draw(image, (notice_x, baseline), notice, at.px(SMALL_PX), SECONDARY_TEXT)
    pen.line((0, height - 1, width, height - 1), BORDER)
    return _words(image)


def buttons(viewing: Viewing, at: Layout, fonts: Fonts, texts: dict[str, str]) -> list[Button]:
    """Returns the buttons of the bottom bar, in coordinates of the bar."""
    found, x = [], at.px(PADDING_PX) // 2
    states = {
        "own-scale": viewing.own_scale,
        "fit": not viewing.own_scale,
        "reset": False,
        "overlay": viewing.overlay,
    }
    for name, active in states.items():
        width = fonts.width(texts[name], at.px(SMALL_PX)) + 2 * at.px(PADDING_PX)
        found.append(Button(name, (x, at.px(4), width, at.px(BAR_PX) - 2 * at.px(4)), active))
        x += width + at.px(4)
    return found


def draw_bottom(
    viewing: Viewing, loaded: LoadedFrame | None, at: Layout, fonts: Fonts, texts: dict[str, str]
) -> Words:
    """Draws the buttons, and on their right or below them what is shown and how."""
    _, _, width, height = at.bottom
    image, pen = _panel(width, height)
    pen.line((0, 0, width, 0), BORDER)
    lift, size, padding = at.px(11), at.px(SMALL_PX), at.px(PADDING_PX)
    for button in buttons(viewing, at, fonts, texts):
        x, y, button_width, button_height = button.place
        fill = SELECTED if button.active else BORDER
        pen.rectangle((x, y, x + button_width - 1, y + button_height - 1), fill)
        fonts.draw(image, (x + padding, at.px(BAR_PX) - lift), texts[button.name], size, TEXT)
    room = status_room(viewing, at, fonts, texts)
    text = fonts.shorten(status(viewing, loaded, at, texts), size, max(room, 1))
    fonts.draw(image, (width - padding - fonts.width(text, size), height - lift), text, size, TEXT)
    return _words(image)


def status_room(viewing: Viewing, at: Layout, fonts: Fonts, texts: dict[str, str]) -> int:
    """Returns how wide the status can be, px."""
    _, _, width, height = at.bottom
    padding = at.px(PADDING_PX)
    if height > at.px(BAR_PX):
        return width - 2 * padding
    x, _, button_width, _ = buttons(viewing, at, fonts, texts)[-1].place
    return width - (x + button_width) - 3 * padding


def status(viewing: Viewing, loaded: LoadedFrame | None, at: Layout, texts: dict[str, str]) -> str:
    parts = []
    if viewing.current is not None:
        count = len(viewing.current.slices)
        parts.append(texts["slice"].format(number=viewing.index + 1, count=count))
    if loaded is not None:
        if isinstance(loaded.frame, GreyFrame):
            voi = viewing.window or loaded.frame.voi
            if isinstance(voi, Window):
                parts.append(texts["centre-width"].format(centre=voi.centre, width=voi.width))
            else:
                parts.append(texts["table"])
        area = at.image[2], at.image[3]
        if is_own_scale(loaded, viewing, *area):
            parts.append(f"1:1, {texts['exact-scale']}")
        else:
            percent = round(100 * scale_of(loaded, viewing, *area)[0] / loaded.shape[1])
            parts.append(texts["scaled"].format(percent=percent))
        parts += [texts[notice] for notice in loaded.notices]
    return "   ".join(parts)


def draw_message(lines: list[str], at: Layout, fonts: Fonts) -> Words:
    """Draws sentences in the middle of the image area; the first one is the headline."""
    _, _, width, height = at.image
    image = Image.new("RGB", (max(width, 1), max(height, 1)), BACKGROUND)
    pen = ImageDraw.Draw(image)
    size, step = at.px(TEXT_PX), at.px(28)
    rows = [
        (row, number == 0)
        for number, line in enumerate(lines)
        for row in _wrap(line, fonts, size, width * 4 // 5)
    ]
    y = (height - step * len(rows)) // 2 + size
    for row, headline in rows:
        x = (width - fonts.width(row, size)) // 2
        warning = headline and len(lines) > 1
        if warning:
            pen.rectangle((x - at.px(16), y - size, x - at.px(9), y + at.px(4)), WARNING)
        fonts.draw(image, (x, y), row, size, WARNING if warning else TEXT)
        y += step
    return _words(image)


def _wrap(text: str, fonts: Fonts, size: int, width: int) -> list[str]:
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if rows[-1] and fonts.width(longer, size) > width:
            rows.append(word)
        else:
            rows[-1] = longer
    return rows


def _panel(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (max(width, 1), max(height, 1)), PANEL)
    return image, ImageDraw.Draw(image)


def _words(image: Image.Image) -> Words:
    return _colour_words(np.asarray(image))


def _colour_words(colours: NDArray[np.uint8]) -> Words:
    wide = colours.astype(np.uint32)
    red, green, blue = wide[:, :, 0], wide[:, :, 1], wide[:, :, 2]
    return red * np.uint32(1 << 16) + green * np.uint32(1 << 8) + blue


def _frame_pixels(loaded: LoadedFrame, viewing: Viewing) -> NDArray[np.uint8]:
    """Returns grey levels, (height, width), or colours, (height, width, 3)."""
    if isinstance(loaded.frame, GreyFrame):
        pixels = loaded.frame.levels(viewing.window)
    else:
        pixels = loaded.frame.pixels
    if viewing.overlay and loaded.overlay is not None:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels.copy()
        pixels[loaded.overlay] = OVERLAY_COLOUR
    return pixels


def _offset(area: int, image: int, pan: int) -> int:
    """Returns where the image begins in its area, px: in the middle, or panned as far as it is larger."""
    if image <= area:
        return (area - image) // 2
    return min(max((area - image) // 2 + pan, area - image), 0)
