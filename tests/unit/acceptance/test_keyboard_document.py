"""Tests how the tables of docs/keyboards.md are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.keyboard_document import linux_cells

DOCUMENT = """# Keyboards
| sign | meaning |
|---|---|
| ● | real keys |

## Layouts on Linux
| layout | shortcuts | Chromium | Firefox | WebKitGTK |
|---|---|---|---|---|
| German | letters | ● | untested³ | ◐ |
| Thai | letters | – | ▲ | impossible⁴ |

## Other systems
| what | Windows | Linux tablets |
|---|---|---|
| dead keys | untested | untested |
"""


def test_the_cells_of_linux_are_found_and_the_others_left_out() -> None:
    cells = linux_cells(DOCUMENT)
    assert [(cell.row, cell.engine) for cell in cells if cell.untested] == [
        ("German", "Firefox"),
        ("German", "WebKitGTK"),
        ("dead keys", "Linux tablets"),
    ]
    assert len(cells) == 7


def test_the_document_of_the_project_can_be_read() -> None:
    document = (Path(__file__).parents[3] / "docs" / "keyboards.md").read_text()
    assert len(linux_cells(document)) >= 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("| WebKitGTK |", "| Safari |", "no table of Linux has a column 'WebKitGTK'"),
        ("| ● | untested³ | ◐ |", "| ● | untested³ |", "4 cells below a header of 5"),
        ("| ● | untested³ | ◐ |", "| ● |  | ◐ |", "'German' in Firefox says ''"),
        ("| ● | untested³ | ◐ |", "| ● | soon | ◐ |", "'German' in Firefox says 'soon'"),
        ("|---|---|---|---|---|\n", "", "line 7: a table without a line of dashes"),
        ("## Layouts on Linux", "## Layouts", "no table of Linux has a column 'Chromium'"),
    ],
)
def test_tables_that_cannot_be_read_are_an_error(old: str, new: str, fault: str) -> None:
    assert old in DOCUMENT
    with pytest.raises(ValueError, match=fault):
        linux_cells(DOCUMENT.replace(old, new))
