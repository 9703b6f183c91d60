"""What Hanja mean, from libhangul's dictionary: ibus-hangul tells it of the current candidate alone."""

from __future__ import annotations

import mmap
from pathlib import Path

#: Lines of reading:hanja:meaning, those of a reading one after the other.
DICTIONARY = Path("/usr/share/libhangul/hanja/hanja.txt")


class Meanings:
    """Asked with a candidate and the meaning that ibus-hangul told of it, which tells the reading.

    Without the dictionary, or for words that it holds without a meaning, what ibus-hangul tells is all.
    """

    def __init__(self, dictionary: Path = DICTIONARY) -> None:
        self._dictionary = dictionary
        self._reading: dict[str, str] = {}

    def of(self, candidate: str, told: str) -> dict[str, str]:
        """By Hanja, of the reading that gives `candidate` this meaning."""
        if told and self._reading.get(candidate) != told:
            self._reading = self._look_up(candidate, told) or {candidate: told}
        return self._reading if told else {}

    def _look_up(self, candidate: str, told: str) -> dict[str, str]:
        if not self._dictionary.is_file():
            return {}
        with (
            self._dictionary.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines,
        ):
            found = lines.find(f":{candidate}:{told}\n".encode())
            if found < 0:
                return {}
            reading = lines[lines.rfind(b"\n", 0, found) + 1 : found]
            start = lines.find(b"\n" + reading + b":") + 1
            meanings: dict[str, str] = {}
            lines.seek(start)
            while (line := lines.readline()).startswith(reading + b":"):
                _, hanja, meaning = line.decode().rstrip("\n").split(":", 2)
                meanings.setdefault(hanja, meaning)
            return meanings
