"""X programs that copy and paste, without a toolkit: as good, as slow or as bad as a test wants them."""

from __future__ import annotations

import contextlib
import select
import struct
import threading
import time
from typing import Any

import xcffib
import xcffib.xproto

CHUNK_BYTES = 60_000
PATIENCE_S = 10.0
_NOTIFY = struct.Struct("=BxHIIIII8x")


class XProgram:
    """A client with a window. `connection` is its own."""

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
        """None when none comes in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = None
            with contextlib.suppress(xcffib.Error):  # of a request to a window that is gone by now
                event = self.x.poll_for_event()
            left_s = deadline - time.monotonic()
            if event is not None or left_s <= 0:
                return event
            select.select([self.x.get_file_descriptor()], [], [], min(left_s, 0.05))

    def change(self, window: int, prop: int, kind: int, width: int, data: list[int] | bytes) -> None:
        self.x.core.ChangeProperty(0, window, prop, kind, width, len(data), data)

    def close(self) -> None:
        self.x.disconnect()


class Copier(XProgram):
    """Owns CLIPBOARD and gives `content` by target; large content by INCR. A `hung` one never answers.

    `stop_after` is the number of chunks after which it hangs in the middle of INCR.
    """

    def __init__(
        self, connection: Any, content: dict[str, bytes], *, hung: bool = False, stop_after: int | None = None
    ) -> None:
        super().__init__(connection)
        self._content = {self.atom(name): data for name, data in content.items()}
        self._hung = hung
        self._stop_after = stop_after
        self._sending: dict[tuple[int, int], tuple[int, list[bytes]]] = {}
        self.asked: list[int] = []
        self._over = threading.Event()
        self.x.core.SetSelectionOwner(self.window, self.atom("CLIPBOARD"), xcffib.CurrentTime)
        self.x.core.GetInputFocus().reply()
        self._targets, self._incr = self.atom("TARGETS"), self.atom("INCR")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        super().close()

    def _run(self) -> None:
        while not self._over.is_set():
            event = self.next_event(0.05)
            if self._hung or event is None:
                continue
            if isinstance(event, xcffib.xproto.SelectionRequestEvent):
                self._answer(event)
            elif isinstance(event, xcffib.xproto.PropertyNotifyEvent) and event.state == 1:
                self._go_on(event.window, event.atom)
            self.x.flush()

    def _answer(self, event: Any) -> None:
        self.asked.append(event.target)
        place = event.property
        data = self._content.get(event.target)
        if event.target == self._targets:
            offered = [self._targets, *self._content]
            self.change(event.requestor, place, xcffib.xproto.Atom.ATOM, 32, offered)
        elif data is None:
            place = 0
        elif len(data) > CHUNK_BYTES:
            mask = xcffib.xproto.EventMask.PropertyChange
            self.x.core.ChangeWindowAttributes(event.requestor, xcffib.xproto.CW.EventMask, [mask])
            parts = [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]
            if self._stop_after is not None:
                parts = parts[: self._stop_after]
            else:
                parts.append(b"")
            self._sending[event.requestor, place] = event.target, parts
            self.change(event.requestor, place, self._incr, 32, [len(data)])
        else:
            self.change(event.requestor, place, event.target, 8, data)
        answer = _NOTIFY.pack(31, 0, event.time, event.requestor, event.selection, event.target, place)
        self.x.core.SendEvent(False, event.requestor, 0, answer)

    def _go_on(self, window: int, place: int) -> None:
        target, parts = self._sending.get((window, place), (0, []))
        if parts:
            self.change(window, place, target, 8, parts.pop(0))


class Paster(XProgram):
    """Asks for CLIPBOARD."""

    def paste(self, target: str, timeout_s: float = PATIENCE_S) -> bytes | None:
        """None when the owner refuses. Raises TimeoutError when it does not answer."""
        place, incr = self.atom("PASTED"), self.atom("INCR")
        clipboard = self.atom("CLIPBOARD")
        self.x.core.ConvertSelection(self.window, clipboard, self.atom(target), place, 0)
        self.x.flush()
        if not self._wait(xcffib.xproto.SelectionNotifyEvent, timeout_s).property:
            return None
        kind, data = self._take(place)
        if kind != incr:
            return data
        content = b""
        while True:
            while self._wait(xcffib.xproto.PropertyNotifyEvent, timeout_s).state != 0:
                pass
            kind, data = self._take(place)
            if kind and not data:
                return content
            content += data

    def targets(self) -> set[str]:
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

    def _take(self, place: int) -> tuple[int, bytes]:
        reply = self.x.core.GetProperty(True, self.window, place, 0, 0, 1 << 26).reply()
        return reply.type, bytes(reply.value.buf())
