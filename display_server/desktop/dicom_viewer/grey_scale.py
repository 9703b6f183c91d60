"""The grey-scale transformations of DICOM after the modality LUT (PS3.3 C.11.2): windows and VOI LUTs.

All values are modality values, for example Hounsfield units. `fractions` returns 0.0 for the lowest and 1.0
for the highest level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError

Values = NDArray[np.float64]
Levels = NDArray[np.uint8]

#: The functions of PS3.3 C.11.2.1.3; LINEAR is the default.
LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"
#: The smallest width of a window with the function LINEAR, in modality values (PS3.3 C.11.2.1.2.1).
LINEAR_WIDTH_MIN = 1.0


class Voi(Protocol):
    """What makes fractions of the display's range out of modality values."""

    def fractions(self, values: Values) -> Values: ...


@dataclass(frozen=True, slots=True)
class Window:
    """A window. Raises UnshowableError for a width or a function that the standard does not allow."""

    centre: float
    width: float
    function: str = LINEAR

    def __post_init__(self) -> None:
        least = LINEAR_WIDTH_MIN if self.function == LINEAR else np.nextafter(0.0, 1.0)
        if self.function not in (LINEAR, LINEAR_EXACT, SIGMOID):
            raise UnshowableError(Reason.WINDOW, self.function)
        if not (np.isfinite(self.centre) and np.isfinite(self.width) and self.width >= least):
            raise UnshowableError(Reason.WINDOW, f"{self.centre:g}/{self.width:g}")

    def fractions(self, values: Values) -> Values:
        if self.function == SIGMOID:
            # The exponent is limited, because exp overflows; beyond the limit the result is 0 or 1 anyway.
            exponent = np.clip(-4 * (values - self.centre) / self.width, -700, 700)
            return 1 / (1 + np.exp(exponent))
        linear = self.function == LINEAR
        centre, width = (self.centre - 0.5, self.width - 1) if linear else (self.centre, self.width)
        if width == 0:
            return np.where(values <= centre, 0.0, 1.0)
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A VOI LUT. `first` is the modality value of the first entry; values outside take the nearest entry."""

    first: int
    entries: NDArray[np.uint16]
    bits: int

    def __post_init__(self) -> None:
        if not len(self.entries) or int(self.entries.max()) >= 1 << self.bits:
            raise UnshowableError(Reason.LOOKUP_TABLE, f"{len(self.entries)} × {self.bits} bit")

    def fractions(self, values: Values) -> Values:
        at = np.clip(np.trunc(values - self.first), 0, len(self.entries) - 1).astype(np.intp)
        fractions: Values = self.entries[at] / ((1 << self.bits) - 1)
        return fractions


def full_range(values: Values) -> Window:
    """Returns the window of an image that names none: from its lowest to its highest value."""
    lowest, highest = float(values.min()), float(values.max())
    return Window((lowest + highest) / 2, max(highest - lowest, 1.0), LINEAR_EXACT)


@dataclass(frozen=True, slots=True, eq=False)
class GreyFrame:
    """A decoded grey frame.

    `stored` has the stored values, (height, width). `values` has the modality value of every stored value
    from `lowest` to the highest one. `inverted` is MONOCHROME1: the lowest value is white.
    """

    stored: NDArray[np.signedinteger | np.unsignedinteger]
    lowest: int
    values: Values
    inverted: bool
    voi: Voi

    def levels(self, voi: Voi | None = None) -> Levels:
        """Returns (height, width) levels of 0 … 255, for the file's own VOI unless another is given."""
        table = np.rint((voi or self.voi).fractions(self.values) * 255).astype(np.uint8)
        if self.inverted:
            table = 255 - table
        return table[self.stored.astype(np.int64) - self.lowest]


@dataclass(frozen=True, slots=True, eq=False)
class ColourFrame:
    """A decoded colour frame: (height, width, 3) red, green, blue."""

    pixels: Levels


Frame = GreyFrame | ColourFrame
