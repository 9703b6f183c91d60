"""One viewer's hands: what it presses and where it points, by the WebSocket or beside it, on the desktop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from display_server.agent.input.input_sink import InputSink
from display_server.agent.input.pointer_order import PointerOrder
from display_server.desktop.x11.monitors import Monitor
from display_server.errors import Malfunction
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.protocol.notice_codes import NoticeCode
from display_server.protocol.wire import PointerMotion, parse_pointer_motion
from display_server.telemetry.metrics import AgentMetrics

log = structlog.get_logger(__name__)

#: Input that waits until what was brought can be pasted; more is done at once.
HELD_MAX = 1024


class ViewerInput:
    """`monitor` gives the one that the viewer shows and is asked after hello only; `size_px` is the whole
    screen's. `pointed` is told where on the screen, px, the viewer moved the pointer. `notice` tells the
    person something by code and English words.
    """

    def __init__(
        self,
        viewer: str,
        sink: InputSink,
        monitor: Callable[[], Monitor],
        size_px: Callable[[], tuple[int, int]],
        pointed: Callable[[int, int], None],
        notice: Callable[[str, str], None],
        metrics: AgentMetrics,
    ) -> None:
        self._viewer = viewer
        self._sink = sink
        self._monitor = monitor
        self._size_px = size_px
        self._pointed = pointed
        self._notice = notice
        self._metrics = metrics
        self._order = PointerOrder()
        self._buttons = 0
        #: On the screen, px; whoever moved it there.
        self._pointer: tuple[int, int] | None = None
        self._pasting: asyncio.Future[None] | None = None
        self._held: list[m.InputMessage] = []
        #: Motions that came beside the WebSocket.
        self.datagrams = 0

    @property
    def place(self) -> tuple[int, int] | None:
        """Of the pointer on the viewer's monitor, px; None while it is elsewhere."""
        if self._pointer is None:
            return None
        monitor = self._monitor()
        x, y = self._pointer[0] - monitor.x, self._pointer[1] - monitor.y
        return (x, y) if 0 <= x < monitor.width and 0 <= y < monitor.height else None

    def moved(self, x_px: int, y_px: int) -> None:
        """Somebody else moved the pointer to this place on the screen."""
        self._pointer = self._clamped(x_px, y_px)

    def act(self, message: m.InputMessage) -> None:
        """Now, or once what was brought can be pasted: the key that pastes may be among what comes."""
        if self._pasting is not None and len(self._held) < HELD_MAX:
            self._held.append(message)
        else:
            self._do(message)

    def datagram(self, data: bytes | None) -> None:
        """A message of the data channel; None: something that is none. Raises ProtocolError."""
        if data is None:
            raise ProtocolError("the data channel is for whole binary messages on stream 0")
        motion = parse_pointer_motion(data)
        self._metrics.pointer_datagrams += 1
        self.datagrams += 1
        # What waits for a paste is not overtaken; the WebSocket repeats where the pointer came to rest.
        if self._pasting is None and self._order.accept_datagram(motion.turn, motion.step):
            self._do(motion)
        else:
            self._metrics.pointer_late += 1

    def hold_until(self, pasteable: asyncio.Future[None]) -> None:
        """What comes from now on waits for this, or for a later one; that it failed ends the wait as well."""
        self._pasting = pasteable
        pasteable.add_done_callback(self._can_paste)

    def release(self) -> None:
        """Lets go of everything, for good: what waits for a paste is not done any more."""
        self._pasting, self._held = None, []
        self._sink.release()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _can_paste(self, pasteable: asyncio.Future[None]) -> None:
        if not pasteable.cancelled():
            pasteable.exception()  # a server that is gone ends the agent by its capture
        if pasteable is self._pasting:
            self._pasting, held, self._held = None, self._held, []
            for message in held:
                self._do(message)

    def _do(self, message: m.InputMessage | PointerMotion) -> None:
        self._metrics.input_events += 1
        try:
            match message:
                case m.Pointer():
                    counts = self._order.accept_message(message.turn, message.step)
                    if counts or message.buttons != self._buttons:
                        self._buttons = message.buttons
                        self._point(message.x, message.y)
                case PointerMotion():
                    self._point(message.x, message.y)
                case m.Wheel():
                    self._order.accept_message(message.turn, 0)
                    if self._on_screen(message.x, message.y) != self._pointer:
                        self._point(message.x, message.y)
                    self._sink.wheel(message.dx, message.dy)
                case m.Key():
                    self._sink.key(message.keysym, message.code, down=message.down)
                case m.Text():
                    self._sink.text(message.text)
                case m.Release():
                    self._buttons = 0
                    self._sink.release()
        except Malfunction as error:
            # A server that is gone ends the agent by its capture; one that is stuck may recover.
            log.error("input failed", viewer=self._viewer, error=str(error))
            self._notice(NoticeCode.INPUT_FAILED, "The desktop does not take input at the moment.")

    def _point(self, x: int, y: int) -> None:
        self._pointer = self._on_screen(x, y)
        self._sink.pointer(*self._pointer, self._buttons)
        self._pointed(*self._pointer)

    def _on_screen(self, x: int, y: int) -> tuple[int, int]:
        """From the monitor's coordinates. A drag may leave the monitor, towards others."""
        monitor = self._monitor()
        return self._clamped(x + monitor.x, y + monitor.y)

    def _clamped(self, x: int, y: int) -> tuple[int, int]:
        width, height = self._size_px()
        return min(max(x, 0), width - 1), min(max(y, 0), height - 1)
