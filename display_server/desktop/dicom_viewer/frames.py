"""Loads frames of slices and keeps the ones that were used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from display_server.desktop.dicom_viewer.decoding import decode, first_line, overlay, pixel_aspect, read
from display_server.desktop.dicom_viewer.grey_scale import ColourFrame, Frame, GreyFrame
from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError
from display_server.desktop.dicom_viewer.series import Slice

#: How much memory decoded frames may take, bytes: a stack of 128 slices of 512² fits.
FRAMES_MAX_BYTES = 96 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class LoadedFrame:
    """A decoded frame, and what else the viewer shows or says of it.

    `overlay` has the pixels that overlays cover. `aspect` is the height of a pixel divided by its width.
    `notices` are keys of `texts.py`.
    """

    frame: Frame
    overlay: NDArray[np.bool_] | None
    aspect: float
    notices: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, px."""
        pixels = self.frame.stored if isinstance(self.frame, GreyFrame) else self.frame.pixels
        return pixels.shape[0], pixels.shape[1]

    @property
    def size_bytes(self) -> int:
        pixels = self.frame.stored if isinstance(self.frame, GreyFrame) else self.frame.pixels
        return int(pixels.nbytes) + (0 if self.overlay is None else int(self.overlay.nbytes))


class FrameCache:
    """The frames that were used last. `read_file` reads a dataset; tests replace it."""

    def __init__(self, read_file: Callable[[Path], Dataset] = read) -> None:
        self._read_file = read_file
        self._frames: OrderedDict[Slice, LoadedFrame | UnshowableError] = OrderedDict()
        self._bytes = 0
        #: The file that was read last, because the frames of one file are scrolled one after the other.
        self._file: tuple[Path, Dataset] | None = None

    def load(self, part: Slice) -> LoadedFrame:
        """Returns a frame. Raises UnshowableError, also for a file that was refused before."""
        found = self._frames.get(part)
        if found is None:
            found = self._load(part)
            self._frames[part] = found
            self._bytes += _size(found)
            while self._bytes > FRAMES_MAX_BYTES and len(self._frames) > 1:
                self._bytes -= _size(self._frames.popitem(last=False)[1])
        self._frames.move_to_end(part)
        if isinstance(found, UnshowableError):
            raise found
        return found

    def _load(self, part: Slice) -> LoadedFrame | UnshowableError:
        try:
            if self._file is None or self._file[0] != part.path:
                self._file = part.path, self._read_file(part.path)
            dataset = self._file[1]
            frame = decode(dataset, part.frame)
            return LoadedFrame(
                frame, overlay(dataset, part.frame), pixel_aspect(dataset), tuple(notices(dataset, frame))
            )
        except UnshowableError as error:
            return error
        except Exception as error:  # pydicom raises many unrelated types for damaged files
            return UnshowableError(Reason.DECODING, first_line(error))


def notices(dataset: Dataset, frame: Frame) -> list[str]:
    """Returns what the viewer has to say about the pixels that it shows."""
    found = []
    if str(dataset.get("LossyImageCompression", "")) == "01":
        found.append("lossy")
    if isinstance(frame, ColourFrame) and "ICCProfile" in dataset:
        found.append("colour-profile")
    if "ShutterShape" in dataset:
        found.append("shutter")
    if abs(pixel_aspect(dataset) - 1) > 1e-3:
        found.append("aspect")
    return found


def _size(found: LoadedFrame | UnshowableError) -> int:
    return found.size_bytes if isinstance(found, LoadedFrame) else 0
