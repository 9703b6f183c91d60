"""CLIPBOARD of an X display (ICCCM §2).

What programs copy is looked at, and fetched when a viewer asks for it; what a viewer brings is owned by us
and given to programs that paste.

Content is patient data: it is held in memory for as long as programs may ask for it, and never logged.
Rejected: fetching what was copied at once. Nothing leaves a desktop that nobody asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
import xcffib.xfixes
import xcffib.xproto

from display_server.agent.clipboard.desktop_clipboard import ContentError, TooLargeError
from display_server.agent.clipboard.outgoing import Outgoing
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import Malfunction
from display_server.protocol.clipboard import PNG_SIGNATURE, Format

log = structlog.get_logger(__name__)

#: A program that does not answer, or go on, within this hangs, s.
ANSWER_WITHIN_S = 3.0
#: Targets that we ask for, the best first, and give.
TEXT_TARGETS = ("UTF8_STRING", "text/plain;charset=utf-8", "STRING", "text/plain")
PNG_TARGET = "image/png"
_ATOMS = ("CLIPBOARD", "TARGETS", "TIMESTAMP", "MULTIPLE", "INCR", "TEXT", "LIGHTBOX_CLIPBOARD", "ATOM_PAIR")
_SELECTION_NOTIFY = struct.Struct("=BxHIIIII8x")
_TARGETS_MAX = 1024

Atoms = dict[str, int]


class XClipboard:
    """The DesktopClipboard of an X display."""

    def __init__(self, display: str, xauthority: Path | None, policy: ClipboardPolicy) -> None:
        self._display = display
        self._xauthority = xauthority
        self._policy = policy
        self.serial = 0
        self.formats: tuple[Format, ...] = ()
        self.on_copied: Callable[[], None] = lambda: None
        self._connection: XConnection | None = None
        self._ours: tuple[Format, bytes] | None = None
        self._owned_at = 0
        self._text_target = 0
        self._answers: dict[int, _Answer] = {}  # by our window that waits for it
        self._looking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        connection = XConnection(self._display, self._xauthority, failure=Malfunction)
        self._connection = connection
        fixes = connection.extension(xcffib.xfixes, "XFIXES")
        fixes.QueryVersion(5, 0).reply()
        names = [*_ATOMS, *TEXT_TARGETS, PNG_TARGET]
        cookies = {name: connection.core.InternAtom(False, len(name), name) for name in names}
        self._atoms: Atoms = {name: cookie.reply().atom for name, cookie in cookies.items()}
        self._atoms |= {"ATOM": xcffib.xproto.Atom.ATOM, "INTEGER": xcffib.xproto.Atom.INTEGER}
        self._window = self._new_window(connection)
        masks = xcffib.xfixes.SelectionEventMask
        every = masks.SetSelectionOwner | masks.SelectionWindowDestroy | masks.SelectionClientClose
        fixes.SelectSelectionInput(self._window, self._atoms["CLIPBOARD"], every)
        self._outgoing = Outgoing(connection.core, self._atoms["INCR"])
        connection.on_event = self._on_event
        connection.watch()
        owner = connection.core.GetSelectionOwner(self._atoms["CLIPBOARD"])
        await connection.round_trip()
        self._new_owner(owner.reply().owner, xcffib.CurrentTime)

    async def fetch(self, kind: Format) -> bytes:
        target = self._atoms[PNG_TARGET] if kind is Format.PNG else self._text_target
        if kind not in self.formats:
            raise ContentError("The program no longer offers it.")
        try:
            _, data = await self._convert(target)
        except TimeoutError:
            raise ContentError("The program that copied it does not answer.") from None
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
        self._ours = (kind, data)
        connection = self._opened()
        with connection.requests():
            now = xcffib.CurrentTime
            connection.core.SetSelectionOwner(self._window, self._atoms["CLIPBOARD"], now)
        return connection.round_trip()

    async def close(self) -> None:
        tasks = [*self._tasks, *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._connection is not None:
            self._outgoing.close()
            self._connection.close()

    # ── who owns it ──────────────────────────────────────────────────────────────────────────────────

    def _on_event(self, event: Any) -> None:
        match event:
            case xcffib.xfixes.SelectionNotifyEvent():
                self._new_owner(event.owner, event.selection_timestamp)
            case xcffib.xproto.SelectionRequestEvent():
                self._requested(event)
            case xcffib.xproto.SelectionNotifyEvent():
                if answer := self._answers.get(event.requestor):
                    answer.notify(event.property)
            case xcffib.xproto.PropertyNotifyEvent():
                if event.state == xcffib.xproto.Property.Delete:
                    self._outgoing.deleted(event.window, event.atom)
                    self._opened().flush()
                elif answer := self._answers.get(event.window):
                    answer.grown.set()

    def _new_owner(self, owner: int, at: int) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self.formats = ()
        self._owned_at = at
        if owner == self._window:
            return
        self._ours = None
        if owner and self._policy.from_desktop:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """What the new owner offers. The newest one wins."""
        try:
            kind, data = await self._convert(self._atoms["TARGETS"])
        except (TimeoutError, ContentError, Malfunction) as error:
            log.info("clipboard offers nothing", reason=type(error).__name__)
            return
        if kind != self._atoms["ATOM"] and kind != self._atoms["TARGETS"]:
            return
        offered = set(struct.unpack(f"={len(data) // 4}I", data[: len(data) // 4 * 4])[:_TARGETS_MAX])
        texts = [self._atoms[name] for name in TEXT_TARGETS if self._atoms[name] in offered]
        self._text_target = texts[0] if texts else 0
        formats = [Format.TEXT] if texts else []
        if self._policy.images and self._atoms[PNG_TARGET] in offered:
            formats.append(Format.PNG)
        self.formats = tuple(formats)
        if formats:
            self.serial = (self.serial + 1) & 0xFFFF_FFFF
            self.on_copied()

    # ── a program copied ─────────────────────────────────────────────────────────────────────────────

    async def _convert(self, target: int) -> tuple[int, bytes]:
        """Type and content. Each conversion has a window of its own, so that a late answer meets nobody.

        Raises ContentError, TimeoutError.
        """
        connection = self._opened()
        window = self._new_window(connection)
        answer = self._answers[window] = _Answer()
        place = self._atoms["LIGHTBOX_CLIPBOARD"]
        try:
            with connection.requests():
                connection.core.ConvertSelection(
                    window, self._atoms["CLIPBOARD"], target, place, self._owned_at
                )
                connection.x.flush()
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if not await answer.property:
                    raise ContentError("The program refuses to give it.")
                kind, data = await self._take(window, self._policy.max_bytes)
            return await self._take_all(window, answer) if kind == self._atoms["INCR"] else (kind, data)
        finally:
            del self._answers[window]
            if connection.lost is None:
                with contextlib.suppress(Malfunction), connection.requests():
                    connection.core.DestroyWindow(window)
                    connection.x.flush()

    async def _take_all(self, window: int, answer: _Answer) -> tuple[int, bytes]:
        """INCR: a chunk each time that the property is written, until an empty one."""
        content, kind = bytearray(), 0
        while True:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await answer.grown.wait()
                answer.grown.clear()
                chunk_kind, chunk = await self._take(window, self._policy.max_bytes - len(content))
            if not chunk_kind:
                continue  # told of a write that was read already
            if not chunk:
                return kind, bytes(content)
            kind = chunk_kind
            content += chunk

    async def _take(self, window: int, limit_bytes: int) -> tuple[int, bytes]:
        """Reads and deletes the property; type 0 when there is none. Raises TooLargeError."""
        connection = self._opened()
        place, anything = self._atoms["LIGHTBOX_CLIPBOARD"], xcffib.xproto.GetPropertyType.Any
        with connection.requests():
            cookie = connection.core.GetProperty(True, window, place, anything, 0, limit_bytes // 4 + 1)
        await connection.round_trip()
        reply = cookie.reply()
        data = bytes(reply.value.buf())
        if reply.bytes_after or len(data) > limit_bytes:
            raise TooLargeError(f"It has more than {self._policy.max_bytes} bytes.")
        return reply.type, data

    # ── a program pastes ─────────────────────────────────────────────────────────────────────────────

    def _requested(self, event: Any) -> None:
        place = event.property or event.target  # ICCCM: obsolete clients name none
        if event.target == self._atoms["MULTIPLE"] and event.property:
            task = asyncio.create_task(self._give_many(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._notify(event, place if self._give(event.requestor, event.target, place) else 0)

    def _give(self, window: int, target: int, place: int) -> bool:
        """Writes our content, as `target` wants it, into the property. False when we cannot."""
        if self._ours is None:
            return False
        kind, data = self._ours
        atoms = self._atoms
        core = self._opened().core
        replace = xcffib.xproto.PropMode.Replace
        targets = self._targets(kind)
        if target == atoms["TARGETS"]:
            listed = [atoms["TARGETS"], atoms["TIMESTAMP"], atoms["MULTIPLE"], *targets]
            core.ChangeProperty(replace, window, place, atoms["ATOM"], 32, len(listed), listed)
        elif target == atoms["TIMESTAMP"]:
            core.ChangeProperty(replace, window, place, atoms["INTEGER"], 32, 1, [self._owned_at])
        elif target in targets:
            plain = target == atoms["STRING"]
            given = data.decode().encode("latin-1", "replace") if plain else data
            return self._outgoing.begin(window, place, targets[target], given)
        else:
            return False
        return True

    def _targets(self, kind: Format) -> dict[int, int]:
        """What content of this kind is given as, and the type that its property gets."""
        atoms = self._atoms
        if kind is Format.PNG:
            return {atoms[PNG_TARGET]: atoms[PNG_TARGET]}
        texts = {atoms[name]: atoms[name] for name in TEXT_TARGETS}
        return texts | {atoms["TEXT"]: atoms["UTF8_STRING"]}

    async def _give_many(self, event: Any) -> None:
        """MULTIPLE: pairs of target and property; those that we cannot give lose their property's name."""
        connection = self._opened()
        with connection.requests():
            anything = xcffib.xproto.GetPropertyType.Any
            cookie = connection.core.GetProperty(False, event.requestor, event.property, anything, 0, 256)
        try:
            await connection.round_trip()
            data = bytes(cookie.reply().value.buf())
        except (xcffib.Error, Malfunction):
            return  # whoever asked is gone
        pairs = list(struct.unpack(f"={len(data) // 8 * 2}I", data[: len(data) // 8 * 8]))
        for index in range(0, len(pairs), 2):
            if not self._give(event.requestor, pairs[index], pairs[index + 1]):
                pairs[index + 1] = 0
        core, replace = connection.core, xcffib.xproto.PropMode.Replace
        pair = self._atoms["ATOM_PAIR"]
        core.ChangeProperty(replace, event.requestor, event.property, pair, 32, len(pairs), pairs)
        self._notify(event, event.property)

    def _notify(self, event: Any, place: int) -> None:
        connection = self._opened()
        answer = _SELECTION_NOTIFY.pack(
            31, 0, event.time, event.requestor, event.selection, event.target, place
        )
        with contextlib.suppress(Malfunction), connection.requests():
            connection.core.SendEvent(False, event.requestor, 0, answer)
            connection.x.flush()

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


class _Answer:
    """What a conversion waits for."""

    def __init__(self) -> None:
        self.property: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.grown = asyncio.Event()

    def notify(self, place: int) -> None:
        if not self.property.done():
            self.property.set_result(place)
