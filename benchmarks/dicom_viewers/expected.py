"""Computes with pydicom what a viewer must show: modality LUT, VOI LUT, inversion last (PS3.4 N.2).

This is independent of Lightbox's own viewer: that one computes windows and tables itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGExtended12Bit

#: Levels of 0 … 255, (height, width, 3).
Picture = NDArray[np.uint8]
#: Decodes a frame of a dataset, counted from 0.
_Decoder = Callable[[Dataset, int], NDArray[Any]]
#: Functional groups that enhanced multi-frame files have instead of attributes at the top (PS3.3 C.7.6.16).
_FUNCTIONAL_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
#: The functional groups also name the type of the rescaling, which changes no pixel.
_NO_TRANSFORMATION = ("RescaleType", "WindowCenterWidthExplanation")


def expected_pictures(dataset: Dataset, frame: int = 0) -> list[Picture]:
    """Returns what a frame must look like, once for each decoder that decodes it; empty if none does.

    Decoders of lossless formats agree; those of lossy JPEG may differ by some levels.
    """
    pictures: list[Picture] = []
    if "PixelData" not in dataset:
        return pictures
    for decoder in _decoders(dataset):
        try:
            pixels = decoder(dataset, frame)
            picture = _picture(dataset, pixels, frame)
        except Exception as error:  # decoders raise many unrelated types for files that they cannot decode
            del error
            continue
        if not any(np.array_equal(picture, other) for other in pictures):
            pictures.append(picture)
    return pictures


def overlay_mask(dataset: Dataset) -> NDArray[np.bool_]:
    """Returns the pixels that overlays may cover, (height, width). They are not compared."""
    mask = np.zeros((int(dataset.Rows), int(dataset.Columns)), bool)
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) not in dataset:
            continue
        plane = np.asarray(dataset.overlay_array(group)).astype(bool)
        plane = np.asarray(plane.any(axis=0) if plane.ndim == 3 else plane)
        origin = dataset.get((group, 0x0050))
        top, left = (int(number) - 1 for number in origin.value) if origin is not None else (0, 0)
        rows, columns = np.nonzero(plane)
        rows, columns = rows + top, columns + left
        inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
        mask[rows[inside], columns[inside]] = True
    return mask


def _decoders(dataset: Dataset) -> list[_Decoder]:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None or not syntax.is_compressed or syntax.is_deflated:
        return [_pydicom("")]
    if syntax == JPEGExtended12Bit and int(dataset.BitsStored) == 12:
        return [_libjpeg_turbo]  # pydicom's decoders refuse it
    return [_pydicom(plugin) for plugin in get_decoder(syntax).available_plugins]


def _pydicom(plugin: str) -> _Decoder:
    return lambda dataset, frame: np.asarray(pixel_array(dataset, index=frame, decoding_plugin=plugin))


def _libjpeg_turbo(dataset: Dataset, frame: int) -> NDArray[Any]:
    import imagecodecs  # only 12-bit JPEG needs it

    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    return np.asarray(imagecodecs.jpeg8_decode(get_frame(dataset.PixelData, frame, number_of_frames=frames)))


def _picture(dataset: Dataset, pixels: NDArray[Any], frame: int) -> Picture:
    space = str(dataset.PhotometricInterpretation)
    if space in ("MONOCHROME1", "MONOCHROME2"):
        fractions = _grey(_with_functional_groups(dataset, frame), pixels)
        levels = np.rint(np.clip(1 - fractions if space == "MONOCHROME1" else fractions, 0, 1) * 255)
        return np.repeat(levels.astype(np.uint8)[:, :, None], 3, axis=2)
    if space == "PALETTE COLOR":
        colours = np.asarray(apply_color_lut(pixels, dataset))[:, :, :3]
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    else:
        colours, bits = pixels, int(dataset.BitsStored)
    full = (1 << bits) - 1
    if colours.ndim != 3 or int(colours.max()) > full:
        raise ValueError(f"{colours.shape} with values up to {int(colours.max())} is no picture")
    return np.rint(colours.astype(np.float64) * 255 / full).astype(np.uint8)


def _grey(attributes: Dataset, pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Returns fractions of the display's range, before the inversion."""
    values = np.asarray(apply_modality_lut(pixels, attributes))
    shown = np.asarray(apply_voi_lut(values, attributes), np.float64)
    if attributes.get("VOILUTSequence"):
        low, high = 0.0, float((1 << int(attributes.VOILUTSequence[0].LUTDescriptor[2])) - 1)
    elif attributes.get("WindowCenter") is not None and attributes.get("WindowWidth") is not None:
        low, high = _window_range(attributes)
    else:  # the standard does not say what to show without a window; viewers take all values of the image
        low, high = float(shown.min()), float(shown.max())
    return (shown - low) / ((high - low) or 1.0)


def _window_range(attributes: Dataset) -> tuple[float, float]:
    """Returns the range into which pydicom's `apply_windowing` maps a window."""
    bits = int(attributes.BitsStored)
    if attributes.get("ModalityLUTSequence"):
        low, high = 0.0, float((1 << int(attributes.ModalityLUTSequence[0].LUTDescriptor[2])) - 1)
    elif int(attributes.get("PixelRepresentation", 0)):
        low, high = float(-(1 << bits - 1)), float((1 << bits - 1) - 1)
    else:
        low, high = 0.0, float((1 << bits) - 1)
    slope, intercept = attributes.get("RescaleSlope"), attributes.get("RescaleIntercept")
    if slope is not None and intercept is not None:
        low, high = low * float(slope) + float(intercept), high * float(slope) + float(intercept)
    return low, high


def _with_functional_groups(dataset: Dataset, frame: int) -> Dataset:
    merged = Dataset(dataset)
    merged.file_meta = dataset.file_meta
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for groups in (*shared[:1], *per_frame[frame : frame + 1]):
        for name in _FUNCTIONAL_GROUPS:
            for item in (groups.get(name) or [])[:1]:
                for element in item:
                    if element.keyword not in _NO_TRANSFORMATION:
                        merged.add(element)
    return merged
