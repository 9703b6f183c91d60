"""The list drawn: number, Hanja, meaning; the current row has the accent. Dark and grey, as the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw

from display_server.desktop.input_method.fonts import Fonts
from display_server.desktop.input_method.table import Page

#: As in `profiles/settings/themerc`.
GROUND, EDGE, ACCENT = "#2b2f34", "#3c4148", "#1f6f8b"
TEXT, FAINT, ON_ACCENT = "#e6e8ea", "#9aa0a6", "#ffffff"

#: At 100 % text scale, px.
CANDIDATE_PX, MEANING_PX, LABEL_PX = 20, 14, 13
ROW_PX, PADDING_PX, GAP_PX, FOOT_PX = 30, 10, 10, 28
#: A longer meaning is cut.
MEANING_MOST_PX = 300
#: Of a row's or the foot's height, where letters stand.
BASELINE = 0.72
BORDER_PX = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """An RGB image, and where its rows are."""

    image: Image.Image
    row_px: int
    rows: int

    def row_at(self, y: int) -> int | None:
        """The row under a point, None beside them."""
        row = (y - BORDER_PX) // self.row_px
        return row if 0 <= row < self.rows else None

    def pages_at(self, x: int, y: int) -> int:
        """What a click there turns: the foot's left half to the page before, its right half to the next."""
        below = y >= BORDER_PX + self.row_px * self.rows
        return (1 if x >= self.image.width // 2 else -1) if below else 0


def draw(page: Page, meanings: Mapping[str, str], fonts: Fonts, percent: int, least_px: int = 0) -> Picture:
    """`percent` is the desktop's text scale; `least_px` the least width, so that pages keep theirs."""

    def scaled(length_px: int) -> int:
        return max(1, round(length_px * percent / 100))

    candidate_px, meaning_px, label_px = scaled(CANDIDATE_PX), scaled(MEANING_PX), scaled(LABEL_PX)
    row_px, padding, gap = scaled(ROW_PX), scaled(PADDING_PX), scaled(GAP_PX)
    told = [
        fonts.shortened(
            meanings.get(row.candidate) or (page.auxiliary if row.current else ""),
            meaning_px,
            scaled(MEANING_MOST_PX),
        )
        for row in page.rows
    ]
    foot = f"{page.number} / {page.count}" if page.count > 1 else ""
    labels_px = max(fonts.width(row.label, label_px) for row in page.rows)
    candidates_px = max(fonts.width(row.candidate, candidate_px) for row in page.rows)
    meanings_px = max(fonts.width(text, meaning_px) for text in told)
    candidate_x = BORDER_PX + padding + labels_px + gap
    meaning_x = candidate_x + candidates_px + gap
    width = (meaning_x + meanings_px if meanings_px else meaning_x - gap) + padding + BORDER_PX
    width = max(width, least_px, 3 * fonts.width(foot, label_px))
    height = row_px * len(page.rows) + (scaled(FOOT_PX) if foot else 0) + 2 * BORDER_PX
    image = Image.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(image)
    for index, (row, text) in enumerate(zip(page.rows, told, strict=True)):
        top = BORDER_PX + index * row_px
        baseline = top + round(row_px * BASELINE)
        if row.current:
            pen.rectangle((BORDER_PX, top, width - BORDER_PX - 1, top + row_px - 1), ACCENT)
        strong, faint = (ON_ACCENT, ON_ACCENT) if row.current else (TEXT, FAINT)
        fonts.draw(image, (BORDER_PX + padding, baseline), row.label, label_px, faint)
        fonts.draw(image, (candidate_x, baseline), row.candidate, candidate_px, strong)
        fonts.draw(image, (meaning_x, baseline), text, meaning_px, strong)
    if foot:
        baseline = BORDER_PX + row_px * len(page.rows) + round(scaled(FOOT_PX) * BASELINE)
        free = {text: width - fonts.width(text, label_px) for text in ("‹", foot, "›")}
        for text, at in (("‹", padding), (foot, free[foot] // 2), ("›", free["›"] - padding)):
            fonts.draw(image, (at, baseline), text, label_px, FAINT)
    pen.rectangle((0, 0, width - 1, height - 1), outline=EDGE, width=BORDER_PX)
    return Picture(image, row_px, len(page.rows))
