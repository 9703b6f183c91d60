"""The image of the candidate window, drawn with the fonts that fontconfig finds."""

from __future__ import annotations

import numpy as np
import pytest

from display_server.desktop.input_method import fonts
from display_server.desktop.input_method.lookup_table import Page, Row
from display_server.desktop.input_method.rendering import MEANING_MAX_PX, MEANING_PX, render_page


@pytest.fixture(scope="module")
def installed() -> fonts.Fonts:
    return fonts.installed()


PAGE = Page((Row("1", "韓", False), Row("2", "漢", True), Row("3", "寒", False)), 1, 1, "한수 한")


def test_the_current_row_has_the_accent_colour(installed: fonts.Fonts) -> None:
    rendered = render_page(PAGE, {}, installed, 100)
    edge = np.asarray(rendered.image)[:, 3]
    accented = {rendered.row_at(y) for y in range(len(edge)) if edge[y].tolist() == [0x1F, 0x6F, 0x8B]}
    assert accented == {1}
    rows = [rendered.row_at(y) for y in (-9, 1, rendered.image.height - 2, 9999)]
    assert rows == [None, 0, 2, None]


def test_clicks_on_the_footer_turn_pages(installed: fonts.Fonts) -> None:
    rendered = render_page(Page(PAGE.rows, 2, 12, ""), {}, installed, 100)
    footer, right = rendered.image.height - 10, rendered.image.width - 5
    assert rendered.image.height > render_page(PAGE, {}, installed, 100).image.height
    assert render_page(PAGE, {}, installed, 100, right + 99).image.width == right + 99
    assert rendered.row_at(footer) is None
    assert [rendered.pages_at(5, footer), rendered.pages_at(right, footer), rendered.pages_at(5, 10)] == [
        -1,
        1,
        0,
    ]


def test_rare_hanja_are_drawn(installed: fonts.Fonts) -> None:
    """Two Hanja that no font contains would be drawn as the same box."""
    glyphs = set()
    for hanja in "韓漢捍鼾":
        rendered = render_page(Page((Row("1", hanja, False),), 1, 1, ""), {}, installed, 100)
        glyphs.add(rendered.image.tobytes())
    assert len(glyphs) == 4


def test_the_window_follows_the_text_scale_and_long_meanings_are_cut(installed: fonts.Fonts) -> None:
    small, large = (render_page(PAGE, {}, installed, percent).image for percent in (100, 200))
    assert 1.8 < large.width / small.width < 2.2
    assert 1.8 < large.height / small.height < 2.2
    long = installed.shorten("가나 " * 99, MEANING_PX, MEANING_MAX_PX)
    assert long.endswith(("가…", "나…"))
    assert installed.width(long, MEANING_PX) <= MEANING_MAX_PX
