"""Makes DICOM files of kinds for which no public file is at hand. A name always gives the same file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from display_server.desktop.dicom_viewer.phantoms import KOREAN_NAME, image_dataset

#: Side of the images, px.
SIDE_PX = 256
#: The slices of the stack, and their instance numbers from the lowest position to the highest.
SHUFFLED_NUMBERS = (3, 1, 5, 2, 4)


def relief(bits: int = 12, seed: int = 0) -> NDArray[np.uint16]:
    """Computes an image that uses the whole range and looks different everywhere: waves, a ramp and noise."""
    across = np.arange(SIDE_PX) / SIDE_PX
    x, y = across[None, :], across[:, None]
    waves = np.sin(9 * x + 5 * y * y + seed) * np.cos(11 * y - 4 * x)
    noise = np.random.default_rng(seed).normal(0, 0.02, (SIDE_PX, SIDE_PX))
    fractions = np.clip(0.5 + 0.35 * waves + 0.25 * (x - 0.5) + noise, 0, 1)
    return np.rint(fractions * ((1 << bits) - 1)).astype(np.uint16)


def write(folder: Path) -> dict[str, Path]:
    """Writes all files, and returns what to open for each: a file, or the folder of a stack."""
    opened = {}
    for name, make in FILES.items():
        opened[name] = folder / name / f"{name}.dcm"
        opened[name].parent.mkdir(parents=True, exist_ok=True)
        dataset = image_dataset(name, relief(), bits_stored=12)
        make(dataset)
        dataset.save_as(opened[name], enforce_file_format=True)
    opened["shuffled-stack"] = _write_stack(folder / "shuffled-stack")
    return opened


def lowest_slice(folder: Path) -> Path:
    """Returns the file of the stack that a viewer has to show first: the one at the lowest position."""
    return folder / f"{SHUFFLED_NUMBERS[0]}.dcm"


def _window(dataset: Dataset, centre: object, width: object, function: str = "") -> None:
    dataset.WindowCenter, dataset.WindowWidth = centre, width
    if function:
        dataset.VOILUTFunction = function


def _voi_lut(dataset: Dataset) -> None:
    """A table that no window can imitate: a root, and a step in its middle."""
    entries = np.sqrt(np.linspace(0, 1, 4096)) * 0.8 + np.where(np.arange(4096) > 2048, 0.2, 0)
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 16]
    item.LUTData = np.rint(entries * 65535).astype("<u2").tobytes()
    dataset.VOILUTSequence = [item]
    _window(dataset, 2048, 4096)


def _modality_lut(dataset: Dataset) -> None:
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 16]
    item.LUTData = np.rint(np.linspace(0, 1, 4096) ** 2 * 4095).astype("<u2").tobytes()
    item.ModalityLUTType = "US"
    dataset.ModalityLUTSequence = [item]
    _window(dataset, 1200, 2000)


def _signed(dataset: Dataset) -> None:
    dataset.PixelRepresentation = 1
    dataset.PixelData = (relief().astype(np.int16) - 2048).tobytes()
    _window(dataset, -200, 1800)


def _negative_slope(dataset: Dataset) -> None:
    dataset.RescaleSlope, dataset.RescaleIntercept = -0.5, 1000
    _window(dataset, 0, 1500)


def _monochrome1(dataset: Dataset) -> None:
    dataset.PhotometricInterpretation = "MONOCHROME1"
    _window(dataset, 2000, 900)


def _not_square(dataset: Dataset) -> None:
    dataset.PixelAspectRatio = [3, 2]
    _window(dataset, 2048, 4096)


def _overlay(dataset: Dataset) -> None:
    """An overlay of 40 × 40 px, away from the corner of the image."""
    plane = np.zeros((40, 40), np.uint8)
    plane[::4] = 1
    dataset.add_new((0x6000, 0x0010), "US", 40)
    dataset.add_new((0x6000, 0x0011), "US", 40)
    dataset.add_new((0x6000, 0x0040), "CS", "G")
    dataset.add_new((0x6000, 0x0050), "SS", [31, 51])
    dataset.add_new((0x6000, 0x0100), "US", 1)
    dataset.add_new((0x6000, 0x0102), "US", 0)
    dataset.add_new((0x6000, 0x3000), "OW", np.packbits(plane.ravel(), bitorder="little").tobytes())
    _window(dataset, 2048, 4096)


def _korean(dataset: Dataset) -> None:
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 149"]
    dataset.PatientName = KOREAN_NAME
    _window(dataset, 2048, 4096)


def _contradiction(dataset: Dataset) -> None:
    """A presentation LUT that inverts, beside an image whose lowest value is black."""
    dataset.PresentationLUTShape = "INVERSE"
    _window(dataset, 2048, 4096)


def _undeclared_bits(dataset: Dataset) -> None:
    dataset.PixelData = (relief() | (relief(bits=4, seed=3) << 12)).astype(np.uint16).tobytes()
    _window(dataset, 2048, 4096)


FILES: dict[str, Callable[[Dataset], None]] = {
    "voi-lut": _voi_lut,
    "modality-lut": _modality_lut,
    "sigmoid": lambda dataset: _window(dataset, 2000, 1200, "SIGMOID"),
    "linear-exact": lambda dataset: _window(dataset, 2000, 60, "LINEAR_EXACT"),
    "narrow-window": lambda dataset: _window(dataset, 2000, 40),
    "fractional-window": lambda dataset: _window(dataset, "2000.75", "30.5"),
    "several-windows": lambda dataset: _window(dataset, [1500, 3000], [1000, 400]),
    "no-window": lambda _dataset: None,
    "signed": _signed,
    "negative-slope": _negative_slope,
    "monochrome1": _monochrome1,
    "not-square": _not_square,
    "overlay": _overlay,
    "korean-name": _korean,
    "contradiction": _contradiction,
    "undeclared-bits": _undeclared_bits,
}


def _write_stack(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    whole = image_dataset("shuffled-stack", relief())
    for position, number in enumerate(SHUFFLED_NUMBERS):
        dataset = image_dataset(f"shuffled-stack {number}", relief(seed=10 + position), bits_stored=12)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = whole.StudyInstanceUID, whole.SeriesInstanceUID
        dataset.PatientName = whole.PatientName
        dataset.InstanceNumber = number
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [0, 0, 5 * position]
        dataset.PixelSpacing = [1, 1]
        _window(dataset, 2048, 4096)
        dataset.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder
