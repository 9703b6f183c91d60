"""A connection to an X server for an event loop: it dispatches events, and round trips do not block."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto
import xcffib.xtest

from display_server.errors import Malfunction

#: The code of the ClientMessage event (X11/X.h).
_CLIENT_MESSAGE = 33
#: A ClientMessage of format 32: code, format, sequence, window, type, five u32, of which one is used.
_ECHO = struct.Struct("=BBHII5I")


class XConnection:
    """One client connection to one X server.

    xcffib's `.reply()` blocks the whole event loop while the server is busy. Therefore `round_trip` sends an
    event to a window of this connection. When that event comes back, the server has executed every earlier
    request, the events of those requests have been dispatched, and their replies have arrived, so that
    `.reply()` returns at once.

    While another program grabs the X server (`XGrabServer`), the server goes on to serve this connection. A
    viewer would otherwise see a dead picture for as long as the program likes.
    """

    def __init__(
        self, display: str, xauthority: Path | None, *, failure: type[Malfunction] = Malfunction
    ) -> None:
        """Connects, blocking.

        Raises `failure` when the display does not answer. Every method raises it once the connection is lost.
        """
        self.display = display
        self.failure = failure
        #: Why the connection ended; None while it is open.
        self.lost: Malfunction | None = None
        self.on_event: Callable[[Any], None] = lambda _event: None
        self.on_lost: Callable[[Malfunction], None] = lambda _error: None
        try:
            self.x = _connect(display, xauthority)
            self.core = self.x.core
            self.screen = self.x.get_setup().roots[self.x.pref_screen]
            self._ignore_server_grabs()
        except Exception as error:  # xcffib raises several unrelated types
            raise failure(
                f"The X server of display {display} does not run, or refuses the connection.",
                next_step="Start it, and check that this user may use it (its authority file).",
            ) from error
        self.root: int = self.screen.root
        self._echo_window = self.x.generate_id()
        self.core.CreateWindow(
            0, self._echo_window, self.root, 0, 0, 1, 1, 0, xcffib.xproto.WindowClass.InputOnly, 0, 0, []
        )
        self._echoes: dict[int, tuple[asyncio.Future[None], Callable[[], None]]] = {}
        self._echo = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor = -1
        self._dispatch_scheduled = False

    def extension(self, module: Any, name: str) -> Any:
        """Returns the requests of an extension. Raises `failure` when the server lacks the extension."""
        if not self.core.QueryExtension(len(name), name).reply().present:
            raise self.failure(
                f"The X server of display {self.display} lacks the extension {name}.",
                next_step="Use an X server that has it, such as Xvfb or Xorg.",
            )
        return self.x(module.key)

    def watch(self) -> None:
        """Starts dispatching events on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._descriptor = self.x.get_file_descriptor()
        self._loop.add_reader(self._descriptor, self.dispatch)
        self.flush()
        self.dispatch()

    def dispatch(self) -> None:
        """Passes every event that has arrived to `on_event`."""
        while self.lost is None and self._descriptor >= 0:
            try:
                event = self.x.poll_for_event()
            except xcffib.ConnectionException:
                self._mark_ended()
                return
            except xcffib.Error:
                continue  # a request without reply failed, because its window was destroyed before
            if event is None:
                return
            if isinstance(event, xcffib.xproto.ClientMessageEvent) and event.window == self._echo_window:
                number = event.data.data32[0]
                future, then = self._echoes.pop(number)
                then()
                if not future.done():
                    future.set_result(None)
            else:
                self.on_event(event)

    @contextlib.contextmanager
    def requests(self) -> Iterator[None]:
        """The context of every request: turns a lost connection into `failure`."""
        self.ensure_alive()
        try:
            yield
        except xcffib.ConnectionException as error:
            raise self._mark_ended() from error

    def flush(self) -> None:
        with self.requests():
            self.x.flush()
        self._dispatch_soon()

    def _dispatch_soon(self) -> None:
        """Dispatches after a write. libxcb also reads while it writes, and the descriptor does not become
        readable again for the events that it took."""
        if self._loop is not None and not self._dispatch_scheduled:
            self._dispatch_scheduled = True
            self._loop.call_soon(self._dispatch_after_write)

    def _dispatch_after_write(self) -> None:
        self._dispatch_scheduled = False
        self.dispatch()

    def ensure_alive(self) -> None:
        """Raises `failure` when the connection is lost."""
        if self.lost is not None:
            raise self.lost

    def round_trip(self, then: Callable[[], None] = lambda: None) -> asyncio.Future[None]:
        """Returns a future that is done when every earlier request was executed and its events dispatched.

        `then` is called at that moment, even if the future was cancelled.
        """
        self.ensure_alive()
        assert self._loop is not None, "call watch() before"
        self._echo = self._echo + 1 & 0xFFFFFFFF
        future: asyncio.Future[None] = self._loop.create_future()
        self._echoes[self._echo] = future, then
        event = _ECHO.pack(_CLIENT_MESSAGE, 32, 0, self._echo_window, 1, self._echo, 0, 0, 0, 0)
        with self.requests():
            self.core.SendEvent(False, self._echo_window, 0, event)
        self.flush()
        return future

    def close(self) -> None:
        """Disconnects. Safe to call twice."""
        if self._descriptor >= 0 and self._loop is not None:
            self._loop.remove_reader(self._descriptor)
            self._descriptor = -1
        if self.lost is None:
            self.lost = self.failure(f"The connection to {self.display} was closed.")
            self._fail_echoes(self.lost)
        self.x.disconnect()

    def mark_lost(self, reason: str, *, next_step: str = "") -> Malfunction:
        """Ends the connection for `reason`, unless it has ended already, and returns why it ended."""
        if self.lost is None:
            self.lost = self.failure(reason, next_step=next_step)
            if self._descriptor >= 0 and self._loop is not None:
                self._loop.remove_reader(self._descriptor)
                self._descriptor = -1
            self._fail_echoes(self.lost)
            self.on_lost(self.lost)
        return self.lost

    def _mark_ended(self) -> Malfunction:
        """Ends the connection because the server closed it. libxcb's own text would help nobody."""
        return self.mark_lost(
            f"The X server of display {self.display} has ended.",
            next_step="Open the desktop again; the programs that ran in it have ended.",
        )

    def _ignore_server_grabs(self) -> None:
        """Asks the server to serve this connection during a grab by another program.

        A server without XTEST cannot do so. The agent needs XTEST for input and does not start there.
        """
        if self.core.QueryExtension(len("XTEST"), "XTEST").reply().present:
            self.x(xcffib.xtest.key).GrabControl(True)

    def _fail_echoes(self, error: Malfunction) -> None:
        for future, _ in self._echoes.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # marks it as retrieved: asyncio would log it if nobody waits any more
        self._echoes.clear()


def _connect(display: str, xauthority: Path | None) -> Any:
    """Connects with the cookie of an authority file.

    libxcb finds the file by the variable XAUTHORITY. The alternative, xcffib's own argument for the cookie,
    fails for cookies that contain a colon.
    """
    before = os.environ.get("XAUTHORITY")
    if xauthority is not None:
        os.environ["XAUTHORITY"] = str(xauthority)
    try:
        return xcffib.Connection(display=display)  # type: ignore[no-untyped-call]
    finally:
        if xauthority is not None:
            if before is None:
                del os.environ["XAUTHORITY"]
            else:
                os.environ["XAUTHORITY"] = before
