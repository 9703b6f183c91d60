"""What the list shows, made of what ibus tells its panel (interface org.freedesktop.IBus.Panel). Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

#: (x, y, width, height) on the screen, px.
Rectangle = tuple[int, int, int, int]

#: How IBusSerializable objects of a kind come over D-Bus: their name, attachments, then fields.
_TEXT, _TABLE = "IBusText", "IBusLookupTable"


@dataclass(frozen=True, slots=True)
class Table:
    """All candidates, of which a page is shown. `cursor` counts from the first of all."""

    candidates: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    page_size: int = 9
    cursor: int = 0
    cursor_visible: bool = True
    round: bool = False

    @property
    def first(self) -> int:
        """Of the page that holds the cursor."""
        return self.cursor - self.cursor % self.page_size

    def moved(self, by: int) -> Table:
        """The cursor goes on so far; at the ends it stays, or goes around if the table says so."""
        count = len(self.candidates)
        if not count:
            return self
        wanted = self.cursor + by
        return replace(self, cursor=wanted % count if self.round else max(0, min(wanted, count - 1)))


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    candidate: str
    current: bool


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be seen. `number` counts from 1; `auxiliary` is said of the current row."""

    rows: tuple[Row, ...]
    number: int
    count: int
    auxiliary: str


class CandidateList:
    """The table, its auxiliary text and the caret, as last told."""

    def __init__(self) -> None:
        self.caret: Rectangle | None = None  # not told yet
        self.table = Table()
        self._table_visible = False
        self._auxiliary = ""
        self._auxiliary_visible = False
        self._told: dict[str, Callable[..., None]] = {
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
            "FocusOut": lambda _context: self._hide(),
            "Reset": self._hide,
        }

    def tell(self, member: str, arguments: tuple[Any, ...]) -> None:
        """A call of the interface; those that do not concern the list are passed over.

        Raises ValueError or TypeError when it is not what ibus says in this call.
        """
        told = self._told.get(member)
        if told is not None:
            told(*arguments)

    def page(self) -> Page | None:
        """None: there is nothing to show."""
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
        self.caret = x, y, width, height

    def _set_table(self, variant: Any, visible: bool) -> None:
        page_size, cursor, cursor_visible, around, _orientation, candidates, labels = _fields(variant, _TABLE)
        if page_size < 1 or not 0 <= cursor < max(1, len(candidates)):
            raise ValueError(f"{_TABLE}: cursor {cursor} of {len(candidates)}, {page_size} on a page")
        self.table = Table(
            tuple(_text(candidate) for candidate in candidates),
            tuple(_text(label) for label in labels),
            page_size,
            cursor,
            cursor_visible,
            around,
        )
        self._table_visible = visible

    def _show_table(self, visible: bool) -> None:
        self._table_visible = visible

    def _set_auxiliary(self, variant: Any, visible: bool) -> None:
        self._auxiliary, self._auxiliary_visible = _text(variant), visible

    def _show_auxiliary(self, visible: bool) -> None:
        self._auxiliary_visible = visible

    def _move(self, by: int) -> None:
        self.table = self.table.moved(by)

    def _hide(self) -> None:
        self._table_visible = self._auxiliary_visible = False


def _label(table: Table, index: int) -> str:
    return table.labels[index] if index < len(table.labels) else str((index + 1) % 10)


def _fields(variant: Any, kind: str) -> tuple[Any, ...]:
    """The fields after name and attachments. A variant is a pair of its signature and its value."""
    _signature, (name, _attachments, *fields) = variant
    if name != kind:
        raise ValueError(f"{name!r} where {kind} belongs")
    return tuple(fields)


def _text(variant: Any) -> str:
    text, _attributes = _fields(variant, _TEXT)
    return str(text)
