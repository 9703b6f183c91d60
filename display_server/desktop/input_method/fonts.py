"""Measures and draws text in several fonts: each character uses the first font that contains it."""

from __future__ import annotations

import bisect
import functools
import subprocess
from array import array
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from display_server.errors import ConfigurationError

#: fontconfig's pattern for the fonts, in the order of preference.
_PATTERN = "sans-serif:lang=ko:scalable=true:color=false"
#: The output format of `fc-match`: file, index of the face, ranges of characters in hexadecimal.
_FORMAT = "%{file}\t%{index}\t%{charset}\n"
#: How long `fc-match` may take, s. It builds its cache when it runs for the first time.
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face of a font file, and the ranges of characters that it contains, in ascending order."""

    file: str
    index: int
    firsts: array[int]
    lasts: array[int]

    def has(self, character: str) -> bool:
        at = bisect.bisect_right(self.firsts, ord(character)) - 1
        return at >= 0 and ord(character) <= self.lasts[at]


class Fonts:
    """Font faces in the order of preference."""

    def __init__(self, faces: tuple[Face, ...]) -> None:
        self._faces = faces
        self._face_for = functools.lru_cache(maxsize=4096)(self._find_face)
        self._font = functools.lru_cache(maxsize=32)(self._load)

    def width(self, text: str, size_px: int) -> int:
        """Returns the width of the text, px."""
        return round(sum(self._font(face, size_px).getlength(run) for face, run in self._runs(text)))

    def draw(self, image: Image.Image, at: tuple[int, int], text: str, size_px: int, colour: str) -> None:
        """Draws text on the image; `at` is the left end of the baseline."""
        pen, x = ImageDraw.Draw(image), float(at[0])
        for face, run in self._runs(text):
            font = self._font(face, size_px)
            pen.text((x, at[1]), run, fill=colour, font=font, anchor="ls")
            x += font.getlength(run)

    def shorten(self, text: str, size_px: int, width_max_px: int) -> str:
        """Returns the text, cut and with … at its end if it is wider than `width_max_px`."""
        if self.width(text, size_px) <= width_max_px:
            return text
        while text and self.width(text + "…", size_px) > width_max_px:
            text = text[:-1]
        return text.rstrip(" ,") + "…"

    def _runs(self, text: str) -> list[tuple[Face, str]]:
        """Splits the text into runs of the same face."""
        runs: list[tuple[Face, str]] = []
        for character in text:
            face = self._face_for(character)
            if runs and runs[-1][0] is face:
                runs[-1] = face, runs[-1][1] + character
            else:
                runs.append((face, character))
        return runs

    def _find_face(self, character: str) -> Face:
        return next((face for face in self._faces if face.has(character)), self._faces[0])

    @staticmethod
    def _load(face: Face, size_px: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(face.file, size_px, face.index, layout_engine=ImageFont.Layout.BASIC)


def installed() -> Fonts:
    """Returns the installed fonts. Raises ConfigurationError if fontconfig does not run or finds no font."""
    try:
        answer = subprocess.run(
            ["fc-match", "--sort", "--format", _FORMAT, _PATTERN],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(f"fc-match failed: {error}", hint="apt-get install fontconfig") from error
    faces = tuple(face for line in answer.splitlines() if (face := _parse_face(line)) is not None)
    if not faces:
        raise ConfigurationError("No font is installed.", hint="apt-get install fonts-nanum")
    return Fonts(faces)


def _parse_face(line: str) -> Face | None:
    """Parses a line of `fc-match`. Returns None for a face without characters."""
    file, index, characters = line.split("\t")
    ranges = [part.partition("-") for part in characters.split()]
    firsts = array("I", (int(first, 16) for first, _, _ in ranges))
    lasts = array("I", (int(last or first, 16) for first, _, last in ranges))
    return Face(file, int(index), firsts, lasts) if ranges else None
