"""Hands what a viewer pasted to programs, as the owner of the selections CLIPBOARD and PRIMARY (ICCCM §2).

Programs disagree on the selection that a paste reads: Ctrl+V and the menus take CLIPBOARD, a middle click and
Shift+Insert in terminals take PRIMARY. Owning CLIPBOARD alone was rejected, because a terminal then pasted
another text than the person had copied on the device.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Any

import xcffib.xproto

from display_server.agent.clipboard.outgoing_transfers import OutgoingTransfers
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import Malfunction
from display_server.protocol.clipboard import Format

#: The selections that are owned.
SELECTIONS = ("CLIPBOARD", "PRIMARY")
#: Text targets that the agent requests, best first, and offers.
TEXT_TARGETS = ("UTF8_STRING", "text/plain;charset=utf-8", "STRING", "text/plain")
PNG_TARGET = "image/png"
#: Type, sequence number, time, requestor, selection, target and property of a SelectionNotify event.
_SELECTION_NOTIFY = struct.Struct("=BxHIIIII8x")

Atoms = dict[str, int]


class OwnedSelections:
    """The content of the selections that `window` owns; it is dropped when another window takes them over."""

    def __init__(self, connection: XConnection, window: int, atoms: Atoms) -> None:
        self._connection = connection
        self._window = window
        self._atoms = atoms
        self._outgoing = OutgoingTransfers(connection.core, atoms["INCR"])
        self._content: dict[int, tuple[Format, bytes]] = {}  # by the selection's atom
        self._owners: dict[int, tuple[int, int]] = {}  # the selection's owner and since when, by its atom
        self._unconfirmed = 0  # calls of `put` that the X server has not confirmed yet
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, kind: Format, data: bytes) -> asyncio.Future[None]:
        """Owns the selections with this content. The future is done when programs can paste it."""
        connection = self._connection
        with connection.requests():
            for name in SELECTIONS:
                self._content[self._atoms[name]] = kind, data
                connection.core.SetSelectionOwner(self._window, self._atoms[name], xcffib.CurrentTime)
        self._unconfirmed += 1
        return connection.round_trip(self._on_confirmed)

    def on_owner_changed(self, selection: int, owner: int, time: int) -> None:
        self._owners[selection] = owner, time
        self._drop_lost_content()

    def on_selection_request(self, event: Any) -> None:
        prop = event.property or event.target  # obsolete clients name no property (ICCCM §2.2)
        if event.target == self._atoms["MULTIPLE"] and event.property:
            task = asyncio.create_task(self._answer_multiple(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            written = self._write_content(event, event.target, prop)
            self._send_notify(event, prop if written else 0)

    def on_property_deleted(self, window: int, prop: int) -> None:
        self._outgoing.on_property_deleted(window, prop)
        self._connection.flush()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._outgoing.close()

    def _on_confirmed(self) -> None:
        self._unconfirmed -= 1
        self._drop_lost_content()

    def _drop_lost_content(self) -> None:
        """Drops content that no program can request.

        Until the X server has confirmed the latest `put`, events may be older than that.
        """
        if self._unconfirmed:
            return
        for selection, (owner, _time) in self._owners.items():
            if owner != self._window:
                self._content.pop(selection, None)

    def _write_content(self, event: Any, target: int, prop: int) -> bool:
        """Writes the requested selection, converted to `target`, into the requestor's property.

        Returns False if that is impossible.
        """
        owned = self._content.get(event.selection)
        if owned is None:
            return False
        kind, data = owned
        atoms, core, window = self._atoms, self._connection.core, event.requestor
        replace = xcffib.xproto.PropMode.Replace
        targets = self._targets(kind)
        if target == atoms["TARGETS"]:
            listed = [atoms["TARGETS"], atoms["TIMESTAMP"], atoms["MULTIPLE"], *targets]
            core.ChangeProperty(replace, window, prop, atoms["ATOM"], 32, len(listed), listed)
        elif target == atoms["TIMESTAMP"]:
            _owner, since = self._owners.get(event.selection, (0, 0))
            core.ChangeProperty(replace, window, prop, atoms["INTEGER"], 32, 1, [since])
        elif target in targets:
            latin = target == atoms["STRING"]
            converted = data.decode().encode("latin-1", "replace") if latin else data
            return self._outgoing.start(window, prop, targets[target], converted)
        else:
            return False
        return True

    def _targets(self, kind: Format) -> dict[int, int]:
        """Returns the targets that content of this kind can be converted to, and the type of each."""
        atoms = self._atoms
        if kind is Format.PNG:
            return {atoms[PNG_TARGET]: atoms[PNG_TARGET]}
        texts = {atoms[name]: atoms[name] for name in TEXT_TARGETS}
        return texts | {atoms["TEXT"]: atoms["UTF8_STRING"]}

    async def _answer_multiple(self, event: Any) -> None:
        """Answers a MULTIPLE request: pairs of target and property.

        The property of a failed pair becomes 0.
        """
        connection = self._connection
        with connection.requests():
            anything = xcffib.xproto.GetPropertyType.Any
            cookie = connection.core.GetProperty(False, event.requestor, event.property, anything, 0, 256)
        try:
            await connection.round_trip()
            data = bytes(cookie.reply().value.buf())
        except (xcffib.Error, Malfunction):
            return  # the requestor no longer exists
        pairs = list(struct.unpack(f"={len(data) // 8 * 2}I", data[: len(data) // 8 * 8]))
        for index in range(0, len(pairs), 2):
            if not self._write_content(event, pairs[index], pairs[index + 1]):
                pairs[index + 1] = 0
        core, replace = connection.core, xcffib.xproto.PropMode.Replace
        pair = self._atoms["ATOM_PAIR"]
        core.ChangeProperty(replace, event.requestor, event.property, pair, 32, len(pairs), pairs)
        self._send_notify(event, event.property)

    def _send_notify(self, event: Any, prop: int) -> None:
        connection = self._connection
        answer = _SELECTION_NOTIFY.pack(
            31, 0, event.time, event.requestor, event.selection, event.target, prop
        )
        with contextlib.suppress(Malfunction), connection.requests():
            connection.core.SendEvent(False, event.requestor, 0, answer)
            connection.flush()
