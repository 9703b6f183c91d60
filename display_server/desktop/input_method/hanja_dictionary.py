"""Looks up the meanings of Hanja in the dictionary of libhangul.

ibus-hangul sends the meaning of the current candidate only; the candidate window shows those of all of them.
"""

from __future__ import annotations

import mmap
from pathlib import Path

#: A text file with lines of the form `reading:hanja:meaning`. All lines of a reading are adjacent.
DICTIONARY = Path("/usr/share/libhangul/hanja/hanja.txt")


class HanjaDictionary:
    """Meanings of all Hanja of the current reading.

    Without the file, or for words that it contains without a meaning, the only known meaning is the one that
    ibus-hangul sends.
    """

    def __init__(self, path: Path = DICTIONARY) -> None:
        self._path = path
        self._meanings: dict[str, str] = {}

    def meanings(self, candidate: str, meaning: str) -> dict[str, str]:
        """Returns the meanings, by Hanja, of the reading in which `candidate` has this meaning.

        ibus-hangul does not send the reading, but candidate and meaning together identify it.
        """
        if meaning and self._meanings.get(candidate) != meaning:
            self._meanings = self._look_up(candidate, meaning) or {candidate: meaning}
        return self._meanings if meaning else {}

    def _look_up(self, candidate: str, meaning: str) -> dict[str, str]:
        if not self._path.is_file():
            return {}
        with (
            self._path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines,
        ):
            found = lines.find(f":{candidate}:{meaning}\n".encode())
            if found < 0:
                return {}
            reading = lines[lines.rfind(b"\n", 0, found) + 1 : found]
            lines.seek(lines.find(b"\n" + reading + b":") + 1)
            meanings: dict[str, str] = {}
            while (line := lines.readline()).startswith(reading + b":"):
                _, hanja, text = line.decode().rstrip("\n").split(":", 2)
                meanings.setdefault(hanja, text)
            return meanings
