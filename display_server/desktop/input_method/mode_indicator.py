"""Tells the desktop's panel (tint2) which letters the input method types: a line for each change, in a file.

tint2 shows the last line of what a command prints, and `settings/tint2rc` lets `tail` print this file.
"""

from __future__ import annotations

from pathlib import Path

#: The file in the desktop's runtime folder.
FILE_NAME = "lightbox-input-mode"
#: What the panel shows, by whether Hangul is typed.
LABELS = {True: "한", False: "EN"}


class ModeIndicator:
    """Writes the mode. The panel shows nothing until the mode is known."""

    def __init__(self, runtime_folder: Path) -> None:
        """Empties the file. Raises OSError."""
        self._path = runtime_folder / FILE_NAME
        self._shown: bool | None = None
        self._path.write_bytes(b"")

    def show(self, hangul: bool | None) -> None:
        """Shows whether Hangul is typed; None leaves the panel as it is. Raises OSError."""
        if hangul is None or hangul == self._shown:
            return
        self._shown = hangul
        with self._path.open("a", encoding="utf-8") as file:
            file.write(LABELS[hangul] + "\n")
