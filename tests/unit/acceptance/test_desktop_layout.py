"""What counts as cut off or covered on a new desktop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.e2e.desktop_layout import Box, Framed, Layout, title_marks

SCREEN, PANEL = Box(0, 0, 800, 600), Box(0, 560, 800, 600)
TITLE_BAR = Box(0, 0, 800, 24)
EDITOR = Framed("editor", Box(0, 0, 800, 560), TITLE_BAR)
TAB = ("the badge's tab", Box(340, 0, 460, 24))


def pixels(*marks: Box) -> NDArray[np.uint8]:
    """Returns a desktop of one colour, with bright marks."""
    image = np.full((600, 800, 3), 40, np.uint8)
    for mark in marks:
        image[mark.top : mark.bottom, mark.left : mark.right] = 220
    return image


TITLE, BUTTONS = Box(30, 6, 200, 18), Box(760, 6, 790, 18)
FINE = Layout(SCREEN, (EDITOR,), (PANEL,), (TAB,), (), pixels(TITLE, BUTTONS))


def test_a_desktop_on_which_everything_is_visible_has_no_fault() -> None:
    assert FINE.faults() == []


@pytest.mark.parametrize(
    ("layout", "fault"),
    [
        (replace(FINE, outside=("the desktop",)), "the desktop is cut off by the browser's window"),
        (replace(FINE, panels=()), "there is no panel"),
        (replace(FINE, panels=(Box(0, 570, 800, 610),)), "the panel is cut off"),
        (replace(FINE, windows=(replace(EDITOR, frame=Box(0, 0, 800, 561)),)), "outside of the work area"),
        (replace(FINE, windows=(replace(EDITOR, frame=Box(-1, 0, 800, 560)),)), "outside of the work area"),
        (replace(FINE, windows=(replace(EDITOR, title_bar=Box(0, 0, 800, 0)),)), "editor has no title bar"),
        (replace(FINE, pixels=pixels(BUTTONS)), "editor shows no title"),
        (replace(FINE, pixels=pixels(TITLE)), "editor shows no buttons"),
        (
            replace(FINE, pixels=pixels(BUTTONS, Box(30, 6, 345, 18))),
            "the badge's tab covers the title or a button of editor",
        ),
        (
            replace(FINE, overlays=(TAB, ("the finger's control", Box(740, 0, 800, 50)))),
            "the finger's control covers the title or a button of editor",
        ),
        (
            replace(FINE, overlays=((TAB[0], Box(340, 0, 460, 30)),)),
            "the badge's tab covers 6 rows of editor",
        ),
        (
            replace(FINE, windows=(EDITOR, Framed("files", Box(400, 10, 800, 300), Box(400, 10, 800, 34)))),
            "files covers the title bar of editor",
        ),
    ],
)
def test_what_is_cut_off_or_covered_is_described(layout: Layout, fault: str) -> None:
    assert [found for found in layout.faults() if fault in found], layout.faults()


def test_a_panel_may_be_at_the_upper_edge() -> None:
    window = Framed("editor", Box(0, 40, 800, 600), Box(0, 40, 800, 64))
    image = pixels(Box(30, 46, 200, 58), Box(760, 46, 790, 58))
    layout = replace(FINE, windows=(window,), panels=(Box(0, 0, 800, 40),), overlays=(), pixels=image)
    assert layout.faults() == []


def test_the_border_of_a_title_bar_is_no_title() -> None:
    bar = np.full((24, 100, 3), 40, np.uint8)
    bar[0], bar[-1], bar[:, 0], bar[:, -1] = 90, 90, 90, 90
    assert not title_marks(bar).any()
