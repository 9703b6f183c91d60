"""The glyphs on the buttons of title bars, as X bitmaps that grow with the text size. Pure.

Openbox draws bitmaps as they are: at a text size of 200 % its own glyphs of 8 px would be dots.
"""

from __future__ import annotations

#: Text size, in percent, for which a pixel of a glyph is one of the screen. It is below 100, so that glyphs
#: grow more than the text: at 200 %, the text size of tablets, they are three times as large.
GLYPH_PERCENT = 75
#: Each glyph as rows of 8 pixels.
GLYPHS = {
    "close": ("##....##", "###..###", ".######.", "..####..", "..####..", ".######.", "###..###", "##....##"),
    "iconify": (
        "........",
        "........",
        "........",
        "........",
        "........",
        "########",
        "########",
        "........",
    ),
    "max": ("########", "########", "#......#", "#......#", "#......#", "#......#", "#......#", "########"),
    "max_toggled": (
        "..######",
        "..#....#",
        "######.#",
        "######.#",
        "#....#.#",
        "#....###",
        "#....#..",
        "######..",
    ),
}


def bitmap(name: str, text_percent: int) -> str:
    """Returns a glyph as the text of an XBM file, enlarged by a whole factor. Raises KeyError."""
    factor = max(1, round(text_percent / GLYPH_PERCENT))
    rows = [
        "".join(pixel * factor for pixel in row)  # every pixel becomes a square
        for row in GLYPHS[name]
        for _ in range(factor)
    ]
    # The first pixel of a row is the lowest bit of its first byte.
    data = [
        sum(1 << bit for bit, pixel in enumerate(row[start : start + 8]) if pixel == "#")
        for row in rows
        for start in range(0, len(row), 8)
    ]
    side_px = len(rows)
    # Xlib drops what follows the brace on its line, so that the bytes need a line of their own.
    return (
        f"#define {name}_width {side_px}\n#define {name}_height {side_px}\n"
        f"static unsigned char {name}_bits[] = {{\n{', '.join(f'0x{byte:02x}' for byte in data)} }};\n"
    )
