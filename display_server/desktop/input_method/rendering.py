"""Draws the candidate window: each row has label, candidate and meaning, in the colours of the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw

from display_server.desktop.input_method.fonts import Fonts
from display_server.desktop.input_method.lookup_table import Page

#: Colours of the window: those of `profiles/settings/themerc`.
BACKGROUND, BORDER, ACCENT = "#2b2f34", "#3c4148", "#1f6f8b"
TEXT, SECONDARY_TEXT, TEXT_ON_ACCENT = "#e6e8ea", "#9aa0a6", "#ffffff"

#: Font sizes at 100 % text scale, px.
CANDIDATE_PX, MEANING_PX, LABEL_PX = 20, 14, 13
#: The height of a row and of the footer, the padding and the gap between columns at 100 % text scale, px.
ROW_PX, FOOTER_PX, PADDING_PX, GAP_PX = 30, 28, 10, 10
#: The width at which a meaning is cut, at 100 % text scale, px.
MEANING_MAX_PX = 300
#: The position of the baseline, as a fraction of the height of a row or of the footer.
BASELINE = 0.72
#: The width of the window's border at any text scale, px.
BORDER_PX = 1


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """An RGB image of the window, and the position of its rows."""

    image: Image.Image
    row_px: int
    rows: int

    def row_at(self, y: int) -> int | None:
        """Returns the row at this height, px; None if there is none."""
        row = (y - BORDER_PX) // self.row_px
        return row if 0 <= row < self.rows else None

    def pages_at(self, x: int, y: int) -> int:
        """Returns by how many pages a click at this point turns.

        The left half of the footer is the previous page (-1), its right half the next page (1); 0 elsewhere.
        """
        below = y >= BORDER_PX + self.row_px * self.rows
        return (1 if x >= self.image.width // 2 else -1) if below else 0


def render_page(
    page: Page, meanings: Mapping[str, str], fonts: Fonts, scale_percent: int, width_min_px: int = 0
) -> RenderedPage:
    """Draws a page.

    `meanings` has the meaning of each candidate that has one. `scale_percent` is the desktop's text scale.
    `width_min_px` keeps the window from shrinking when the page is turned.
    """

    def scaled(length_px: int) -> int:
        return max(1, round(length_px * scale_percent / 100))

    candidate_px, meaning_px, label_px = scaled(CANDIDATE_PX), scaled(MEANING_PX), scaled(LABEL_PX)
    row_px, padding, gap = scaled(ROW_PX), scaled(PADDING_PX), scaled(GAP_PX)
    texts = [
        fonts.shorten(
            meanings.get(row.candidate) or (page.auxiliary if row.current else ""),
            meaning_px,
            scaled(MEANING_MAX_PX),
        )
        for row in page.rows
    ]
    footer = f"{page.number} / {page.count}" if page.count > 1 else ""
    labels_px = max(fonts.width(row.label, label_px) for row in page.rows)
    candidates_px = max(fonts.width(row.candidate, candidate_px) for row in page.rows)
    meanings_px = max(fonts.width(text, meaning_px) for text in texts)
    candidate_x = BORDER_PX + padding + labels_px + gap
    meaning_x = candidate_x + candidates_px + gap
    width = (meaning_x + meanings_px if meanings_px else meaning_x - gap) + padding + BORDER_PX
    width = max(width, width_min_px, 3 * fonts.width(footer, label_px))
    height = row_px * len(page.rows) + (scaled(FOOTER_PX) if footer else 0) + 2 * BORDER_PX
    image = Image.new("RGB", (width, height), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for index, (row, text) in enumerate(zip(page.rows, texts, strict=True)):
        top = BORDER_PX + index * row_px
        baseline = top + round(row_px * BASELINE)
        if row.current:
            pen.rectangle((BORDER_PX, top, width - BORDER_PX - 1, top + row_px - 1), ACCENT)
        colour, label_colour = (TEXT_ON_ACCENT, TEXT_ON_ACCENT) if row.current else (TEXT, SECONDARY_TEXT)
        fonts.draw(image, (BORDER_PX + padding, baseline), row.label, label_px, label_colour)
        fonts.draw(image, (candidate_x, baseline), row.candidate, candidate_px, colour)
        fonts.draw(image, (meaning_x, baseline), text, meaning_px, colour)
    if footer:
        baseline = BORDER_PX + row_px * len(page.rows) + round(scaled(FOOTER_PX) * BASELINE)
        rest_px = {text: width - fonts.width(text, label_px) for text in ("‹", footer, "›")}
        for text, at in (("‹", padding), (footer, rest_px[footer] // 2), ("›", rest_px["›"] - padding)):
            fonts.draw(image, (at, baseline), text, label_px, SECONDARY_TEXT)
    pen.rectangle((0, 0, width - 1, height - 1), outline=BORDER, width=BORDER_PX)
    return RenderedPage(image, row_px, len(page.rows))
