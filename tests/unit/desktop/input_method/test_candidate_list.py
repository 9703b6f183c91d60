"""The list of Hanja: what ibus tells, what is drawn of it, and where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.desktop.input_method import fonts
from display_server.desktop.input_method.meanings import Meanings
from display_server.desktop.input_method.picture import MEANING_MOST_PX, MEANING_PX, draw
from display_server.desktop.input_method.table import CandidateList, Page, Row
from display_server.desktop.input_method.window import placed
from display_server.desktop.x11.monitors import Monitor

DICTIONARY = """\
# reading:hanja:meaning
하:下:아래 하
한:韓:나라 이름 한, 한나라 한
한:漢:한수 한
한한:寒汗:
할:割:나눌 할
"""


def ibus_text(text: str) -> tuple[str, Any]:
    """As ibus 1.5 sends an IBusText in a variant."""
    return "(sa{sv}sv)", ("IBusText", {}, text, ("(sa{sv}av)", ("IBusAttrList", {}, [])))


def ibus_table(
    candidates: str, cursor: int = 0, *, page_size: int = 9, labels: str = "", around: bool = False
) -> tuple[str, Any]:
    """As ibus 1.5 sends an IBusLookupTable of candidates of one character each."""
    texts = [ibus_text(candidate) for candidate in candidates], [ibus_text(label) for label in labels]
    return "(sa{sv}uubbiavav)", ("IBusLookupTable", {}, page_size, cursor, True, around, 2, *texts)


def told(*calls: tuple[str, tuple[Any, ...]]) -> CandidateList:
    candidates = CandidateList()
    for member, arguments in calls:
        candidates.tell(member, arguments)
    return candidates


def rows_of(candidates: CandidateList) -> str:
    """The page's candidates, the current one in brackets."""
    page = candidates.page()
    assert page is not None
    return "".join(f"[{row.candidate}]" if row.current else row.candidate for row in page.rows)


def test_nothing_is_shown_before_a_table_is() -> None:
    hidden = told(("UpdateLookupTable", (ibus_table("韓漢"), False)))
    assert hidden.page() is None
    hidden.tell("ShowLookupTable", ())
    assert rows_of(hidden) == "[韓]漢"
    assert told(("UpdateLookupTable", (ibus_table(""), True))).page() is None


@pytest.mark.parametrize(
    "call", [("HideLookupTable", ()), ("FocusOut", ("/context",)), ("Reset", ())], ids=lambda call: call[0]
)
def test_what_hides_the_list(call: tuple[str, tuple[Any, ...]]) -> None:
    assert told(("UpdateLookupTable", (ibus_table("韓漢"), True)), call).page() is None


def test_the_page_with_the_cursor_and_what_is_said_of_it() -> None:
    candidates = told(
        ("UpdateAuxiliaryText", (ibus_text("한정할 한"), True)),
        ("UpdateLookupTable", (ibus_table("韓漢寒限閑", 3, page_size=2), True)),
        ("SetCursorLocation", (10, 20, 0, 38)),
        ("StateChanged", ()),
    )
    rows = Row("1", "寒", False), Row("2", "限", True)
    assert candidates.page() == Page(rows, number=2, count=3, auxiliary="한정할 한")
    assert candidates.caret == (10, 20, 0, 38)
    candidates.tell("HideAuxiliaryText", ())
    assert candidates.page() == Page(rows, number=2, count=3, auxiliary="")


def test_labels_of_the_engine_go_before_numbers() -> None:
    page = told(("UpdateLookupTable", (ibus_table("韓漢", labels="a"), True))).page()
    assert page is not None
    assert [row.label for row in page.rows] == ["a", "2"]


@pytest.mark.parametrize(
    ("member", "start", "around", "expected"),
    [
        ("CursorDownLookupTable", 0, False, "韓[漢]"),
        ("CursorUpLookupTable", 0, False, "[韓]漢"),
        ("CursorUpLookupTable", 0, True, "[閑]"),
        ("PageDownLookupTable", 1, False, "寒[限]"),
        ("PageDownLookupTable", 3, False, "[閑]"),
        ("PageUpLookupTable", 2, False, "[韓]漢"),
    ],
)
def test_ibus_moves_the_cursor(member: str, start: int, around: bool, expected: str) -> None:
    table = ibus_table("韓漢寒限閑", start, page_size=2, around=around)
    assert rows_of(told(("UpdateLookupTable", (table, True)), (member, ()))) == expected


@pytest.mark.parametrize(
    "table",
    [ibus_text("한"), ibus_table("韓漢", 2), ibus_table("韓", page_size=0)],
    ids=["a text", "cursor beyond the end", "empty pages"],
)
def test_no_table_is_refused(table: Any) -> None:
    with pytest.raises(ValueError, match="IBusLookupTable"):
        told(("UpdateLookupTable", (table, True)))


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "hanja.txt"
    path.write_text(DICTIONARY, "utf-8")
    return path


def test_meanings_of_the_whole_reading(dictionary: Path) -> None:
    assert Meanings(dictionary).of("漢", "한수 한") == {"韓": "나라 이름 한, 한나라 한", "漢": "한수 한"}


def test_meanings_without_an_entry_or_a_dictionary(dictionary: Path, tmp_path: Path) -> None:
    assert Meanings(dictionary).of("寒汗", "") == {}
    assert Meanings(dictionary).of("漢", "another") == {"漢": "another"}
    assert Meanings(tmp_path / "missing").of("漢", "한수 한") == {"漢": "한수 한"}


@pytest.fixture(scope="module")
def installed() -> fonts.Fonts:
    return fonts.installed()


PAGE = Page((Row("1", "韓", False), Row("2", "漢", True), Row("3", "寒", False)), 1, 1, "한수 한")


def test_one_row_has_the_accent(installed: fonts.Fonts) -> None:
    picture = draw(PAGE, {}, installed, 100)
    edge = np.asarray(picture.image)[:, 3]
    accented = {picture.row_at(y) for y in range(len(edge)) if edge[y].tolist() == [0x1F, 0x6F, 0x8B]}
    assert accented == {1}
    rows = [picture.row_at(y) for y in (-9, 1, picture.image.height - 2, 9999)]
    assert rows == [None, 0, 2, None]


def test_the_foot_turns_pages(installed: fonts.Fonts) -> None:
    picture = draw(Page(PAGE.rows, 2, 12, ""), {}, installed, 100)
    foot, right = picture.image.height - 10, picture.image.width - 5
    assert picture.image.height > draw(PAGE, {}, installed, 100).image.height
    assert draw(PAGE, {}, installed, 100, right + 99).image.width == right + 99
    assert picture.row_at(foot) is None
    assert [picture.pages_at(5, foot), picture.pages_at(right, foot), picture.pages_at(5, 10)] == [-1, 1, 0]


def test_each_hanja_is_drawn(installed: fonts.Fonts) -> None:
    """Rare ones too, and none as the box of a missing character, which would make two of them equal."""
    glyphs = set()
    for hanja in "韓漢捍鼾":
        picture = draw(Page((Row("1", hanja, False),), 1, 1, ""), {}, installed, 100)
        glyphs.add(picture.image.tobytes())
    assert len(glyphs) == 4


def test_text_scale_and_long_meanings(installed: fonts.Fonts) -> None:
    small, large = (draw(PAGE, {}, installed, percent).image for percent in (100, 200))
    assert 1.8 < large.width / small.width < 2.2
    assert 1.8 < large.height / small.height < 2.2
    long = installed.shortened("가나 " * 99, MEANING_PX, MEANING_MOST_PX)
    assert long.endswith(("가…", "나…"))
    assert installed.width(long, MEANING_PX) <= MEANING_MOST_PX


MONITORS = [Monitor(0, 0, 0, 1280, 800), Monitor(1, 1280, 100, 800, 600)]


@pytest.mark.parametrize(
    ("caret", "expected"),
    [
        ((100, 100, 2, 20), (100, 124)),  # below
        ((100, 700, 2, 20), (100, 396)),  # above
        ((1275, 100, 2, 20), (1080, 124)),  # kept on its monitor
        ((1290, 150, 0, 20), (1290, 174)),  # on the other one
        ((5000, 5000, 0, 0), (1880, 400)),  # outside of all
    ],
)
def test_where_the_list_goes(caret: tuple[int, int, int, int], expected: tuple[int, int]) -> None:
    assert placed((200, 300), caret, MONITORS) == expected


@pytest.mark.parametrize(("caret_x", "expected"), [(100, (106, 200)), (1100, (696, 200))])
def test_a_high_list_goes_beside_the_caret(caret_x: int, expected: tuple[int, int]) -> None:
    assert placed((400, 600), (caret_x, 300, 2, 40), MONITORS) == expected


@given(
    st.tuples(*(st.integers(-3000, 3000),) * 2, st.just(0), st.integers(0, 60)),
    st.tuples(st.integers(1, 800), st.integers(1, 600)),
)
def test_the_list_is_within_one_monitor(caret: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    x, y = placed(size, caret, MONITORS)
    assert any(m.x <= x and m.y <= y and x + size[0] <= m.right and y + size[1] <= m.bottom for m in MONITORS)
