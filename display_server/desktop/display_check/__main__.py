"""`python -m display_server.desktop.display_check`: shows test patterns on all monitors of $DISPLAY.

    1 2 3 4                 TG18-QC, TG270-sQC, SMPTE, pixels
    c BASE,DIFFERENCE,PLACE Enter    the contrast test, for example `c8,2,3`

Whatever is typed otherwise, or does not fit, changes nothing.
"""

from __future__ import annotations

import re
import sys
from functools import partial

from display_server.desktop.display_check.patterns import PATTERNS, contrast
from display_server.desktop.display_check.screen import Screen
from display_server.desktop.display_check.sheet import Picture
from display_server.errors import LightboxError

CHOICES = dict(zip("1234", PATTERNS.values(), strict=True))
TEST = re.compile(r"c(\d{1,3}),(-?\d{1,3}),([0-3])")
#: Longer than any command.
TYPED_MAX = 16


class Check:
    def __init__(self) -> None:
        self._pattern = partial(CHOICES["1"])
        self._typed = ""
        self._screen = Screen(self._draw, self.type)

    def run(self) -> None:
        self._screen.run()

    def type(self, character: str) -> None:
        if character in CHOICES and not self._typed:
            self._pattern = partial(CHOICES[character])
            self._screen.redraw()
        elif character == "\n":
            self._test(self._typed)
            self._typed = ""
        elif character == "c" or self._typed:
            self._typed = "c" if character == "c" else (self._typed + character)[:TYPED_MAX]

    def _test(self, command: str) -> None:
        match = TEST.fullmatch(command)
        if match is None:
            return
        base, difference, place = (int(number) for number in match.groups())
        if 0 <= base <= 255 and 0 <= base + difference <= 255:
            self._pattern = partial(contrast, base=base, difference=difference, place=place)
            self._screen.redraw()

    def _draw(self, width: int, height: int) -> Picture:
        return self._pattern(width, height)


def main() -> int:
    try:
        Check().run()
    except LightboxError as error:
        print(f"display check: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
