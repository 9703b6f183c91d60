"""Applies one viewer's input to the desktop, in the order in which it counts, from both transports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from display_server.agent.input.input_activity import InputActivity
from display_server.agent.input.input_guard import InputGuard
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

#: Input messages that wait for a paste at most; further ones are applied at once.
DELAYED_MAX = 1024


class ViewerInput:
    """Pointer, wheel and keyboard of one viewer.

    `monitor` returns the monitor that the viewer shows, and `screen_size_px` the size of the whole screen.
    `on_pointer_moved` is called with the place on the screen, px, to which the viewer moved the pointer.
    `on_activity` is called when the person did something, also when it comes too late to have an effect.
    `notify` sends the person a notice: its code, and an English text.
    """

    def __init__(
        self,
        viewer: str,
        sink: InputSink,
        monitor: Callable[[], Monitor],
        screen_size_px: Callable[[], tuple[int, int]],
        on_pointer_moved: Callable[[int, int], None],
        on_activity: Callable[[], None],
        notify: Callable[[str, str], None],
        metrics: AgentMetrics,
        patience: float = 1.0,
    ) -> None:
        self._viewer = viewer
        self._sink = sink
        self._monitor = monitor
        self._screen_size_px = screen_size_px
        self._on_pointer_moved = on_pointer_moved
        self._on_activity = on_activity
        self._notify = notify
        self._metrics = metrics
        self._order = PointerOrder()
        self._guard = InputGuard(patience)
        self._activity = InputActivity()
        self._buttons = 0
        # Where the pointer is on the screen, whoever moved it there; None before anyone did.
        self._pointer_px: tuple[int, int] | None = None
        self._paste: asyncio.Future[None] | None = None
        self._delayed: list[m.InputMessage] = []
        sink.on_lost = self.on_lost
        sink.on_modifier_missing = self._notify_missing
        #: Pointer motions that arrived as datagrams.
        self.datagrams = 0

    @property
    def pointer_px(self) -> tuple[int, int] | None:
        """Where the pointer is on the viewer's monitor; None while it is on another one."""
        if self._pointer_px is None:
            return None
        monitor = self._monitor()
        x, y = self._pointer_px[0] - monitor.x, self._pointer_px[1] - monitor.y
        return (x, y) if 0 <= x < monitor.width and 0 <= y < monitor.height else None

    def on_moved_by_others(self, x_px: int, y_px: int) -> None:
        """Records that another viewer or a program moved the pointer to this place on the screen."""
        self._pointer_px = self._clamp(x_px, y_px)

    def on_heard(self, now_s: float) -> None:
        """The viewer sent something: it can still release what it holds."""
        self._guard.on_heard(now_s)

    def on_upload(self, now_s: float) -> None:
        """A piece of what the viewer copied arrived: the input behind it is late for a reason."""
        self._guard.on_upload(now_s)

    def check_silence(self, now_s: float) -> None:
        """Releases what a viewer holds that has been silent for too long, and announces dropped input.

        Call it several times per second.
        """
        if self._guard.loss_to_announce(now_s):
            self._notify_lost()
        if self._guard.release_due(now_s):
            log.info("released what a silent viewer held", viewer=self._viewer)
            self._buttons = 0
            self._paste, self._delayed = None, []
            self._sink.release()

    def on_lost(self) -> None:
        """The X server did not take input in time. The sink has released what the viewer holds."""
        self._guard.lose()
        self._buttons = 0

    def on_message(self, message: m.InputMessage, now_s: float) -> None:
        """Applies a message of the WebSocket, or delays it until the viewer's copy can be pasted.

        Input that arrives too late is dropped, except for what it releases.
        """
        if self._activity.is_activity(message):
            self._on_activity()
        admitted = self._guard.admit(message, now_s)
        if self._guard.loss_to_announce(now_s):
            self._notify_lost()
        if admitted is None:
            return
        message = admitted
        if self._paste is not None and len(self._delayed) < DELAYED_MAX:
            self._delayed.append(message)
        else:
            self._apply(message)

    def on_datagram(self, data: bytes | None) -> None:
        """Applies a message of the data channel, unless newer input overtook it.

        None is a message that the channel does not allow. Raises ProtocolError.
        """
        if data is None:
            raise ProtocolError("the data channel carries only whole binary messages on stream 0")
        motion = parse_pointer_motion(data)
        if self._activity.is_activity(motion):
            self._on_activity()
        self._metrics.pointer_datagrams += 1
        self.datagrams += 1
        # A motion must not overtake input that waits for a paste. It may be dropped, because the WebSocket
        # repeats where the pointer came to rest.
        if self._paste is None and self._order.accept_datagram(motion.turn, motion.step):
            self._apply(motion)
        else:
            self._metrics.pointer_late += 1

    def delay_until(self, pasteable: asyncio.Future[None]) -> None:
        """Delays input until programs can paste what the viewer copied: the key that pastes may be next.

        A later copy replaces an earlier one. The wait also ends when the copy fails.
        """
        self._paste = pasteable
        pasteable.add_done_callback(self._on_pasteable)

    def close(self) -> None:
        """Releases everything that the viewer holds, and drops the input that waits for a paste."""
        self._paste, self._delayed = None, []
        self._sink.release()

    # ── private ───────────────────────────────────────────────────────────────────────────────────────

    def _notify_lost(self) -> None:
        self._metrics.input_lost += 1
        self._notify(NoticeCode.INPUT_LOST, "What you did while the desktop did not answer was dropped.")

    def _notify_missing(self) -> None:
        text = "The desktop has no key for a modifier that you hold. Keys pressed with it are dropped."
        self._notify(NoticeCode.MODIFIER_MISSING, text)

    def _on_pasteable(self, pasteable: asyncio.Future[None]) -> None:
        if not pasteable.cancelled():
            pasteable.exception()  # marks it as seen: an X server that is gone ends the agent's capture
        if pasteable is self._paste:
            self._paste, delayed, self._delayed = None, self._delayed, []
            for message in delayed:
                self._apply(message)

    def _apply(self, message: m.InputMessage | PointerMotion) -> None:
        self._metrics.input_events += 1
        try:
            match message:
                case m.Pointer():
                    accepted = self._order.accept_message(message.turn, message.step)
                    if accepted or message.buttons != self._buttons:
                        self._buttons = message.buttons
                        self._move_pointer(message.x, message.y)
                case PointerMotion():
                    self._move_pointer(message.x, message.y)
                case m.Wheel():
                    self._order.accept_message(message.turn, 0)
                    if self._on_screen(message.x, message.y) != self._pointer_px:
                        self._move_pointer(message.x, message.y)
                    self._sink.wheel(message.dx, message.dy)
                case m.Key():
                    self._sink.key(message.keysym, message.code, down=message.down)
                case m.Text():
                    self._sink.text(message.text)
                case m.Release():
                    self._buttons = 0
                    self._sink.release()
        except Malfunction as error:
            # An X server that is gone ends the agent's capture; one that is stuck may recover.
            log.error("input failed", viewer=self._viewer, error=str(error))
            self._notify(NoticeCode.INPUT_FAILED, "The desktop does not accept input at the moment.")

    def _move_pointer(self, x: int, y: int) -> None:
        self._pointer_px = self._on_screen(x, y)
        self._sink.pointer(*self._pointer_px, self._buttons)
        self._on_pointer_moved(*self._pointer_px)

    def _on_screen(self, x: int, y: int) -> tuple[int, int]:
        """Converts monitor to screen coordinates. A drag may leave the monitor, but not the screen."""
        monitor = self._monitor()
        return self._clamp(x + monitor.x, y + monitor.y)

    def _clamp(self, x: int, y: int) -> tuple[int, int]:
        width, height = self._screen_size_px()
        return min(max(x, 0), width - 1), min(max(y, 0), height - 1)
