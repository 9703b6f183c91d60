"""Decodes frames of DICOM datasets, and refuses those whose picture would not be what the file asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

from display_server.desktop.dicom_viewer.grey_scale import (
    LINEAR,
    ColourFrame,
    Frame,
    GreyFrame,
    Levels,
    LookupTable,
    Voi,
    Window,
    full_range,
)
from display_server.desktop.dicom_viewer.jpeg_12_bit import decode_12_bit, is_12_bit
from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError

GREY = ("MONOCHROME1", "MONOCHROME2")
#: Colour spaces that pydicom's decoders convert to RGB, or deliver as RGB.
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"
#: The deepest samples that are shown, bits.
BITS_MAX = 16
#: Attributes of the transformations, which enhanced multi-frame files have per frame (PS3.3 C.7.6.16).
TRANSFORMATION = (
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "VOILUTSequence",
    "VOILUTFunction",
    "WindowCenter",
    "WindowWidth",
)
FUNCTIONAL_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
#: Repeating groups of overlays: every second one from 6000 to 601E (PS3.3 C.9.2).
OVERLAY_GROUPS = range(0x6000, 0x6020, 2)


def read(path: Path) -> Dataset:
    """Reads a file. Raises UnshowableError unless it is a DICOM file, and OSError."""
    try:
        return pydicom.dcmread(path)
    except InvalidDicomError as error:
        raise UnshowableError(Reason.NO_DICOM, path.name) from error
    except OSError:
        raise
    except Exception as error:  # pydicom raises many unrelated types for damaged files
        raise UnshowableError(Reason.DECODING, first_line(error)) from error


def decode(dataset: Dataset, index: int = 0) -> Frame:
    """Decodes frame `index`, counted from 0. Raises UnshowableError."""
    _check_presentation(dataset)
    space = str(dataset.get("PhotometricInterpretation", ""))
    if space in GREY:
        return _grey(dataset, _pixels(dataset, index), index, inverted=space == "MONOCHROME1")
    if space == PALETTE:
        return ColourFrame(_palette(dataset, _pixels(dataset, index)))
    if space in COLOUR:
        return ColourFrame(_eight_bit(_pixels(dataset, index), int(dataset.BitsStored)))
    raise UnshowableError(Reason.COLOUR_SPACE, space)


def frame_count(dataset: Dataset) -> int:
    return max(int(dataset.get("NumberOfFrames", 1) or 1), 1)


def overlay(dataset: Dataset, index: int = 0) -> NDArray[np.bool_] | None:
    """Returns which pixels of the frame overlays cover, (height, width); None if the file has no overlay."""
    shape = int(dataset.Rows), int(dataset.Columns)
    covered: NDArray[np.bool_] | None = None
    for group in OVERLAY_GROUPS:
        if (group, 0x3000) not in dataset:
            continue
        plane = np.atleast_3d(dataset.overlay_array(group))
        if plane.shape[2] != 1 or int(_value(dataset, group, 0x0015, 1)) > 1:
            planes = dataset.overlay_array(group)
            first = int(_value(dataset, group, 0x0051, 1)) - 1
            if not 0 <= index - first < len(planes):
                continue
            plane = np.atleast_3d(planes[index - first])
        covered = np.zeros(shape, bool) if covered is None else covered
        top, left = (int(number) - 1 for number in _value(dataset, group, 0x0050, (1, 1)))
        _paste(covered, plane[:, :, 0].astype(bool), top, left)
    return covered


def pixel_aspect(dataset: Dataset) -> float:
    """Returns the height of a pixel divided by its width (PS3.3 C.7.6.3.1.7)."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        values = dataset.get(keyword)
        if values is not None and len(values) == 2 and float(values[0]) > 0 and float(values[1]) > 0:
            return float(values[0]) / float(values[1])
    return 1.0


def _check_presentation(dataset: Dataset) -> None:
    """Refuses what is neither shown nor ignored safely."""
    if "PixelData" not in dataset:
        raise UnshowableError(Reason.NO_IMAGE, str(dataset.get("Modality", "")))
    shape = str(dataset.get("PresentationLUTShape", ""))
    space = str(dataset.get("PhotometricInterpretation", ""))
    agrees = {"": True, "IDENTITY": space != "MONOCHROME1", "INVERSE": space == "MONOCHROME1"}
    if "PresentationLUTSequence" in dataset or not agrees.get(shape, False):
        raise UnshowableError(Reason.PRESENTATION, f"{space} {shape}".strip())
    for group in OVERLAY_GROUPS:
        if (group, 0x0010) in dataset and (group, 0x3000) not in dataset:
            raise UnshowableError(Reason.OVERLAY_IN_PIXELS, f"{group:04X}")
    if int(dataset.get("BitsStored", 0)) > BITS_MAX:
        raise UnshowableError(Reason.DEPTH, f"{dataset.BitsStored} bit")


def _pixels(dataset: Dataset, index: int) -> NDArray[Any]:
    try:
        if is_12_bit(dataset):
            return decode_12_bit(dataset, index)
        return np.asarray(pixel_array(dataset, index=index))
    except (
        Exception
    ) as error:  # the decoders raise many unrelated types, all for files that they cannot decode
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        compressed = syntax is not None and syntax.is_compressed
        raise UnshowableError(Reason.DECODING, syntax.name if compressed else first_line(error)) from error


def _grey(dataset: Dataset, stored: NDArray[Any], index: int, *, inverted: bool) -> GreyFrame:
    if stored.ndim != 2:
        raise UnshowableError(Reason.DECODING, f"{stored.shape}")
    lowest, highest = int(stored.min()), int(stored.max())
    bits, signed = int(dataset.BitsStored), bool(int(dataset.get("PixelRepresentation", 0)))
    bottom, top = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if lowest < bottom or highest > top:
        raise UnshowableError(Reason.UNDECLARED_BITS, f"{lowest} … {highest}, {bits} bit")
    attributes = transformation(dataset, index)
    every = np.arange(lowest, highest + 1, dtype=np.int64)
    try:
        values = np.asarray(apply_modality_lut(every, attributes), np.float64)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UnshowableError(Reason.LOOKUP_TABLE, first_line(error)) from error
    return GreyFrame(stored, lowest, values, inverted, _voi(attributes) or full_range(values))


def transformation(dataset: Dataset, index: int) -> Dataset:
    """Returns the attributes of modality and VOI transformation that apply to one frame."""
    merged = Dataset()
    merged.file_meta = dataset.file_meta
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    sources = [dataset]
    for groups in (*shared[:1], *per_frame[index : index + 1]):
        sources += [item for name in FUNCTIONAL_GROUPS for item in (groups.get(name) or [])[:1]]
    for source in sources:
        for keyword in TRANSFORMATION:
            if source.get(keyword) is not None:
                merged.add(source[keyword])
    return merged


def _voi(attributes: Dataset) -> Voi | None:
    """Returns the first VOI LUT, else the first window, else None."""
    tables = attributes.get("VOILUTSequence") or []
    if tables:
        return _lookup_table(tables[0], attributes)
    centres, widths = (_numbers(attributes.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    if not centres or not widths:
        return None
    function = str(attributes.get("VOILUTFunction", "") or LINEAR).upper()
    return Window(centres[0], widths[0], function)


def _lookup_table(item: Dataset, attributes: Dataset) -> LookupTable:
    try:
        entries, first, bits = (int(number) for number in item.LUTDescriptor)
        entries = entries or 1 << 16
        data = item.LUTData
        if isinstance(data, bytes):
            order = "<" if attributes.file_meta.TransferSyntaxUID.is_little_endian else ">"
            data = np.frombuffer(data, f"{order}u2" if len(data) >= 2 * entries else "u1")[:entries]
        table = np.asarray(data, np.uint16)
    except (AttributeError, ValueError, TypeError, OverflowError) as error:
        raise UnshowableError(Reason.LOOKUP_TABLE, first_line(error)) from error
    if len(table) != entries or not 8 <= bits <= BITS_MAX:
        raise UnshowableError(Reason.LOOKUP_TABLE, f"{len(table)} / {entries} × {bits} bit")
    return LookupTable(first, table, bits)


def _palette(dataset: Dataset, stored: NDArray[Any]) -> Levels:
    try:
        colours = np.asarray(apply_color_lut(stored, dataset))[..., :3]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UnshowableError(Reason.LOOKUP_TABLE, first_line(error)) from error
    bits = 8 if int(colours.max()) < 256 and int(dataset.RedPaletteColorLookupTableDescriptor[2]) == 8 else 16
    return _eight_bit(colours, bits)


def _eight_bit(colours: NDArray[Any], bits: int) -> Levels:
    """Returns colours of `bits` per sample as (height, width, 3) of 8 bits."""
    if colours.ndim != 3 or colours.shape[2] != 3:
        raise UnshowableError(Reason.DECODING, f"{colours.shape}")
    if int(colours.max()) >= 1 << bits:
        raise UnshowableError(Reason.UNDECLARED_BITS, f"{int(colours.max())}, {bits} bit")
    if bits == 8:
        return colours.astype(np.uint8)
    return np.rint(colours * (255 / ((1 << bits) - 1))).astype(np.uint8)


def _paste(covered: NDArray[np.bool_], plane: NDArray[np.bool_], top: int, left: int) -> None:
    """Adds an overlay, whose corner may lie outside of the image."""
    plane = plane[max(-top, 0) :, max(-left, 0) :]
    top, left = max(top, 0), max(left, 0)
    area = covered[top : top + plane.shape[0], left : left + plane.shape[1]]
    area |= plane[: area.shape[0], : area.shape[1]]


def _numbers(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    return [float(number) for number in value] if hasattr(value, "__len__") else [float(value)]


def _value(dataset: Dataset, group: int, element: int, default: Any) -> Any:
    found = dataset.get((group, element))
    return default if found is None or found.value is None else found.value


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message, for the sentence that people read."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
