"""The encodings of tiles, by the number that is the first byte of a payload.

This is the only list of encodings in Python. The TypeScript client is generated from it, and a test compares
it with the list in native/tile.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Encoding(IntEnum):
    """The first byte of a payload."""

    SOLID = 0
    PALETTE = 1
    GREY = 2
    COLOUR = 3
    RAW = 4


@dataclass(frozen=True, slots=True)
class Properties:
    """What an encoding can express."""

    #: Whether decoding gives back the pixels that were encoded.
    lossless: bool
    #: Whether the encoding expresses only tiles with R = G = B.
    grey_only: bool
    #: The largest number of colours in a tile; None without such a limit.
    colours_max: int | None


PROPERTIES: dict[Encoding, Properties] = {
    Encoding.SOLID: Properties(lossless=True, grey_only=False, colours_max=1),
    Encoding.PALETTE: Properties(lossless=True, grey_only=False, colours_max=255),
    Encoding.GREY: Properties(lossless=True, grey_only=True, colours_max=None),
    Encoding.COLOUR: Properties(lossless=True, grey_only=False, colours_max=None),
    Encoding.RAW: Properties(lossless=True, grey_only=False, colours_max=None),
}

#: The names by number, as in `hello.encodings` and `status.encodings` (PROTOCOL.md).
ENCODING_NAMES: tuple[str, ...] = tuple(encoding.name.lower() for encoding in Encoding)
