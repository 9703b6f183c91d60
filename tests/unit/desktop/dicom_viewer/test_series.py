"""How series are found and ordered, and how patients' names are written."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.valuerep import PersonName

from benchmarks.dicom_viewers import generated
from display_server.desktop.dicom_viewer.frames import FrameCache
from display_server.desktop.dicom_viewer.phantoms import KOREAN_NAME, image_dataset
from display_server.desktop.dicom_viewer.refusals import UnshowableError
from display_server.desktop.dicom_viewer.series import find_series, readable_name


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("Doe^Jane^^Dr", "Doe Jane Dr"),
        ("CompressedSamples^RG1", "CompressedSamples RG1"),
        (KOREAN_NAME, "Hong Gildong 홍길동 洪吉洞"),
        ("", ""),
    ],
)
def test_names_are_written_as_people_write_them(name: str, readable: str) -> None:
    assert readable_name(PersonName(name)) == readable


def test_a_korean_name_survives_its_character_set(tmp_path: Path) -> None:
    opened = generated.write(tmp_path)
    (series,) = find_series([opened["korean-name"]])
    assert series.patient == "Hong Gildong 홍길동 洪吉洞"


def test_slices_are_ordered_by_position_and_not_by_number(tmp_path: Path) -> None:
    (series,) = find_series([generated.write(tmp_path)["shuffled-stack"]])
    assert [part.path.stem for part in series.slices] == [str(n) for n in generated.SHUFFLED_NUMBERS]
    assert series.first_shown == 0


def test_frames_of_one_file_are_slices(tmp_path: Path) -> None:
    dataset = image_dataset("frames", generated.relief())
    dataset.NumberOfFrames = 2
    dataset.PixelData *= 2
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (series,) = find_series([tmp_path])
    assert [part.frame for part in series.slices] == [0, 1]


def test_hidden_files_and_other_files_are_left_out(tmp_path: Path) -> None:
    image_dataset("one", generated.relief()).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (tmp_path / "letter.txt").write_text("Dear colleague")
    hidden = tmp_path / ".partial"
    hidden.mkdir()
    (hidden / "b.dcm").write_bytes((tmp_path / "a.dcm").read_bytes())
    (series,) = find_series([tmp_path])
    assert [part.path.name for part in series.slices] == ["a.dcm"]


def test_damaged_files_are_refused_or_shown_but_never_end_the_viewer(tmp_path: Path) -> None:
    source = Path(pydicom.__file__).parent / "data" / "test_files"
    random = np.random.default_rng(5)
    for name in ("MR_small.dcm", "MR_small_RLE.dcm", "examples_overlay.dcm"):
        original = np.frombuffer((source / name).read_bytes()[:20_000], np.uint8)
        for number in range(60):
            damaged = original.copy()
            places = random.integers(132, 2500, random.integers(1, 12))
            damaged[places] = random.integers(0, 256, len(places))
            file = tmp_path / f"{number}-{name}"
            file.write_bytes(damaged.tobytes())
            frames = FrameCache()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for series in find_series([file]):
                    for part in series.slices[:2]:
                        with contextlib.suppress(UnshowableError):
                            frames.load(part)


def test_a_series_is_found_by_its_file(tmp_path: Path) -> None:
    (series,) = find_series([generated.write(tmp_path)["shuffled-stack"]])
    assert series.index_of(series.slices[3].path) == 3
    assert series.index_of(tmp_path / "other.dcm") is None
