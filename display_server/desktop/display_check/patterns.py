"""The patterns, computed for a monitor's size. What follows the published ones is in docs/display-check.md.

Pure: the same size gives the same picture, so that a test can tell what must be on the screen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from display_server.desktop.display_check.sheet import GLYPH_HEIGHT, GLYPH_WIDTH, Picture, Sheet

#: 5 % and 95 % of the largest level.
FIVE, NINETY_FIVE = 13, 242
#: TG18-QC: sixteen levels in the middle of equal steps, and how far their corners differ.
TG18_LEVELS = tuple(range(8, 256, 16))
TG18_CORNER = 4
#: TG270-sQC: eighteen levels, 15 apart.
TG270_LEVELS = tuple(range(0, 256, 15))
TG270_BACKGROUND = 128
#: SMPTE RP 133: every tenth from black to white.
SMPTE_LEVELS = tuple(round(255 * tenth / 10) for tenth in range(11))
WORDS = "QUALITY CONTROL"
#: The letters' contrast with what is behind them: one level less each, down to one.
WORD_CONTRAST = tuple(range(len(WORDS.replace(" ", "")), 0, -1))


def tg18_qc(width: int, height: int) -> Picture:
    """After TG18-QC: everything at a glance."""
    sheet = Sheet(width, height, 128)
    side = min(width, height)
    left, top, unit = (width - side) // 2, (height - side) // 2, side // 32
    tenth = max(side // 10, 1)
    for number in range(0, side + 1, tenth):
        sheet.fill(left + number, top, 1, side, 191)
        sheet.fill(left, top + number, side, 1, 191)
    sheet.frame(0, 0, width, height, 1, 255)
    sheet.frame(unit, unit, width - 2 * unit, height - 2 * unit, max(unit // 10, 1), 191)
    # Luminance: a ring of patches around the middle, black and white with their 5 % and 95 % first.
    patch = 3 * unit
    ring = _ring(left + 7 * unit, top + 10 * unit, patch, columns=6, rows=4)
    for (x, y), level in zip(ring, TG18_LEVELS, strict=True):
        _tg18_patch(sheet, x, y, patch, level)
    for x, outer, inner in ((left + 13 * unit, 0, FIVE), (left + 16 * unit, 255, NINETY_FIVE)):
        sheet.fill(x, top + 5 * unit, patch, patch, outer)
        sheet.fill(x + unit, top + 6 * unit, unit, unit, inner)
    # Resolution: in the middle and towards the corners, at full and at low contrast.
    middle = left + 14 * unit, top + 14 * unit
    corners = [(left + a * unit, top + b * unit) for a in (2, 27) for b in (2, 27)]
    for x, y in (middle, *corners):
        _resolution(sheet, x, y, unit)
    for x in (left + 2 * unit, left + 28 * unit):
        sheet.ramp(x, top + 7 * unit, 2 * unit, 18 * unit, upright=True, down=x > left + side // 2)
    for y, level in ((23, 0), (25, 128), (27, 255)):
        _words(sheet, left + 8 * unit, top + y * unit, 16 * unit, 2 * unit, level)
    return sheet.pixels


def tg270_sqc(width: int, height: int) -> Picture:
    """After TG270-sQC: fewer things, for every day."""
    sheet = Sheet(width, height, TG270_BACKGROUND)
    sheet.frame(0, 0, width, height, 3, 255)
    sheet.frame(0, 0, width, height, 1, 0)
    columns, rows = (6, 3) if width >= height else (3, 6)
    patch = min(width // (columns + 3), height // (rows + 4))
    left, top = (width - columns * patch) // 2, patch
    for number, level in enumerate(TG270_LEVELS):
        x, y = left + number % columns * patch, top + number // columns * patch
        sheet.fill(x, y, patch, patch, level)
        _low_contrast_bars(sheet, x, y, patch, level)
    bottom = top + rows * patch
    sheet.ramp(left, bottom + patch // 4, columns * patch, patch // 2, upright=False)
    sheet.ramp(left, bottom + patch // 4 + patch // 2, columns * patch, patch // 2, upright=False, down=True)
    small = patch // 2
    for number, (outer, inner) in enumerate(((0, FIVE), (255, NINETY_FIVE))):
        x, y = left + number * patch, bottom + patch + patch // 2
        sheet.fill(x, y, patch, patch, outer)
        sheet.fill(x + patch // 4, y + patch // 4, small, small, inner)
    for number in range(2):
        x = left + columns * patch - (2 - number) * small
        sheet.pairs(x, bottom + patch + patch // 2, small, 1, (0, 255), upright=bool(number))
    for x in (8, width - 8 - small):
        for y in (8, height - 8 - small):
            sheet.pairs(x, y, small, 1, (0, 255), upright=True)
    return sheet.pixels


def smpte(width: int, height: int) -> Picture:
    """After SMPTE RP 133."""
    sheet = Sheet(width, height, 128)
    cell_x, cell_y = max(width // 14, 1), max(height // 10, 1)
    for x in range(cell_x, width, cell_x):
        sheet.fill(x, 0, 1, height, 191)
    for y in range(cell_y, height, cell_y):
        sheet.fill(0, y, width, 1, 191)
    sheet.frame(0, 0, width, height, 2, 255)
    cell = min(cell_x, cell_y)
    left, top = width // 2 - 2 * cell, height // 2 - 2 * cell
    ring = _ring(left, top, cell, columns=4, rows=4)  # one place more than levels: it stays grey
    for (x, y), level in zip(ring, SMPTE_LEVELS, strict=False):
        sheet.fill(x, y, cell, cell, level)
    for x, outer, inner in ((left + cell, 0, FIVE), (left + 2 * cell, 255, NINETY_FIVE)):
        sheet.fill(x, top + cell, cell, cell, outer)
        sheet.fill(x + cell // 4, top + cell // 4 + cell, cell // 2, cell // 2, inner)
    for x, y in (
        (left + cell, top + 2 * cell),
        (cell // 2, cell // 2),
        (width - cell // 2 - 2 * cell, cell // 2),
        (cell // 2, height - cell // 2 - cell),
        (width - cell // 2 - 2 * cell, height - cell // 2 - cell),
    ):
        _smpte_pairs(sheet, x, y, cell)
    for y, (ground, bar) in ((cell, (0, 255)), (height - 2 * cell, (255, 0))):
        sheet.fill(width // 2 - 3 * cell, y, 6 * cell, cell // 2, ground)
        sheet.fill(width // 2 - cell, y, 2 * cell, cell // 2, bar)
    return sheet.pixels


def pixel_detail(width: int, height: int) -> Picture:
    """Ours: what scaling, chroma subsampling and lossy coding cannot carry. Six fields of 1 px detail."""
    sheet = Sheet(width, height, 0)
    across, down = np.arange(width), np.arange(height)
    odd = (across[None, :] + down[:, None]) % 2 == 1
    thirds, half = (width // 3, 2 * width // 3), height // 2
    fields: dict[tuple[int, int], Callable[[Picture], None]] = {
        (0, 0): lambda area: _grey(area, np.where(odd, 255, 0)),
        (1, 0): lambda area: _grey(area, np.where(odd, 128, 127)),
        (2, 0): lambda area: _colour(area, across[None, :] % 2 == 0, (255, 0, 0), (0, 0, 255)),
        (0, 1): lambda area: _colour(area, down[:, None] % 2 == 0, (0, 255, 0), (255, 0, 255)),
        (1, 1): lambda area: _grey(area, across[None, :] % 256 + 0 * down[:, None]),
        (2, 1): lambda area: _colour(area, odd, (1, 0, 0), (0, 0, 1)),
    }
    for (column, row), draw in fields.items():
        picture = np.zeros((height, width, 3), np.uint8)
        draw(picture)
        x, end_x = (0, *thirds, width)[column : column + 2]
        y, end_y = (0, half, height)[row : row + 2]
        sheet.pixels[y:end_y, x:end_x] = picture[y:end_y, x:end_x]
    sheet.frame(0, 0, width, height, 1, 255)
    return sheet.pixels


def contrast(width: int, height: int, base: int, difference: int, place: int) -> Picture:
    """For the person's own test: a square that differs by so many levels from what is around it.

    `place` is 0…3: top left, top right, bottom left, bottom right.
    """
    sheet = Sheet(width, height, base)
    side = max(min(width, height) // 8, 1)
    # Far from the middle, where the questions stand.
    x = width * (1 + 4 * (place % 2)) // 6 - side // 2
    y = height * (1 + 4 * (place // 2)) // 6 - side // 2
    sheet.fill(x, y, side, side, base + difference)
    return sheet.pixels


PATTERNS: dict[str, Callable[[int, int], Picture]] = {
    "tg18-qc": tg18_qc,
    "tg270-sqc": tg270_sqc,
    "smpte": smpte,
    "pixels": pixel_detail,
}


def _ring(left: int, top: int, side: int, *, columns: int, rows: int) -> list[tuple[int, int]]:
    """Corners of squares around a rectangle, clockwise from the top left."""
    cells = [(column, 0) for column in range(columns)]
    cells += [(columns - 1, row) for row in range(1, rows)]
    cells += [(column, rows - 1) for column in range(columns - 2, -1, -1)]
    cells += [(0, row) for row in range(rows - 2, 0, -1)]
    return [(left + column * side, top + row * side) for column, row in cells]


def _tg18_patch(sheet: Sheet, x: int, y: int, side: int, level: int) -> None:
    sheet.fill(x, y, side, side, level)
    corner = max(side // 10, 1)
    far = side - 2 * corner
    for dx, dy, sign in ((corner, corner, 1), (far, far, 1), (far, corner, -1), (corner, far, -1)):
        sheet.fill(x + dx, y + dy, corner, corner, level + sign * TG18_CORNER)


def _resolution(sheet: Sheet, x: int, y: int, unit: int) -> None:
    """Line pairs of 1 and 2 px, upright and lying, at full and at low contrast, and a mark to read."""
    sheet.fill(x, y, 4 * unit, 4 * unit, 0)
    for number, (thickness, upright) in enumerate(((1, True), (1, False), (2, True), (2, False))):
        sheet.pairs(x + number * unit, y, unit, thickness, (0, 255), upright=upright)
        sheet.pairs(x + number * unit, y + unit, unit, thickness, (118, 137), upright=upright)
    scale = max(unit // 8, 1)
    sheet.text(x + unit // 2, y + 2 * unit + unit // 2, "CX", 255, scale)
    sheet.text(x + 2 * unit + unit // 2, y + 2 * unit + unit // 2, "CX", 64, scale)


def _words(sheet: Sheet, x: int, y: int, width: int, height: int, ground: int) -> None:
    sheet.fill(x, y, width, height, ground)
    scale = max(min(width // (len(WORDS) * (GLYPH_WIDTH + 1)), height // (GLYPH_HEIGHT + 2)), 1)
    x += (width - len(WORDS) * (GLYPH_WIDTH + 1) * scale) // 2
    y += (height - GLYPH_HEIGHT * scale) // 2
    steps = iter(WORD_CONTRAST)
    for letter in WORDS:
        step = next(steps) if letter != " " else 0
        sheet.glyph(x, y, letter, ground - step if ground == 255 else ground + step, scale)
        x += (GLYPH_WIDTH + 1) * scale


def _low_contrast_bars(sheet: Sheet, x: int, y: int, side: int, level: int) -> None:
    """Two fields of bars, 3 levels from the patch: lying and upright."""
    other = level + 3 if level < 128 else level - 3
    field = side // 4
    thickness = max(field // 8, 1)
    sheet.pairs(x + side // 8, y + side * 3 // 8, field, thickness, (level, other), upright=True)
    sheet.pairs(x + side * 5 // 8, y + side * 3 // 8, field, thickness, (level, other), upright=False)


def _smpte_pairs(sheet: Sheet, x: int, y: int, cell: int) -> None:
    """1, 2 and 3 px at full contrast, upright above, lying below."""
    field = max(cell // 2, 1)
    for number, thickness in enumerate((1, 2, 3)):
        sheet.pairs(x + number * field, y, field, thickness, (0, 255), upright=True)
        sheet.pairs(x + number * field, y + field, field, thickness, (0, 255), upright=False)
    sheet.pairs(x + 3 * field, y, field, 2, (126, 130), upright=True)
    sheet.pairs(x + 3 * field, y + field, field, 2, (126, 130), upright=False)


def _grey(area: Picture, levels: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
    area[:] = levels[:, :, None]


def _colour(
    area: Picture,
    some: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    one: tuple[int, int, int],
    other: tuple[int, int, int],
) -> None:
    area[:] = np.where(some[:, :, None], one, other)
