"""`python -m display_server.desktop.display_check` shows test patterns on all monitors of $DISPLAY.

The web page of the display check chooses the pattern by keys:

    1 2 3 4                          TG18-QC, TG270-sQC, SMPTE, single pixels
    c BASE,DIFFERENCE,POSITION Enter    the contrast test, for example `c8,2,3`

Other keys and impossible contrast tests change nothing.
"""

from __future__ import annotations

import re
import sys
from functools import partial

from display_server.desktop.display_check.canvas import Pixels
from display_server.desktop.display_check.monitor_windows import MonitorWindows
from display_server.desktop.display_check.patterns import PATTERNS, contrast
from display_server.errors import LightboxError

PATTERN_KEYS = dict(zip("1234", PATTERNS.values(), strict=True))
CONTRAST_COMMAND = re.compile(r"c(\d{1,3}),(-?\d{1,3}),([0-3])")
#: How much of a command is kept, characters. Every valid command is shorter.
COMMAND_MAX_CHARS = 16


class DisplayCheck:
    """Shows the pattern that was chosen last."""

    def __init__(self) -> None:
        """Connects to $DISPLAY. Raises Malfunction."""
        self._pattern = partial(PATTERN_KEYS["1"])
        self._command = ""
        self._windows = MonitorWindows(self._draw, self._on_key)

    def run(self) -> None:
        """Runs until the X server ends."""
        self._windows.run()

    def _on_key(self, character: str) -> None:
        if character in PATTERN_KEYS and not self._command:
            self._pattern = partial(PATTERN_KEYS[character])
            self._windows.redraw()
        elif character == "\n":
            self._show_contrast(self._command)
            self._command = ""
        elif character == "c" or self._command:
            self._command = "c" if character == "c" else (self._command + character)[:COMMAND_MAX_CHARS]

    def _show_contrast(self, command: str) -> None:
        match = CONTRAST_COMMAND.fullmatch(command)
        if match is None:
            return
        base, difference, place = (int(number) for number in match.groups())
        if 0 <= base <= 255 and 0 <= base + difference <= 255:
            self._pattern = partial(contrast, base=base, difference=difference, place=place)
            self._windows.redraw()

    def _draw(self, width: int, height: int) -> Pixels:
        return self._pattern(width, height)


def main() -> int:
    """Returns the exit code."""
    try:
        DisplayCheck().run()
    except LightboxError as error:
        print(f"display check: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
