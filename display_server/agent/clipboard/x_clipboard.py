"""The clipboard of an X display: the selections CLIPBOARD and PRIMARY (ICCCM §2).

When a program copies something, the agent reads only the list of formats; the content is fetched when a
viewer requests it. When a viewer pastes, the agent owns both selections and hands the content to programs.
Selecting text, which sets PRIMARY alone, is not copying: viewers are not told.

Content is patient data. It is kept in memory as long as programs may request it, and never logged. Fetching
content as soon as it is copied was rejected, so that nothing leaves a desktop without a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog
import xcffib.xfixes
import xcffib.xproto

from display_server.agent.clipboard.desktop_clipboard import ContentError, TooLargeError
from display_server.agent.clipboard.owned_selections import (
    PNG_TARGET,
    SELECTIONS,
    TEXT_TARGETS,
    Atoms,
    OwnedSelections,
)
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import Malfunction
from display_server.protocol.clipboard import PNG_SIGNATURE, Format

log = structlog.get_logger(__name__)

#: How long a program may take to answer or to send the next chunk, s.
ANSWER_TIMEOUT_S = 3.0
#: Most targets that are read from a program's list.
_TARGETS_MAX = 1024
_ATOMS = ("TARGETS", "TIMESTAMP", "MULTIPLE", "INCR", "TEXT", "LIGHTBOX_CLIPBOARD", "ATOM_PAIR")


class XClipboard:
    """The clipboard of an X display, a DesktopClipboard."""

    def __init__(self, display: str, xauthority: Path | None, policy: ClipboardPolicy) -> None:
        self._display = display
        self._xauthority = xauthority
        self._policy = policy
        self.serial = 0
        self.formats: tuple[Format, ...] = ()
        self.on_copied: Callable[[], None] = lambda: None
        self._connection: XConnection | None = None
        self._owner = 0
        self._owner_since = 0
        self._text_target = 0
        self._conversions: dict[int, _Conversion] = {}  # by the window that waits for it
        self._targets_task: asyncio.Task[None] | None = None

    def allow(self, *, from_desktop: bool, images: bool, max_bytes: int) -> None:
        policy = msgspec.structs.replace(
            self._policy, from_desktop=from_desktop, images=images, max_bytes=max_bytes
        )
        if policy == self._policy:
            return
        former, self._policy = self._policy, policy
        listed = policy.copying(allowed=policy.from_desktop)
        if listed != former.copying(allowed=former.from_desktop) and self._connection is not None:
            self._on_owner_changed(self._owner, self._owner_since)

    async def open(self) -> None:
        connection = XConnection(self._display, self._xauthority, failure=Malfunction)
        self._connection = connection
        fixes = connection.extension(xcffib.xfixes, "XFIXES")
        fixes.QueryVersion(5, 0).reply()
        names = [*_ATOMS, *SELECTIONS, *TEXT_TARGETS, PNG_TARGET]
        cookies = {name: connection.core.InternAtom(False, len(name), name) for name in names}
        self._atoms: Atoms = {name: cookie.reply().atom for name, cookie in cookies.items()}
        self._atoms |= {"ATOM": xcffib.xproto.Atom.ATOM, "INTEGER": xcffib.xproto.Atom.INTEGER}
        self._window = self._new_window(connection)
        masks = xcffib.xfixes.SelectionEventMask
        every = masks.SetSelectionOwner | masks.SelectionWindowDestroy | masks.SelectionClientClose
        for name in SELECTIONS:
            fixes.SelectSelectionInput(self._window, self._atoms[name], every)
        self._owned = OwnedSelections(connection, self._window, self._atoms)
        connection.on_event = self._on_event
        connection.watch()
        owner = connection.core.GetSelectionOwner(self._atoms["CLIPBOARD"])
        await connection.round_trip()
        self._on_owner_changed(owner.reply().owner, xcffib.CurrentTime)

    async def fetch(self, kind: Format) -> bytes:
        target = self._atoms[PNG_TARGET] if kind is Format.PNG else self._text_target
        if kind not in self.formats:
            raise ContentError("The program no longer offers the content.")
        try:
            _, data = await self._convert(target)
        except TimeoutError:
            raise ContentError("The program that copied the content does not answer.") from None
        if kind is Format.PNG:
            if not data.startswith(PNG_SIGNATURE):
                raise ContentError("The program did not give a PNG picture.")
            return data
        latin = target == self._atoms["STRING"]
        text = data.decode("latin-1" if latin else "utf-8", "replace")
        return text.rstrip("\0").replace("\r\n", "\n").encode()

    def put(self, kind: Format, data: bytes) -> asyncio.Future[None]:
        if kind is Format.TEXT:
            data = data.replace(b"\r\n", b"\n")
        self._opened()
        return self._owned.put(kind, data)

    async def close(self) -> None:
        if self._targets_task is not None:
            self._targets_task.cancel()
            await asyncio.gather(self._targets_task, return_exceptions=True)
        if self._connection is not None:
            await self._owned.close()
            self._connection.close()

    # ── ownership ────────────────────────────────────────────────────────────────────────────────────

    def _on_event(self, event: Any) -> None:
        match event:
            case xcffib.xfixes.SelectionNotifyEvent():
                self._owned.on_owner_changed(event.selection, event.owner, event.selection_timestamp)
                if event.selection == self._atoms["CLIPBOARD"]:
                    self._on_owner_changed(event.owner, event.selection_timestamp)
            case xcffib.xproto.SelectionRequestEvent():
                self._owned.on_selection_request(event)
            case xcffib.xproto.SelectionNotifyEvent():
                if conversion := self._conversions.get(event.requestor):
                    conversion.notify(event.property)
            case xcffib.xproto.PropertyNotifyEvent():
                if event.state == xcffib.xproto.Property.Delete:
                    self._owned.on_property_deleted(event.window, event.atom)
                elif conversion := self._conversions.get(event.window):
                    conversion.property_written.set()

    def _on_owner_changed(self, owner: int, time: int) -> None:
        if self._targets_task is not None:
            self._targets_task.cancel()
            self._targets_task = None
        self.formats = ()
        self._owner, self._owner_since = owner, time
        if owner in (0, self._window):
            return
        if self._policy.from_desktop:
            self._targets_task = asyncio.create_task(self._read_formats())
        else:
            self._copied(())

    async def _read_formats(self) -> None:
        """Reads which formats the new owner offers."""
        try:
            kind, data = await self._convert(self._atoms["TARGETS"])
        except (TimeoutError, ContentError, Malfunction) as error:
            log.info("clipboard formats could not be read", reason=type(error).__name__)
            self._copied(())
            return
        if kind != self._atoms["ATOM"] and kind != self._atoms["TARGETS"]:
            self._copied(())
            return
        offered = set(struct.unpack(f"={len(data) // 4}I", data[: len(data) // 4 * 4])[:_TARGETS_MAX])
        texts = [self._atoms[name] for name in TEXT_TARGETS if self._atoms[name] in offered]
        self._text_target = texts[0] if texts else 0
        formats = [Format.TEXT] if texts else []
        if self._policy.images and self._atoms[PNG_TARGET] in offered:
            formats.append(Format.PNG)
        self._copied(tuple(formats))

    def _copied(self, formats: tuple[Format, ...]) -> None:
        """Notifies viewers of a copy, also of one that they cannot get: they must not paste an older one."""
        self.formats = formats
        self.serial = (self.serial + 1) & 0xFFFF_FFFF
        self.on_copied()

    # ── a program copied ─────────────────────────────────────────────────────────────────────────────

    async def _convert(self, target: int) -> tuple[int, bytes]:
        """Converts the selection. Returns type and content. Raises ContentError or TimeoutError.

        Each conversion uses a window of its own, so that a late answer is ignored.
        """
        connection = self._opened()
        window = self._new_window(connection)
        conversion = self._conversions[window] = _Conversion()
        prop = self._atoms["LIGHTBOX_CLIPBOARD"]
        try:
            with connection.requests():
                connection.core.ConvertSelection(
                    window, self._atoms["CLIPBOARD"], target, prop, self._owner_since
                )
                connection.flush()
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                if not await conversion.property:
                    raise ContentError("The program refuses to deliver the content.")
                kind, data = await self._read_property(window, self._policy.max_bytes)
            if kind == self._atoms["INCR"]:
                return await self._read_chunks(window, conversion)
            return kind, data
        finally:
            del self._conversions[window]
            if connection.lost is None:
                with contextlib.suppress(Malfunction), connection.requests():
                    connection.core.DestroyWindow(window)
                    connection.flush()

    async def _read_chunks(self, window: int, conversion: _Conversion) -> tuple[int, bytes]:
        """Reads an INCR transfer: a chunk whenever the property is written, until an empty one."""
        content, kind = bytearray(), 0
        while True:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await conversion.property_written.wait()
                conversion.property_written.clear()
                chunk_kind, chunk = await self._read_property(window, self._policy.max_bytes - len(content))
            if not chunk_kind:
                continue  # the chunk of this event was read before
            if not chunk:
                return kind, bytes(content)
            kind = chunk_kind
            content += chunk

    async def _read_property(self, window: int, limit_bytes: int) -> tuple[int, bytes]:
        """Reads and deletes the property; the type is 0 if it does not exist. Raises TooLargeError."""
        connection = self._opened()
        prop, anything = self._atoms["LIGHTBOX_CLIPBOARD"], xcffib.xproto.GetPropertyType.Any
        with connection.requests():
            cookie = connection.core.GetProperty(True, window, prop, anything, 0, limit_bytes // 4 + 1)
        await connection.round_trip()
        reply = cookie.reply()
        data = bytes(reply.value.buf())
        if reply.bytes_after or len(data) > limit_bytes:
            raise TooLargeError(f"The content has more than {self._policy.max_bytes} bytes.")
        return reply.type, data

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _new_window(self, connection: XConnection) -> int:
        window: int = connection.x.generate_id()
        kind, mask = xcffib.xproto.WindowClass.InputOnly, xcffib.xproto.CW.EventMask
        changes = xcffib.xproto.EventMask.PropertyChange
        with connection.requests():
            connection.core.CreateWindow(
                0, window, connection.root, -1, -1, 1, 1, 0, kind, 0, mask, [changes]
            )
        return window

    def _opened(self) -> XConnection:
        if self._connection is None:
            raise Malfunction("The clipboard is not open.")
        return self._connection


class _Conversion:
    """What a running conversion waits for."""

    def __init__(self) -> None:
        self.property: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.property_written = asyncio.Event()

    def notify(self, prop: int) -> None:
        if not self.property.done():
            self.property.set_result(prop)
