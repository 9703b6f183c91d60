"""The test objects among the sample studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from display_server.desktop.dicom_viewer import add_test_objects, phantoms
from display_server.desktop.dicom_viewer.decoding import decode, read
from display_server.desktop.dicom_viewer.grey_scale import GreyFrame
from display_server.desktop.dicom_viewer.series import find_series
from display_server.desktop.display_check.patterns import tg18_qc


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("studies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["add_test_objects", str(target)])
        assert add_test_objects.main() == 0
    return target


def test_patterns_are_shown_with_their_own_levels(folder: Path) -> None:
    frame = decode(read(folder / "Test object TG18-QC" / "001.dcm"))
    assert isinstance(frame, GreyFrame)
    assert np.array_equal(frame.levels(), tg18_qc(phantoms.TG18_PX, phantoms.TG18_PX)[:, :, 0])
    board = decode(read(folder / "Test object checkerboard" / "001.dcm"))
    assert isinstance(board, GreyFrame)
    assert np.array_equal(board.levels()[:2, :3], [[0, 255, 0], [255, 0, 255]])


def test_the_phantom_is_a_stack_with_a_korean_name_and_a_window_that_shows_it(folder: Path) -> None:
    (series,) = find_series([folder / "Phantom CT, 64 slices"])
    assert len(series.slices) == 64
    assert "홍길동" in series.patient
    frame = decode(read(series.slices[series.first_shown].path))
    assert isinstance(frame, GreyFrame)
    levels = frame.levels()
    assert 20 < levels.mean() < 150
    assert len(np.unique(levels)) > 100


def test_studies_that_exist_are_not_written_again(folder: Path) -> None:
    assert phantoms.write_missing(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == sorted(phantoms.STUDIES)


def test_the_same_study_has_the_same_content_everywhere(folder: Path, tmp_path: Path) -> None:
    phantoms.write_missing(tmp_path)
    name = "Phantom CT, 64 slices/032.dcm"
    assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
