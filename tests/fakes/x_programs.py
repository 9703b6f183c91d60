"""X programs that copy and paste without a toolkit, and misbehave as a test wants it."""

from __future__ import annotations

import contextlib
import select
import struct
import threading
import time
from typing import Any

import xcffib
import xcffib.xproto

#: Content that is longer is sent by the INCR protocol, in chunks of this size, bytes, by default.
CHUNK_BYTES = 60_000
#: The largest chunk that every X server accepts, as GTK and Qt use it, bytes.
LARGE_CHUNK_BYTES = 240_000
#: How long a requestor waits for an answer by default, s.
TIMEOUT_S = 90.0
#: A SelectionNotify event (X11/Xproto.h).
_SELECTION_NOTIFY = struct.Struct("=BxHIIIII8x")


class XProgram:
    """An X client with a window, which owns `connection`."""

    def __init__(self, connection: Any) -> None:
        self.x = connection
        screen = self.x.get_setup().roots[0]
        self.window: int = self.x.generate_id()
        changes = xcffib.xproto.EventMask.PropertyChange
        self.x.core.CreateWindow(
            0,
            self.window,
            screen.root,
            0,
            0,
            1,
            1,
            0,
            xcffib.xproto.WindowClass.InputOnly,
            0,
            xcffib.xproto.CW.EventMask,
            [changes],
        )
        self.x.core.GetInputFocus().reply()

    def atom(self, name: str) -> int:
        return int(self.x.core.InternAtom(False, len(name), name).reply().atom)

    def next_event(self, timeout_s: float) -> Any:
        """Returns None when no event arrives in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = None
            with contextlib.suppress(xcffib.Error):  # the error of a request to a window that was destroyed
                event = self.x.poll_for_event()
            left_s = deadline - time.monotonic()
            if event is not None or left_s <= 0:
                return event
            select.select([self.x.get_file_descriptor()], [], [], min(left_s, 0.05))

    def change(self, window: int, prop: int, kind: int, width: int, data: list[int] | bytes) -> None:
        self.x.core.ChangeProperty(0, window, prop, kind, width, len(data), data)

    def close(self) -> None:
        self.x.disconnect()


class ClipboardOwner(XProgram):
    """Owns a selection and answers with `content`, by target; `requested` lists the targets.

    With `hung` it never answers, with `refusing` it offers its content and does not deliver it; with
    `stop_after` it stops an INCR transfer after this number of chunks of `chunk_bytes`.
    """

    def __init__(
        self,
        connection: Any,
        content: dict[str, bytes],
        *,
        hung: bool = False,
        refusing: bool = False,
        stop_after: int | None = None,
        selection: str = "CLIPBOARD",
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        super().__init__(connection)
        self._chunk_bytes = chunk_bytes
        self._content = {self.atom(name): data for name, data in content.items()}
        self._hung = hung
        self._refusing = refusing
        self._stop_after = stop_after
        self._sending: dict[tuple[int, int], tuple[int, list[bytes]]] = {}
        self.requested: list[int] = []
        self._closed = threading.Event()
        self.x.core.SetSelectionOwner(self.window, self.atom(selection), xcffib.CurrentTime)
        self.x.core.GetInputFocus().reply()
        self._targets, self._incr = self.atom("TARGETS"), self.atom("INCR")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        super().close()

    def _run(self) -> None:
        while not self._closed.is_set():
            event = self.next_event(0.05)
            if self._hung or event is None:
                continue
            if isinstance(event, xcffib.xproto.SelectionRequestEvent):
                self._answer(event)
            elif isinstance(event, xcffib.xproto.PropertyNotifyEvent) and event.state == 1:
                self._send_next_chunk(event.window, event.atom)
            self.x.flush()

    def _answer(self, event: Any) -> None:
        self.requested.append(event.target)
        prop = event.property
        data = self._content.get(event.target)
        if event.target == self._targets:
            offered = [self._targets, *self._content]
            self.change(event.requestor, prop, xcffib.xproto.Atom.ATOM, 32, offered)
        elif data is None or self._refusing:
            prop = 0
        elif len(data) > self._chunk_bytes:
            mask = xcffib.xproto.EventMask.PropertyChange
            self.x.core.ChangeWindowAttributes(event.requestor, xcffib.xproto.CW.EventMask, [mask])
            size = self._chunk_bytes
            parts = [data[start : start + size] for start in range(0, len(data), size)]
            if self._stop_after is not None:
                parts = parts[: self._stop_after]
            else:
                parts.append(b"")
            self._sending[event.requestor, prop] = event.target, parts
            self.change(event.requestor, prop, self._incr, 32, [len(data)])
        else:
            self.change(event.requestor, prop, event.target, 8, data)
        answer = _SELECTION_NOTIFY.pack(
            31, 0, event.time, event.requestor, event.selection, event.target, prop
        )
        self.x.core.SendEvent(False, event.requestor, 0, answer)

    def _send_next_chunk(self, window: int, prop: int) -> None:
        target, parts = self._sending.get((window, prop), (0, []))
        if parts:
            self.change(window, prop, target, 8, parts.pop(0))


class ClipboardRequestor(XProgram):
    """Requests the content of a selection."""

    def paste(
        self, target: str, timeout_s: float = TIMEOUT_S, *, selection: str = "CLIPBOARD"
    ) -> bytes | None:
        """Returns None when the owner refuses. Raises TimeoutError when the owner does not answer."""
        prop, incr = self.atom("PASTED"), self.atom("INCR")
        self.x.core.ConvertSelection(self.window, self.atom(selection), self.atom(target), prop, 0)
        self.x.flush()
        if not self._wait(xcffib.xproto.SelectionNotifyEvent, timeout_s).property:
            return None
        kind, data = self._take(prop)
        if kind != incr:
            return data
        content = b""
        while True:
            while self._wait(xcffib.xproto.PropertyNotifyEvent, timeout_s).state != 0:
                pass
            kind, data = self._take(prop)
            if kind and not data:
                return content
            content += data

    def targets(self) -> set[str]:
        """Returns the names of the targets that the owner offers."""
        data = self.paste("TARGETS") or b""
        names = set()
        for atom in struct.unpack(f"={len(data) // 4}I", data):
            names.add(bytes(self.x.core.GetAtomName(atom).reply().name.buf()).decode())
        return names

    def _wait(self, kind: type, timeout_s: float) -> Any:
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            event = self.next_event(left_s)
            if isinstance(event, kind):
                return event
        raise TimeoutError(f"no {kind.__name__}")

    def _take(self, prop: int) -> tuple[int, bytes]:
        reply = self.x.core.GetProperty(True, self.window, prop, 0, 0, 1 << 26).reply()
        return reply.type, bytes(reply.value.buf())
