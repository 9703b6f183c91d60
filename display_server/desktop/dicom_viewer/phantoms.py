"""Makes test objects as DICOM studies, for the sample studies.

TG18-QC and a checkerboard of single pixels show that the viewer changes no pixel. A CT of a phantom is a
stack of 64 slices, whose patient has a Korean name. Studies that exist are not written again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from display_server.desktop.dicom_viewer.add_test_objects import NAMES
from display_server.desktop.display_check.patterns import tg18_qc

#: Side of TG18-QC and of the checkerboard, px.
TG18_PX, CHECKERBOARD_PX = 1024, 512
#: The phantom: slices, side of a slice in px, size of a pixel and distance of slices in mm.
SLICES, SIDE_PX, PIXEL_MM, SLICE_MM = 64, 256, 1.4, 4.0
#: Standard deviation of the phantom's noise, HU.
NOISE_HU = 12.0
#: Value of the air around the phantom, HU.
AIR_HU = -1000
#: The window of the phantom, HU.
CENTRE_HU, WIDTH_HU = 40, 400
#: The patient's name in Latin letters, Hanja and Hangul.
KOREAN_NAME = "Hong^Gildong=洪^吉洞=홍^길동"
#: Ellipsoids of the phantom: centre and radii in mm from the middle of the stack, and HU. Later ones win.
ELLIPSOIDS: tuple[tuple[tuple[float, float, float], tuple[float, float, float], float], ...] = (
    ((0, 0, 0), (160, 112, 190), -95),
    ((0, 2, 0), (146, 98, 185), 48),
    ((0, -6, 0), (128, 80, 170), -80),
    ((-62, -12, 45), (66, 62, 78), 62),
    ((74, 16, 40), (34, 42, 44), 52),
    ((30, -46, 20), (46, 30, 40), 18),
    ((-58, 32, -30), (27, 30, 54), 175),
    ((58, 34, -24), (27, 30, 54), 175),
    ((-52, 32, -28), (11, 12, 24), 8),
    ((52, 34, -22), (11, 12, 24), 8),
    ((0, 62, 0), (27, 27, 200), 520),
    ((0, 62, 0), (21, 21, 200), 190),
    ((0, 90, 0), (9, 9, 200), 28),
    ((6, 26, 0), (12, 12, 200), 265),
    ((-22, 24, 0), (13, 13, 200), 150),
    ((0, -60, -70), (52, 26, 44), 30),
    ((-20, -58, -60), (16, 14, 18), -700),
    ((26, -66, -76), (18, 12, 16), -650),
)


def write_missing(folder: Path) -> list[Path]:
    """Writes the studies that do not exist, and returns their folders.

    A study is written to a hidden folder first, so that nobody sees a part of it. Raises OSError.
    """
    written = []
    for name, make in STUDIES.items():
        target = folder / name
        if target.exists():
            continue
        partial = folder / f".{name}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        for number, dataset in enumerate(make(), 1):
            dataset.save_as(partial / f"{number:03}.dcm", enforce_file_format=True)
        partial.rename(target)
        written.append(target)
    return written


def tg18() -> Iterator[Dataset]:
    yield _pattern("TG18-QC", tg18_qc(TG18_PX, TG18_PX)[:, :, 0])


def checkerboard() -> Iterator[Dataset]:
    across = np.arange(CHECKERBOARD_PX)
    yield _pattern("Checkerboard", np.where((across[None, :] + across[:, None]) % 2, 255, 0).astype(np.uint8))


def phantom() -> Iterator[Dataset]:
    """Makes the slices of the phantom, from its feet to its head."""
    for number in range(SLICES):
        z = (number - (SLICES - 1) / 2) * SLICE_MM
        dataset = image_dataset("Phantom CT", phantom_slice(z, number), storage=CTImageStorage)
        dataset.SpecificCharacterSet = ["", "ISO 2022 IR 149"]
        dataset.PatientName = KOREAN_NAME
        dataset.Modality = "CT"
        dataset.SeriesDescription = "Abdomen phantom"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = _uid("Phantom CT", number)
        dataset.InstanceNumber = number + 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, AIR_HU - 24
        dataset.WindowCenter, dataset.WindowWidth = CENTRE_HU, WIDTH_HU
        dataset.PixelSpacing = [PIXEL_MM, PIXEL_MM]
        dataset.SliceThickness = SLICE_MM
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        corner = -PIXEL_MM * (SIDE_PX - 1) / 2
        dataset.ImagePositionPatient = [corner, corner, z]
        yield dataset


def phantom_slice(z_mm: float, seed: int) -> NDArray[np.uint16]:
    """Computes stored values, (256, 256), of the slice at this height: HU and 1024."""
    across = (np.arange(SIDE_PX) - (SIDE_PX - 1) / 2) * PIXEL_MM
    x, y = across[None, :], across[:, None]
    values = np.full((SIDE_PX, SIDE_PX), float(AIR_HU))
    for (cx, cy, cz), (rx, ry, rz), hu in ELLIPSOIDS:
        left = 1 - ((z_mm - cz) / rz) ** 2
        if left > 0:
            values[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= left] = hu
    values += np.random.default_rng(seed).normal(0, NOISE_HU, values.shape)
    stored: NDArray[np.uint16] = np.clip(np.rint(values) - (AIR_HU - 24), 0, 4095).astype(np.uint16)
    return stored


def image_dataset(
    name: str,
    pixels: NDArray[np.unsignedinteger],
    *,
    storage: UID = SecondaryCaptureImageStorage,
    bits_stored: int | None = None,
) -> Dataset:
    """Makes a dataset with one grey frame, without a window. The same name gives the same identifiers."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = storage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = _uid(name, "instance")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _uid(name, "study"), _uid(name, "series")
    dataset.FrameOfReferenceUID = _uid(name, "frame")
    dataset.PatientName, dataset.PatientID = name, "LIGHTBOX"
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID, dataset.AccessionNumber = (
        "20260101",
        "120000",
        "1",
        "",
    )
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.Modality = "OT"
    dataset.ConversionType = "SYN"
    dataset.StudyDescription = name
    bits = pixels.dtype.itemsize * 8
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.PixelRepresentation = bits, 0
    dataset.BitsStored = bits_stored or bits
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    return dataset


#: The studies, by the name of their folder.
STUDIES: dict[str, Callable[[], Iterator[Dataset]]] = dict(
    zip(NAMES, (tg18, checkerboard, phantom), strict=True)
)


def _pattern(name: str, levels: NDArray[np.uint8]) -> Dataset:
    """Makes a test pattern whose window shows every stored value as the level of the same number."""
    dataset = image_dataset(name, levels)
    dataset.PatientName = f"Test object^{name}"
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    return dataset


def _uid(*parts: object) -> UID:
    return generate_uid(entropy_srcs=["lightbox", *(str(part) for part in parts)])
