"""The state of the ibus panel: what ibus's calls say that the candidate window must show. No I/O.

The calls are those of the D-Bus interface org.freedesktop.IBus.Panel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

#: (x, y, width, height) on the screen, px.
Rectangle = tuple[int, int, int, int]

#: The names of IBusSerializable types. D-Bus carries such an object as its name, attachments and fields.
_TEXT, _LOOKUP_TABLE = "IBusText", "IBusLookupTable"
_PROPERTY, _PROPERTIES = "IBusProperty", "IBusPropList"
#: The property of ibus-hangul that says whether Hangul is typed, and the index of its state among the fields.
MODE_KEY, _STATE_FIELD, _CHECKED = "InputMode", 7, 1


@dataclass(frozen=True, slots=True)
class LookupTable:
    """An ibus lookup table: all candidates, of which one page is shown.

    `labels` are those of the rows of a page. `cursor` is the index of the current candidate among all
    candidates. With `round`, the cursor wraps around at the ends.
    """

    candidates: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    page_size: int = 9
    cursor: int = 0
    cursor_visible: bool = True
    round: bool = False

    @property
    def first(self) -> int:
        """The index of the first candidate on the page that contains the cursor."""
        return self.cursor - self.cursor % self.page_size

    def with_cursor_moved(self, by: int) -> LookupTable:
        """Returns the table with the cursor moved; it stops at the ends unless the table is `round`."""
        count = len(self.candidates)
        if not count:
            return self
        wanted = self.cursor + by
        return replace(self, cursor=wanted % count if self.round else max(0, min(wanted, count - 1)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the candidate window."""

    label: str
    candidate: str
    current: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the lookup table. `number` counts from 1; `auxiliary` describes the current candidate."""

    rows: tuple[Row, ...]
    number: int
    count: int
    auxiliary: str


class PanelState:
    """The lookup table, its auxiliary text and the position of the caret, as ibus sent them last."""

    def __init__(self) -> None:
        #: None until ibus sends it.
        self.caret: Rectangle | None = None
        #: The same; None also after the focus left, until the next program reports its caret.
        self.focused_caret: Rectangle | None = None
        #: Whether Hangul is typed; None until ibus says it.
        self.hangul: bool | None = None
        self.table = LookupTable()
        self._table_visible = False
        self._auxiliary = ""
        self._auxiliary_visible = False
        self._handlers: dict[str, Callable[..., None]] = {
            "SetCursorLocation": self._set_caret,
            "UpdateLookupTable": self._set_table,
            "ShowLookupTable": lambda: self._show_table(True),
            "HideLookupTable": lambda: self._show_table(False),
            "CursorUpLookupTable": lambda: self._move(-1),
            "CursorDownLookupTable": lambda: self._move(1),
            "PageUpLookupTable": lambda: self._move(-self.table.page_size),
            "PageDownLookupTable": lambda: self._move(self.table.page_size),
            "UpdateAuxiliaryText": self._set_auxiliary,
            "ShowAuxiliaryText": lambda: self._show_auxiliary(True),
            "HideAuxiliaryText": lambda: self._show_auxiliary(False),
            "FocusOut": lambda _context: self._leave(),
            "RegisterProperties": self._set_properties,
            "UpdateProperty": self._set_property,
            "Reset": self._hide,
        }

    def handle_call(self, member: str, arguments: tuple[Any, ...]) -> None:
        """Handles a call of the interface; ignores calls that do not concern the candidate window.

        Raises ValueError or TypeError when the arguments are not those of this call.
        """
        handler = self._handlers.get(member)
        if handler is not None:
            handler(*arguments)

    def page(self) -> Page | None:
        """Returns the page to show; None when the window is to be hidden."""
        table = self.table
        auxiliary = self._auxiliary if self._auxiliary_visible else ""
        candidates = table.candidates[table.first : table.first + table.page_size]
        if not self._table_visible or not candidates:
            return None
        rows = tuple(
            Row(_label(table, index), candidate, table.cursor_visible and table.first + index == table.cursor)
            for index, candidate in enumerate(candidates)
        )
        return Page(
            rows, table.first // table.page_size + 1, -(-len(table.candidates) // table.page_size), auxiliary
        )

    def _set_caret(self, x: int, y: int, width: int, height: int) -> None:
        self.caret = self.focused_caret = x, y, width, height

    def _set_table(self, variant: Any, visible: bool) -> None:
        page_size, cursor, cursor_visible, is_round, _orientation, candidates, labels = _fields(
            variant, _LOOKUP_TABLE
        )
        if page_size < 1 or not 0 <= cursor < max(1, len(candidates)):
            raise ValueError(
                f"{_LOOKUP_TABLE}: impossible cursor {cursor} of {len(candidates)} or page size {page_size}"
            )
        self.table = LookupTable(
            tuple(_text(candidate) for candidate in candidates),
            tuple(_text(label) for label in labels),
            page_size,
            cursor,
            cursor_visible,
            is_round,
        )
        self._table_visible = visible

    def _show_table(self, visible: bool) -> None:
        self._table_visible = visible

    def _set_auxiliary(self, variant: Any, visible: bool) -> None:
        self._auxiliary, self._auxiliary_visible = _text(variant), visible

    def _show_auxiliary(self, visible: bool) -> None:
        self._auxiliary_visible = visible

    def _set_properties(self, variant: Any) -> None:
        (properties,) = _fields(variant, _PROPERTIES)
        for property_ in properties:
            self._set_property(property_)

    def _set_property(self, variant: Any) -> None:
        fields = _fields(variant, _PROPERTY)
        if fields[0] == MODE_KEY:
            self.hangul = fields[_STATE_FIELD] == _CHECKED

    def _move(self, by: int) -> None:
        self.table = self.table.with_cursor_moved(by)

    def _leave(self) -> None:
        self.focused_caret = None
        self._hide()

    def _hide(self) -> None:
        self._table_visible = self._auxiliary_visible = False


def _label(table: LookupTable, index: int) -> str:
    return table.labels[index] if index < len(table.labels) else str((index + 1) % 10)


def _fields(variant: Any, type_name: str) -> tuple[Any, ...]:
    """Returns the fields of an IBusSerializable object. jeepney has a variant as (signature, value)."""
    _signature, (name, _attachments, *fields) = variant
    if name != type_name:
        raise ValueError(f"ibus sent {name!r} instead of {type_name}")
    return tuple(fields)


def _text(variant: Any) -> str:
    text, _attributes = _fields(variant, _TEXT)
    return str(text)
