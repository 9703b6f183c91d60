"""Computes test patterns for a monitor's size. docs/display-check.md compares them with the published ones.

The same size always gives the same pixels, so that a test knows what must be on the screen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from display_server.desktop.display_check.canvas import GLYPH_HEIGHT, GLYPH_WIDTH, Canvas, Pixels

#: The levels of 5 % and 95 % luminance patches.
LEVEL_5_PERCENT, LEVEL_95_PERCENT = 13, 242
#: The levels of TG18-QC: the middles of sixteen equal steps.
TG18_LEVELS = tuple(range(8, 256, 16))
#: How far the corners of a TG18-QC patch differ from it, levels.
TG18_CORNER = 4
#: The levels of TG270-sQC: eighteen, 15 apart.
TG270_LEVELS = tuple(range(0, 256, 15))
#: The level of the background of TG270-sQC.
TG270_BACKGROUND = 128
#: The levels of SMPTE RP 133: every tenth from black to white.
SMPTE_LEVELS = tuple(round(255 * tenth / 10) for tenth in range(11))
#: The text of TG18-QC whose letters fade.
FADING_TEXT = "QUALITY CONTROL"
#: How far each letter differs from its background, levels: one less than the letter before, down to one.
FADING_STEPS = tuple(range(len(FADING_TEXT.replace(" ", "")), 0, -1))


def tg18_qc(width: int, height: int) -> Pixels:
    """Draws a pattern after TG18-QC (AAPM On-line Report 03), which covers most properties of a display."""
    canvas = Canvas(width, height, 128)
    side = min(width, height)
    left, top, unit = (width - side) // 2, (height - side) // 2, side // 32
    tenth = max(side // 10, 1)
    for number in range(0, side + 1, tenth):
        canvas.fill(left + number, top, 1, side, 191)
        canvas.fill(left, top + number, side, 1, 191)
    canvas.frame(0, 0, width, height, 1, 255)
    canvas.frame(unit, unit, width - 2 * unit, height - 2 * unit, max(unit // 10, 1), 191)
    # Luminance: a ring of patches around the middle; then black with 5 % and white with 95 % inside.
    patch = 3 * unit
    ring = _ring(left + 7 * unit, top + 10 * unit, patch, columns=6, rows=4)
    for (x, y), level in zip(ring, TG18_LEVELS, strict=True):
        _tg18_patch(canvas, x, y, patch, level)
    for x, outer, inner in (
        (left + 13 * unit, 0, LEVEL_5_PERCENT),
        (left + 16 * unit, 255, LEVEL_95_PERCENT),
    ):
        canvas.fill(x, top + 5 * unit, patch, patch, outer)
        canvas.fill(x + unit, top + 6 * unit, unit, unit, inner)
    # Resolution: in the middle and towards the corners, at full and at low contrast.
    middle = left + 14 * unit, top + 14 * unit
    corners = [(left + a * unit, top + b * unit) for a in (2, 27) for b in (2, 27)]
    for x, y in (middle, *corners):
        _resolution(canvas, x, y, unit)
    for x in (left + 2 * unit, left + 28 * unit):
        canvas.ramp(x, top + 7 * unit, 2 * unit, 18 * unit, vertical=True, down=x > left + side // 2)
    for y, level in ((23, 0), (25, 128), (27, 255)):
        _fading_text(canvas, left + 8 * unit, top + y * unit, 16 * unit, 2 * unit, level)
    return canvas.pixels


def tg270_sqc(width: int, height: int) -> Pixels:
    """Draws a pattern after TG270-sQC (AAPM Report 270), which is meant for a quick daily check."""
    canvas = Canvas(width, height, TG270_BACKGROUND)
    canvas.frame(0, 0, width, height, 3, 255)
    canvas.frame(0, 0, width, height, 1, 0)
    columns, rows = (6, 3) if width >= height else (3, 6)
    patch = min(width // (columns + 3), height // (rows + 4))
    left, top = (width - columns * patch) // 2, patch
    for number, level in enumerate(TG270_LEVELS):
        x, y = left + number % columns * patch, top + number // columns * patch
        canvas.fill(x, y, patch, patch, level)
        _low_contrast_bars(canvas, x, y, patch, level)
    bottom = top + rows * patch
    canvas.ramp(left, bottom + patch // 4, columns * patch, patch // 2, vertical=False)
    canvas.ramp(
        left, bottom + patch // 4 + patch // 2, columns * patch, patch // 2, vertical=False, down=True
    )
    small = patch // 2
    for number, (outer, inner) in enumerate(((0, LEVEL_5_PERCENT), (255, LEVEL_95_PERCENT))):
        x, y = left + number * patch, bottom + patch + patch // 2
        canvas.fill(x, y, patch, patch, outer)
        canvas.fill(x + patch // 4, y + patch // 4, small, small, inner)
    for number in range(2):
        x = left + columns * patch - (2 - number) * small
        canvas.line_pairs(x, bottom + patch + patch // 2, small, 1, (0, 255), vertical=bool(number))
    for x in (8, width - 8 - small):
        for y in (8, height - 8 - small):
            canvas.line_pairs(x, y, small, 1, (0, 255), vertical=True)
    return canvas.pixels


def smpte(width: int, height: int) -> Pixels:
    """Draws a pattern after SMPTE RP 133."""
    canvas = Canvas(width, height, 128)
    cell_x, cell_y = max(width // 14, 1), max(height // 10, 1)
    for x in range(cell_x, width, cell_x):
        canvas.fill(x, 0, 1, height, 191)
    for y in range(cell_y, height, cell_y):
        canvas.fill(0, y, width, 1, 191)
    canvas.frame(0, 0, width, height, 2, 255)
    cell = min(cell_x, cell_y)
    left, top = width // 2 - 2 * cell, height // 2 - 2 * cell
    ring = _ring(left, top, cell, columns=4, rows=4)  # one position more than levels; it keeps the background
    for (x, y), level in zip(ring, SMPTE_LEVELS, strict=False):
        canvas.fill(x, y, cell, cell, level)
    for x, outer, inner in ((left + cell, 0, LEVEL_5_PERCENT), (left + 2 * cell, 255, LEVEL_95_PERCENT)):
        canvas.fill(x, top + cell, cell, cell, outer)
        canvas.fill(x + cell // 4, top + cell // 4 + cell, cell // 2, cell // 2, inner)
    for x, y in (
        (left + cell, top + 2 * cell),
        (cell // 2, cell // 2),
        (width - cell // 2 - 2 * cell, cell // 2),
        (cell // 2, height - cell // 2 - cell),
        (width - cell // 2 - 2 * cell, height - cell // 2 - cell),
    ):
        _smpte_line_pairs(canvas, x, y, cell)
    for y, (ground, bar) in ((cell, (0, 255)), (height - 2 * cell, (255, 0))):
        canvas.fill(width // 2 - 3 * cell, y, 6 * cell, cell // 2, ground)
        canvas.fill(width // 2 - cell, y, 2 * cell, cell // 2, bar)
    return canvas.pixels


def pixel_detail(width: int, height: int) -> Pixels:
    """Draws six fields of 1 px detail, which scaling, chroma subsampling and lossy coding would change.

    This pattern is Lightbox's own.
    """
    canvas = Canvas(width, height, 0)
    across, down = np.arange(width), np.arange(height)
    odd = (across[None, :] + down[:, None]) % 2 == 1
    thirds, half = (width // 3, 2 * width // 3), height // 2
    fields: dict[tuple[int, int], Callable[[Pixels], None]] = {
        (0, 0): lambda area: _grey(area, np.where(odd, 255, 0)),
        (1, 0): lambda area: _grey(area, np.where(odd, 128, 127)),
        (2, 0): lambda area: _colour(area, across[None, :] % 2 == 0, (255, 0, 0), (0, 0, 255)),
        (0, 1): lambda area: _colour(area, down[:, None] % 2 == 0, (0, 255, 0), (255, 0, 255)),
        (1, 1): lambda area: _grey(area, across[None, :] % 256 + 0 * down[:, None]),
        (2, 1): lambda area: _colour(area, odd, (1, 0, 0), (0, 0, 1)),
    }
    for (column, row), draw in fields.items():
        pixels = np.zeros((height, width, 3), np.uint8)
        draw(pixels)
        x, end_x = (0, *thirds, width)[column : column + 2]
        y, end_y = (0, half, height)[row : row + 2]
        canvas.pixels[y:end_y, x:end_x] = pixels[y:end_y, x:end_x]
    canvas.frame(0, 0, width, height, 1, 255)
    return canvas.pixels


def contrast(width: int, height: int, base: int, difference: int, place: int) -> Pixels:
    """Draws the contrast test: a square of the level `base + difference` on the level `base`.

    `place` is the square's position: 0 top left, 1 top right, 2 bottom left, 3 bottom right.
    """
    canvas = Canvas(width, height, base)
    side = max(min(width, height) // 8, 1)
    # The squares keep away from the middle, where the page shows its question.
    x = width * (1 + 4 * (place % 2)) // 6 - side // 2
    y = height * (1 + 4 * (place // 2)) // 6 - side // 2
    canvas.fill(x, y, side, side, base + difference)
    return canvas.pixels


PATTERNS: dict[str, Callable[[int, int], Pixels]] = {
    "tg18-qc": tg18_qc,
    "tg270-sqc": tg270_sqc,
    "smpte": smpte,
    "pixels": pixel_detail,
}


def _ring(left: int, top: int, side: int, *, columns: int, rows: int) -> list[tuple[int, int]]:
    """Returns the corners of squares that form a ring, clockwise from the top left."""
    cells = [(column, 0) for column in range(columns)]
    cells += [(columns - 1, row) for row in range(1, rows)]
    cells += [(column, rows - 1) for column in range(columns - 2, -1, -1)]
    cells += [(0, row) for row in range(rows - 2, 0, -1)]
    return [(left + column * side, top + row * side) for column, row in cells]


def _tg18_patch(canvas: Canvas, x: int, y: int, side: int, level: int) -> None:
    canvas.fill(x, y, side, side, level)
    corner = max(side // 10, 1)
    far = side - 2 * corner
    for dx, dy, sign in ((corner, corner, 1), (far, far, 1), (far, corner, -1), (corner, far, -1)):
        canvas.fill(x + dx, y + dy, corner, corner, level + sign * TG18_CORNER)


def _resolution(canvas: Canvas, x: int, y: int, unit: int) -> None:
    """Draws line pairs of 1 and 2 px, vertical and horizontal, at full and at low contrast, and letters."""
    canvas.fill(x, y, 4 * unit, 4 * unit, 0)
    for number, (thickness, vertical) in enumerate(((1, True), (1, False), (2, True), (2, False))):
        canvas.line_pairs(x + number * unit, y, unit, thickness, (0, 255), vertical=vertical)
        canvas.line_pairs(x + number * unit, y + unit, unit, thickness, (118, 137), vertical=vertical)
    scale = max(unit // 8, 1)
    canvas.text(x + unit // 2, y + 2 * unit + unit // 2, "CX", 255, scale)
    canvas.text(x + 2 * unit + unit // 2, y + 2 * unit + unit // 2, "CX", 64, scale)


def _fading_text(canvas: Canvas, x: int, y: int, width: int, height: int, ground: int) -> None:
    canvas.fill(x, y, width, height, ground)
    scale = max(min(width // (len(FADING_TEXT) * (GLYPH_WIDTH + 1)), height // (GLYPH_HEIGHT + 2)), 1)
    x += (width - len(FADING_TEXT) * (GLYPH_WIDTH + 1) * scale) // 2
    y += (height - GLYPH_HEIGHT * scale) // 2
    steps = iter(FADING_STEPS)
    for letter in FADING_TEXT:
        step = next(steps) if letter != " " else 0
        canvas.glyph(x, y, letter, ground - step if ground == 255 else ground + step, scale)
        x += (GLYPH_WIDTH + 1) * scale


def _low_contrast_bars(canvas: Canvas, x: int, y: int, side: int, level: int) -> None:
    """Draws two fields of bars that differ by 3 levels from the patch: vertical and horizontal ones."""
    other = level + 3 if level < 128 else level - 3
    field = side // 4
    thickness = max(field // 8, 1)
    canvas.line_pairs(x + side // 8, y + side * 3 // 8, field, thickness, (level, other), vertical=True)
    canvas.line_pairs(x + side * 5 // 8, y + side * 3 // 8, field, thickness, (level, other), vertical=False)


def _smpte_line_pairs(canvas: Canvas, x: int, y: int, cell: int) -> None:
    """Draws line pairs of 1, 2 and 3 px at full contrast and of 2 px at low contrast.

    Vertical lines are in the upper row, horizontal ones in the lower row.
    """
    field = max(cell // 2, 1)
    for number, thickness in enumerate((1, 2, 3)):
        canvas.line_pairs(x + number * field, y, field, thickness, (0, 255), vertical=True)
        canvas.line_pairs(x + number * field, y + field, field, thickness, (0, 255), vertical=False)
    canvas.line_pairs(x + 3 * field, y, field, 2, (126, 130), vertical=True)
    canvas.line_pairs(x + 3 * field, y + field, field, 2, (126, 130), vertical=False)


def _grey(area: Pixels, levels: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
    area[:] = levels[:, :, None]


def _colour(
    area: Pixels,
    some: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    one: tuple[int, int, int],
    other: tuple[int, int, int],
) -> None:
    area[:] = np.where(some[:, :, None], one, other)
