"""Why a file is not shown. A file is refused unless every part of its picture is understood."""

from __future__ import annotations

from enum import Enum

from display_server.errors import LightboxError


class Reason(Enum):
    """A reason to refuse a file. `texts.py` has the sentence that people read."""

    NO_DICOM = "no-dicom"
    NO_IMAGE = "no-image"
    DECODING = "decoding"
    COLOUR_SPACE = "colour-space"
    DEPTH = "depth"
    UNDECLARED_BITS = "undeclared-bits"
    OVERLAY_IN_PIXELS = "overlay-in-pixels"
    PRESENTATION = "presentation"
    WINDOW = "window"
    LOOKUP_TABLE = "lookup-table"


class UnshowableError(LightboxError):
    """The viewer cannot show a frame rightly. `detail` is what the file contains instead."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
