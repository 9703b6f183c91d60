"""The viewer table: how a picture is found on a screen and judged, and how the table is written."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.dicom_viewers.expected import Picture
from benchmarks.dicom_viewers.generated import relief
from benchmarks.dicom_viewers.judgement import Outcome, judge, locate
from benchmarks.dicom_viewers.table import (
    BEGIN,
    END,
    Cell,
    Row,
    Table,
    markdown,
    ordered,
    replace_block,
    with_row,
)


@pytest.fixture
def picture() -> Picture:
    return np.repeat((relief(8)[:100, :120].astype(np.uint8))[:, :, None], 3, axis=2)


def screen_with(picture: Picture) -> Picture:
    screen = np.full((200, 300, 3), 40, np.uint8)
    screen[30:130, 50:170] = picture
    return screen


def test_a_right_picture_is_found_and_right(picture: Picture) -> None:
    assert locate(screen_with(picture), picture) == (50, 30)
    found = judge(screen_with(picture), [picture], None, error_said=False)
    assert (found.outcome, found.worst) == (Outcome.RIGHT, 0)


def test_one_level_is_rounding_and_two_are_wrong(picture: Picture) -> None:
    for difference, outcome in ((1, Outcome.RIGHT), (2, Outcome.SILENTLY_WRONG)):
        shown = np.where(picture > 200, picture - difference, picture).astype(np.uint8)
        assert judge(screen_with(shown), [picture], None, error_said=False).outcome is outcome


def test_another_window_and_an_inversion_are_found_and_wrong(picture: Picture) -> None:
    for shown in (255 - picture, picture // 2, np.minimum(picture.astype(int) + 24, 255).astype(np.uint8)):
        found = judge(screen_with(shown), [picture], None, error_said=False)
        assert found.outcome is Outcome.SILENTLY_WRONG
        assert found.worst is not None
        assert found.worst > 20


def test_masked_pixels_are_not_compared(picture: Picture) -> None:
    shown, mask = picture.copy(), np.zeros(picture.shape[:2], bool)
    shown[3:8, 3:8], mask[3:8, 3:8] = 255, True
    assert judge(screen_with(shown), [picture], mask, error_said=False).outcome is Outcome.RIGHT


def test_one_of_two_decoders_suffices(picture: Picture) -> None:
    other = np.clip(picture.astype(int) + 5, 0, 255).astype(np.uint8)
    assert judge(screen_with(picture), [other, picture], None, error_said=False).outcome is Outcome.RIGHT


def test_a_message_counts_unless_the_picture_is_right(picture: Picture) -> None:
    empty = np.full((200, 300, 3), 40, np.uint8)
    assert judge(empty, [picture], None, error_said=True).outcome is Outcome.ERROR_SAID
    assert judge(empty, [], None, error_said=False).outcome is Outcome.NOT_FOUND
    assert judge(screen_with(picture), [picture], None, error_said=True).outcome is Outcome.RIGHT


def test_a_picture_larger_than_the_screen_is_not_found(picture: Picture) -> None:
    assert locate(picture[:50], picture) is None


def test_the_table_counts_and_replaces_its_block() -> None:
    cells = [Cell("a", Outcome.RIGHT, 1, 0.1, 0.5, 50), Cell("b", Outcome.SILENTLY_WRONG, 24, 20.0, 1.5, 70)]
    table = Table({"a": "1.0", "b": "2.0"}, [Row("x.dcm", "window", "pydicom", cells)])
    assert table.count("b", Outcome.SILENTLY_WRONG) == 1
    assert table.worst("b") == 24
    block = markdown(table)
    assert "| a | 1.0 | 1 | 0 | 0 | 0 | 0.5 s | 50 MB |" in block
    assert "**wrong** by up to 24, 20.0 on average" in block
    assert replace_block(f"before\n{BEGIN}\nold\n{END}\nafter\n", block) == f"before\n{block}\nafter\n"
    with pytest.raises(ValueError, match="lacks"):
        replace_block("nothing", block)


def test_a_row_replaces_the_cells_of_its_viewers_alone() -> None:
    def row(viewer: str, worst: int, file: str) -> Row:
        return Row(file, "", "", [Cell(viewer, Outcome.RIGHT, worst, 0.0, 1.0, 1.0)])

    table = Table({}, [])
    for file in ("x", "y"):
        table = with_row(table, row("a", 0, file), {"a": "1"})
    table = with_row(table, row("b", 0, "x"), {"b": "1"})
    table = with_row(table, row("a", 1, "x"), {"a": "2"})
    assert [(cell.viewer, cell.worst) for cell in table.rows[0].cells] == [("a", 1), ("b", 0)]
    assert table.versions == {"a": "2", "b": "1"}
    turned = ordered(table, ["b", "a"], ["y", "z"])
    assert list(turned.versions) == ["b", "a"]
    assert [found.file for found in turned.rows] == ["y"]
