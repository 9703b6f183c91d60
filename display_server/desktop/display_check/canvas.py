"""A canvas for test patterns: draws rectangles, line pairs and letters on whole pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: An image of shape (height, width, 3): red, green, blue.
Pixels = NDArray[np.uint8]

#: The size of a letter at scale 1, px.
GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7
#: The letters of the patterns: rows from the top, `1` for a pixel that is set.
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


class Canvas:
    """Draws into `pixels`. All positions and sizes are px; parts outside of the canvas are cut off.

    A level is the value of all three colours, 0 to 255.
    """

    def __init__(self, width: int, height: int, level: int) -> None:
        self.pixels: Pixels = np.full((height, width, 3), level, np.uint8)

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]

    def fill(self, x: int, y: int, width: int, height: int, level: int) -> None:
        self.pixels[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = level

    def frame(self, x: int, y: int, width: int, height: int, thickness: int, level: int) -> None:
        """Draws a border inside of the rectangle."""
        self.fill(x, y, width, thickness, level)
        self.fill(x, y + height - thickness, width, thickness, level)
        self.fill(x, y, thickness, height, level)
        self.fill(x + width - thickness, y, thickness, height, level)

    def line_pairs(
        self, x: int, y: int, side: int, thickness: int, levels: tuple[int, int], *, vertical: bool
    ) -> None:
        """Fills a square with lines of `thickness` px that are equally far apart."""
        self.fill(x, y, side, side, levels[0])
        for start in range(thickness, side, 2 * thickness):
            length = min(thickness, side - start)
            if vertical:
                self.fill(x + start, y, length, side, levels[1])
            else:
                self.fill(x, y + start, side, length, levels[1])

    def ramp(self, x: int, y: int, width: int, height: int, *, vertical: bool, down: bool = False) -> None:
        """Fills a rectangle with the levels 0 to 255 from its left or top end; with `down` in reverse."""
        length = height if vertical else width
        levels = (np.arange(length) * 256 // length).astype(np.uint8)
        levels = levels[::-1] if down else levels
        part = self.pixels[y : y + height, x : x + width]
        part[:] = levels[:, None, None] if vertical else levels[None, :, None]

    def text(self, x: int, y: int, text: str, level: int, scale: int) -> None:
        for letter in text:
            self.glyph(x, y, letter, level, scale)
            x += (GLYPH_WIDTH + 1) * scale

    def glyph(self, x: int, y: int, letter: str, level: int, scale: int) -> None:
        for row, dots in enumerate(GLYPHS[letter].split()):
            for column, dot in enumerate(dots):
                if dot == "1":
                    self.fill(x + column * scale, y + row * scale, scale, scale, level)
