"""The state of the ibus panel after the calls that ibus makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from display_server.desktop.input_method.lookup_table import Page, PanelState, Row
from display_server.desktop.input_method.mode_indicator import FILE_NAME, ModeIndicator


def ibus_text(text: str) -> tuple[str, Any]:
    """Returns an IBusText in a variant, as ibus 1.5 sends it."""
    return "(sa{sv}sv)", ("IBusText", {}, text, ("(sa{sv}av)", ("IBusAttrList", {}, [])))


def ibus_table(
    candidates: str, cursor: int = 0, *, page_size: int = 9, labels: str = "", is_round: bool = False
) -> tuple[str, Any]:
    """Returns an IBusLookupTable of candidates of one character each, as ibus 1.5 sends it."""
    texts = [ibus_text(candidate) for candidate in candidates], [ibus_text(label) for label in labels]
    return "(sa{sv}uubbiavav)", ("IBusLookupTable", {}, page_size, cursor, True, is_round, 2, *texts)


def state_after(*calls: tuple[str, tuple[Any, ...]]) -> PanelState:
    state = PanelState()
    for member, arguments in calls:
        state.handle_call(member, arguments)
    return state


def rows_of(state: PanelState) -> str:
    """Returns the candidates of the page, the current one in brackets."""
    page = state.page()
    assert page is not None
    return "".join(f"[{row.candidate}]" if row.current else row.candidate for row in page.rows)


def test_the_window_is_hidden_until_a_table_is_shown() -> None:
    state = state_after(("UpdateLookupTable", (ibus_table("韓漢"), False)))
    assert state.page() is None
    state.handle_call("ShowLookupTable", ())
    assert rows_of(state) == "[韓]漢"
    assert state_after(("UpdateLookupTable", (ibus_table(""), True))).page() is None


@pytest.mark.parametrize(
    "call", [("HideLookupTable", ()), ("FocusOut", ("/context",)), ("Reset", ())], ids=lambda call: call[0]
)
def test_a_call_hides_the_window(call: tuple[str, tuple[Any, ...]]) -> None:
    assert state_after(("UpdateLookupTable", (ibus_table("韓漢"), True)), call).page() is None


def test_the_page_contains_the_cursor_and_the_auxiliary_text() -> None:
    state = state_after(
        ("UpdateAuxiliaryText", (ibus_text("한정할 한"), True)),
        ("UpdateLookupTable", (ibus_table("韓漢寒限閑", 3, page_size=2), True)),
        ("SetCursorLocation", (10, 20, 0, 38)),
        ("StateChanged", ()),
    )
    rows = Row("1", "寒", False), Row("2", "限", True)
    assert state.page() == Page(rows, number=2, count=3, auxiliary="한정할 한")
    assert state.caret == (10, 20, 0, 38)
    state.handle_call("HideAuxiliaryText", ())
    assert state.page() == Page(rows, number=2, count=3, auxiliary="")


def test_labels_of_the_engine_replace_numbers() -> None:
    page = state_after(("UpdateLookupTable", (ibus_table("韓漢", labels="a"), True))).page()
    assert page is not None
    assert [row.label for row in page.rows] == ["a", "2"]


@pytest.mark.parametrize(
    ("member", "start", "is_round", "expected"),
    [
        ("CursorDownLookupTable", 0, False, "韓[漢]"),
        ("CursorUpLookupTable", 0, False, "[韓]漢"),
        ("CursorUpLookupTable", 0, True, "[閑]"),
        ("PageDownLookupTable", 1, False, "寒[限]"),
        ("PageDownLookupTable", 3, False, "[閑]"),
        ("PageUpLookupTable", 2, False, "[韓]漢"),
    ],
)
def test_calls_move_the_cursor(member: str, start: int, is_round: bool, expected: str) -> None:
    table = ibus_table("韓漢寒限閑", start, page_size=2, is_round=is_round)
    assert rows_of(state_after(("UpdateLookupTable", (table, True)), (member, ()))) == expected


@pytest.mark.parametrize(
    "table",
    [ibus_text("한"), ibus_table("韓漢", 2), ibus_table("韓", page_size=0)],
    ids=["a text", "cursor beyond the end", "empty pages"],
)
def test_an_invalid_table_is_refused(table: Any) -> None:
    with pytest.raises(ValueError, match="IBusLookupTable"):
        state_after(("UpdateLookupTable", (table, True)))


def test_a_caret_is_known_until_the_focus_leaves() -> None:
    state = state_after(("SetCursorLocation", (10, 20, 0, 38)))
    assert state.focused_caret == (10, 20, 0, 38)
    state.handle_call("FocusOut", ("/context",))
    assert [state.focused_caret, state.caret] == [None, (10, 20, 0, 38)]
    state.handle_call("SetCursorLocation", (11, 20, 0, 38))
    assert state.focused_caret == (11, 20, 0, 38)


def ibus_property(key: str, state: int) -> tuple[str, Any]:
    """Returns an IBusProperty in a variant, as ibus 1.5 sends it."""
    label, icon, tooltip, symbol = ibus_text("Hangul mode"), "", ibus_text(""), ibus_text("")
    sub_properties: Any = ("(sa{sv}av)", ("IBusPropList", {}, []))
    fields = (key, 1, label, icon, tooltip, True, True, state, sub_properties, symbol)
    return "(sa{sv}suvsvbbuvv)", ("IBusProperty", {}, *fields)


def test_the_mode_is_that_of_the_engines_property() -> None:
    assert state_after().hangul is None
    others = ibus_property("hanja_mode", 1), ibus_property("InputMode", 0)
    listed: Any = ("(sa{sv}av)", ("IBusPropList", {}, list(others)))
    registered = "RegisterProperties", (listed,)
    assert state_after(registered).hangul is False
    switched = "UpdateProperty", (ibus_property("InputMode", 1),)
    assert state_after(registered, switched).hangul is True


def test_the_panel_of_the_desktop_gets_a_line_for_each_change_of_the_mode(tmp_path: Path) -> None:
    indicator = ModeIndicator(tmp_path)
    for mode in (None, False, False, True, None, False):
        indicator.show(mode)
    assert (tmp_path / FILE_NAME).read_text() == "EN\n한\nEN\n"
    ModeIndicator(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == "", "an old mode must not stay after a restart"
