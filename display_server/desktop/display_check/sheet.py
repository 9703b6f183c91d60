"""A picture to draw patterns into: rectangles, line pairs and letters, all on whole pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7
#: Letters that the patterns need, rows from the top, five columns each.
GLYPHS: dict[str, str] = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "C": "01111 10000 10000 10000 10000 10000 01111",
    "I": "11111 00100 00100 00100 00100 00100 11111",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "N": "10001 11001 10101 10101 10011 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "Q": "01110 10001 10001 10001 10101 10010 01101",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "U": "10001 10001 10001 10001 10001 10001 01110",
    "X": "10001 10001 01010 00100 01010 10001 10001",
    "Y": "10001 10001 01010 00100 00100 00100 00100",
    " ": "00000 00000 00000 00000 00000 00000 00000",
}


class Sheet:
    """`pixels` is (height, width, 3), red, green, blue. Positions are px; what lies outside is cut off."""

    def __init__(self, width: int, height: int, level: int) -> None:
        self.pixels: Picture = np.full((height, width, 3), level, np.uint8)

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]

    def fill(self, x: int, y: int, width: int, height: int, level: int) -> None:
        self.pixels[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = level

    def frame(self, x: int, y: int, width: int, height: int, thickness: int, level: int) -> None:
        """A border inside of the rectangle."""
        self.fill(x, y, width, thickness, level)
        self.fill(x, y + height - thickness, width, thickness, level)
        self.fill(x, y, thickness, height, level)
        self.fill(x + width - thickness, y, thickness, height, level)

    def pairs(
        self, x: int, y: int, side: int, thickness: int, levels: tuple[int, int], *, upright: bool
    ) -> None:
        """Line pairs in a square: lines of `thickness` px, as far apart. 1 px is the display's limit."""
        self.fill(x, y, side, side, levels[0])
        for start in range(thickness, side, 2 * thickness):
            length = min(thickness, side - start)
            if upright:
                self.fill(x + start, y, length, side, levels[1])
            else:
                self.fill(x, y + start, side, length, levels[1])

    def ramp(self, x: int, y: int, width: int, height: int, *, upright: bool, down: bool = False) -> None:
        """Every level from 0 to 255 along the longer way, `down` the other way round."""
        length = height if upright else width
        levels = (np.arange(length) * 256 // length).astype(np.uint8)
        levels = levels[::-1] if down else levels
        part = self.pixels[y : y + height, x : x + width]
        part[:] = levels[:, None, None] if upright else levels[None, :, None]

    def text(self, x: int, y: int, text: str, level: int, scale: int) -> None:
        for letter in text:
            self.glyph(x, y, letter, level, scale)
            x += (GLYPH_WIDTH + 1) * scale

    def glyph(self, x: int, y: int, letter: str, level: int, scale: int) -> None:
        for row, dots in enumerate(GLYPHS[letter].split()):
            for column, dot in enumerate(dots):
                if dot == "1":
                    self.fill(x + column * scale, y + row * scale, scale, scale, level)
