"""Every file of the viewer table is shown as pydicom computes it, or refused with a reason."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest

from benchmarks.dicom_viewers import cases, generated
from benchmarks.dicom_viewers.expected import expected_pictures, overlay_mask
from benchmarks.dicom_viewers.judgement import ERROR_MAX
from display_server.desktop.dicom_viewer.decoding import decode, frame_count, overlay, pixel_aspect, read
from display_server.desktop.dicom_viewer.grey_scale import GreyFrame
from display_server.desktop.dicom_viewer.phantoms import image_dataset
from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError

#: Files that have to be refused, and why.
REFUSED = {
    "MR_truncated.dcm": Reason.DECODING,
    "rtdose_1frame.dcm": Reason.DEPTH,
    "rtplan.dcm": Reason.NO_IMAGE,
    "SC_rgb_32bit.dcm": Reason.DEPTH,
    "contradiction": Reason.PRESENTATION,
    "OT-PAL-8-face.dcm": Reason.NO_DICOM,  # it has no preamble
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, cases.Case]:
    return {case.name: case for case in cases.cases(tmp_path_factory.mktemp("cases"))}


def test_the_table_has_enough_files_of_each_source() -> None:
    assert len(cases.PYDICOM) + len(cases.PYDICOM_DATA) >= 25
    assert set(cases.GENERATED) == {*generated.FILES, "shuffled-stack"}


@pytest.mark.parametrize("name", [*cases.PYDICOM, *cases.PYDICOM_DATA, *cases.GENERATED])
def test_no_file_is_silently_wrong(table: dict[str, cases.Case], name: str) -> None:
    file = table[name].file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of what is wrong in some of these files
        refusal: Reason | None = None
        try:
            frame = decode(read(file))
        except UnshowableError as error:
            refusal = error.reason
        else:
            shown = (
                np.repeat(frame.levels()[:, :, None], 3, 2) if isinstance(frame, GreyFrame) else frame.pixels
            )
            errors = [
                np.abs(shown.astype(int) - right).max() for right in expected_pictures(pydicom.dcmread(file))
            ]
            assert errors, "pydicom does not decode what the viewer shows"
            assert min(errors) <= ERROR_MAX
    if name in REFUSED:
        assert refusal is REFUSED[name]
    else:
        assert refusal in (None, Reason.DECODING), "only a missing decoder may refuse this file"


def test_an_overlay_is_where_the_file_places_it(table: dict[str, cases.Case]) -> None:
    dataset = read(table["overlay"].file)
    covered = overlay(dataset)
    assert covered is not None
    assert np.array_equal(covered, overlay_mask(dataset))
    assert covered[30, 50]
    assert not covered[29, 50]
    assert overlay(read(table["signed"].file)) is None


def test_an_overlay_inside_of_the_pixels_is_refused() -> None:
    dataset = _dataset()
    dataset.add_new((0x6000, 0x0010), "US", 4)
    with pytest.raises(UnshowableError) as refused:
        decode(dataset)
    assert refused.value.reason is Reason.OVERLAY_IN_PIXELS


def test_an_unknown_colour_space_is_refused() -> None:
    dataset = _dataset()
    dataset.PhotometricInterpretation = "CMYK"
    with pytest.raises(UnshowableError) as refused:
        decode(dataset)
    assert (refused.value.reason, refused.value.detail) == (Reason.COLOUR_SPACE, "CMYK")


def test_a_file_that_is_not_dicom_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "letter.dcm"
    file.write_text("Dear colleague")
    with pytest.raises(UnshowableError) as refused:
        read(file)
    assert refused.value.reason is Reason.NO_DICOM


def test_frames_of_enhanced_files_have_windows_of_their_own(table: dict[str, cases.Case]) -> None:
    dataset = pydicom.dcmread(table["eCT_Supplemental.dcm"].file)
    for index in range(frame_count(dataset)):
        frame = decode(dataset, index)
        assert isinstance(frame, GreyFrame)
        (right,) = expected_pictures(dataset, index)
        assert np.abs(frame.levels().astype(int) - right[:, :, 0]).max() <= ERROR_MAX


def test_pixels_that_are_not_square_have_an_aspect(table: dict[str, cases.Case]) -> None:
    assert pixel_aspect(read(table["not-square"].file)) == 1.5
    assert pixel_aspect(read(table["signed"].file)) == 1


def _dataset() -> pydicom.Dataset:
    return image_dataset("one", generated.relief(), bits_stored=12)
