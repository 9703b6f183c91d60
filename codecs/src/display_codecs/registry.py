"""The encodings and their properties, as the decoder's first byte numbers them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Encoding(IntEnum):
    """First byte of a payload."""

    SOLID = 0
    PALETTE = 1
    GREY = 2
    COLOUR = 3
    RAW = 4


@dataclass(frozen=True, slots=True)
class Properties:
    lossless: bool
    grey_only: bool  #: expresses R = G = B alone
    colours_max: int | None  #: expresses at most so many colours


PROPERTIES: dict[Encoding, Properties] = {
    Encoding.SOLID: Properties(lossless=True, grey_only=False, colours_max=1),
    Encoding.PALETTE: Properties(lossless=True, grey_only=False, colours_max=255),
    Encoding.GREY: Properties(lossless=True, grey_only=True, colours_max=None),
    Encoding.COLOUR: Properties(lossless=True, grey_only=False, colours_max=None),
    Encoding.RAW: Properties(lossless=True, grey_only=False, colours_max=None),
}

#: Names as `hello.encodings` and `status.encodings` have them.
ENCODING_NAMES: tuple[str, ...] = tuple(encoding.name.lower() for encoding in Encoding)
