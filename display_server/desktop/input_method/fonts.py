"""Fonts for any text: of those that fontconfig names, each character takes the first that has it."""

from __future__ import annotations

import bisect
import functools
import subprocess
from array import array
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from display_server.errors import ConfigurationError

_PATTERN = "sans-serif:lang=ko:scalable=true:color=false"
_FORMAT = "%{file}\t%{index}\t%{charset}\n"
_QUESTION_S = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A font's file, and the ranges of characters that it has, in order."""

    file: str
    index: int
    firsts: array[int]
    lasts: array[int]

    def has(self, character: str) -> bool:
        at = bisect.bisect_right(self.firsts, ord(character)) - 1
        return at >= 0 and ord(character) <= self.lasts[at]


class Fonts:
    def __init__(self, faces: tuple[Face, ...]) -> None:
        self._faces = faces
        self._face = functools.lru_cache(maxsize=4096)(self._find)
        self._font = functools.lru_cache(maxsize=32)(self._load)

    def width(self, text: str, size_px: int) -> int:
        return round(sum(self._font(face, size_px).getlength(run) for face, run in self._runs(text)))

    def draw(self, image: Image.Image, at: tuple[int, int], text: str, size_px: int, colour: str) -> None:
        """`at` is the left end of the baseline."""
        pen, x = ImageDraw.Draw(image), float(at[0])
        for face, run in self._runs(text):
            font = self._font(face, size_px)
            pen.text((x, at[1]), run, fill=colour, font=font, anchor="ls")
            x += font.getlength(run)

    def shortened(self, text: str, size_px: int, most_px: int) -> str:
        """With … at its end where it is wider than that."""
        if self.width(text, size_px) <= most_px:
            return text
        while text and self.width(text + "…", size_px) > most_px:
            text = text[:-1]
        return text.rstrip(" ,") + "…"

    def _runs(self, text: str) -> list[tuple[Face, str]]:
        runs: list[tuple[Face, str]] = []
        for character in text:
            face = self._face(character)
            if runs and runs[-1][0] is face:
                runs[-1] = face, runs[-1][1] + character
            else:
                runs.append((face, character))
        return runs

    def _find(self, character: str) -> Face:
        return next((face for face in self._faces if face.has(character)), self._faces[0])

    @staticmethod
    def _load(face: Face, size_px: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(face.file, size_px, face.index, layout_engine=ImageFont.Layout.BASIC)


def installed() -> Fonts:
    """Asks fontconfig. Raises ConfigurationError when it does not run or knows no font."""
    try:
        answer = subprocess.run(
            ["fc-match", "--sort", "--format", _FORMAT, _PATTERN],
            capture_output=True,
            text=True,
            timeout=_QUESTION_S,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(f"fc-match: {error}", hint="apt-get install fontconfig") from error
    faces = tuple(face for line in answer.splitlines() if (face := _face(line)) is not None)
    if not faces:
        raise ConfigurationError("There is no font.", hint="apt-get install fonts-nanum")
    return Fonts(faces)


def _face(line: str) -> Face | None:
    """Of a line of fc-match; None for one that knows no characters."""
    file, index, characters = line.split("\t")
    ranges = [part.partition("-") for part in characters.split()]
    firsts = array("I", (int(first, 16) for first, _, _ in ranges))
    lasts = array("I", (int(last or first, 16) for first, _, last in ranges))
    return Face(file, int(index), firsts, lasts) if ranges else None
