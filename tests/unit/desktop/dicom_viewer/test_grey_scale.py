"""Windows and VOI LUTs, compared with pydicom's own implementation."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from display_server.desktop.dicom_viewer.grey_scale import (
    GreyFrame,
    LookupTable,
    Window,
    full_range,
)
from display_server.desktop.dicom_viewer.refusals import UnshowableError

VALUES = np.arange(-1200, 3200, dtype=np.float64)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(
    ("centre", "width"), [(40, 80), (15000, 30000), (2000.75, 30.5), (0, 1), (-600, 1500)]
)
def test_windows_equal_those_of_pydicom(function: str, centre: float, width: float) -> None:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = 16, 0
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = centre, width, function
    expected = apply_windowing(VALUES, dataset) / 65535
    np.testing.assert_allclose(Window(centre, width, function).fractions(VALUES), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("centre", "width", "function"),
    [(0, 0.5, "LINEAR"), (0, 0, "LINEAR_EXACT"), (0, 10, "CUBIC"), (float("nan"), 10, "LINEAR")],
)
def test_windows_that_the_standard_forbids_are_refused(centre: float, width: float, function: str) -> None:
    with pytest.raises(UnshowableError):
        Window(centre, width, function)


def test_a_lookup_table_takes_its_nearest_entry_outside() -> None:
    table = LookupTable(-2, np.array([0, 10, 255], np.uint16), 8)
    fractions = table.fractions(np.array([-9.0, -2.0, -1.0, 0.0, 7.0]))
    assert np.rint(fractions * 255).tolist() == [0, 0, 10, 255, 255]


def test_a_lookup_table_with_entries_beyond_its_depth_is_refused() -> None:
    with pytest.raises(UnshowableError):
        LookupTable(0, np.array([0, 256], np.uint16), 8)


def test_the_full_range_goes_from_black_to_white() -> None:
    values = np.array([100.0, 150.0, 200.0])
    assert full_range(values).fractions(values).tolist() == [0, 0.5, 1]


def test_inversion_comes_last() -> None:
    stored = np.array([[0, 255]], np.uint8)
    values = np.arange(256, dtype=np.float64)
    frame = GreyFrame(stored, 0, values, inverted=True, voi=Window(128, 256))
    assert frame.levels().tolist() == [[255, 0]]
    assert frame.levels(Window(0.5, 1)).tolist() == [[255, 0]]
