"""Finds the series below a folder, and orders the slices of each by their position in the body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from display_server.desktop.dicom_viewer.decoding import frame_count

#: What is read of each file before it is shown.
HEADER = (
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "StudyDescription",
    "SeriesDescription",
    "Modality",
    "InstanceNumber",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
)
#: A stack of at least this number of slices opens in its middle, where the anatomy is.
STACK_MIN = 20
#: The first code point of the CJK blocks and of Hangul.
CJK_FIRST = 0x2E80
#: How much the normals of two slices of one stack may differ: the length of their difference.
SAME_DIRECTION = 1e-3


@dataclass(frozen=True, slots=True)
class Slice:
    """A frame of a file, counted from 0."""

    path: Path
    frame: int


@dataclass(frozen=True, slots=True)
class Series:
    """A series, with what people read of it. `slices` are in the order in which they are scrolled."""

    uid: str
    folder: Path
    patient: str
    patient_id: str
    description: str
    modality: str
    slices: tuple[Slice, ...]

    @property
    def first_shown(self) -> int:
        """The index of the slice that is shown first."""
        return len(self.slices) // 2 if len(self.slices) >= STACK_MIN else 0

    def index_of(self, path: Path) -> int | None:
        """Returns the index of the file's first slice."""
        return next((index for index, part in enumerate(self.slices) if part.path == path), None)


def find_series(paths: Sequence[Path]) -> list[Series]:
    """Reads the headers of these files and of those below these folders. Others than DICOM are left out."""
    groups: dict[tuple[Path, str], list[tuple[Path, Dataset]]] = {}
    for path in _files(paths):
        header = _header(path)
        if header is not None:
            uid = str(header.get("SeriesInstanceUID", "") or path.name)
            groups.setdefault((path.parent, uid), []).append((path, header))
    found = [_series(folder, uid, files) for (folder, uid), files in groups.items()]
    return sorted(found, key=lambda series: (str(series.folder), series.description, series.uid))


def readable_name(value: Any) -> str:
    """Returns a person's name as people write it, `Hong Gildong 홍길동`, from up to three groups."""
    groups = [getattr(value, part, "") for part in ("alphabetic", "phonetic", "ideographic")]
    if not any(groups):
        groups = [str(value or "")]
    names = [_written(str(group)) for group in groups]
    return " ".join(dict.fromkeys(name for name in names if name))


def _written(group: str) -> str:
    """Joins the components of a name. Hangul and Hanja are written without a space between them."""
    parts = [part.strip() for part in group.split("^") if part.strip()]
    return ("" if any(ord(letter) >= CJK_FIRST for letter in group) else " ").join(parts)


def ordered(files: Sequence[tuple[Path, Dataset]]) -> list[tuple[Path, Dataset]]:
    """Orders by the position along the common direction of the slices, else by InstanceNumber and name.

    InstanceNumber is not trusted where positions exist, because it may be shuffled.
    """
    by_number = sorted(files, key=lambda file: (_number(file[1]), file[0].name))
    places = [_place(header) for _, header in by_number]
    known = [place for place in places if place is not None]
    if len(known) < len(places) or len(known) < 2:
        return by_number
    normal = known[0][1]
    if any(float(np.linalg.norm(other - normal)) > SAME_DIRECTION for _, other in known):
        return by_number
    distances = [round(float(position @ normal), 3) for position, _ in known]
    if len(set(distances)) < len(distances):
        return by_number
    return [file for _, file in sorted(zip(distances, by_number, strict=True), key=lambda pair: pair[0])]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Hidden files and folders are left out: a study that is being written is in a hidden folder."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path).parts
            if file.is_file() and not any(part.startswith(".") for part in inside):
                yield file


def _header(path: Path) -> Dataset | None:
    """Returns the header of a file; None for a file that is not DICOM or whose header is damaged."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(HEADER))
        # pydicom converts a value when it is used for the first time, and fails only then.
        _series(path.parent, "", [(path, header)])
        _place(header)
    except Exception:  # pydicom raises many unrelated types for damaged files
        return None
    return header


def _series(folder: Path, uid: str, files: Sequence[tuple[Path, Dataset]]) -> Series:
    parts = ordered(files)
    first = parts[0][1]
    descriptions = (first.get("SeriesDescription"), first.get("StudyDescription"))
    return Series(
        uid=uid,
        folder=folder,
        patient=readable_name(first.get("PatientName")),
        patient_id=str(first.get("PatientID", "") or ""),
        description=next((str(text).strip() for text in descriptions if text), ""),
        modality=str(first.get("Modality", "") or ""),
        slices=tuple(Slice(path, frame) for path, header in parts for frame in range(frame_count(header))),
    )


def _number(header: Dataset) -> int:
    try:
        return int(header.get("InstanceNumber") or 0)
    except (ValueError, TypeError):
        return 0


def _place(header: Dataset) -> tuple[np.ndarray[Any, np.dtype[np.float64]], Any] | None:
    """Returns position and normal of a slice, mm; None if the file does not name both."""
    position, orientation = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
    if position is None or orientation is None or len(position) != 3 or len(orientation) != 6:
        return None
    rows, columns = np.array(orientation[:3], np.float64), np.array(orientation[3:], np.float64)
    return np.array(position, np.float64), np.cross(rows, columns)
