"""The region of a monitor that one viewer is shown as video, and the detector that chooses it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from display_server.agent.motion.motion_detector import MotionDetector
from display_server.agent.motion.region import Region, Tiles
from display_server.agent.streams.message_sink import MessageSink
from display_server.agent.streams.tile_delivery import TileDelivery
from display_server.agent.update.shadow import Shadow
from display_server.protocol import messages as m
from display_server.protocol.limits import VIDEO_NUMBER_MAX

#: A viewer that is sent video must show a frame within this time, or else it gets tiles again, s.
SHOWN_WITHIN_S = 2.0

#: Least delay of the timer that ends a motion, s.
TIMER_MIN_S = 0.001


class MotionRegion:
    """Tells the viewer where video belongs, and the tile stream which tiles video replaces.

    `request_frame` is called when the motion should have come to rest.
    """

    def __init__(
        self,
        monitor: int,
        shadow: Shadow,
        detector: MotionDetector,
        tiles: TileDelivery,
        sink: MessageSink,
        request_frame: Callable[[], None],
    ) -> None:
        self._monitor = monitor
        self._shadow = shadow
        self._tiles = tiles
        self._sink = sink
        self._request_frame = request_frame
        self._rest_timer: asyncio.TimerHandle | None = None
        self._last_number = 0
        self._began_s = math.inf
        self._shown_s = math.inf
        self._frames_shown = 0
        self.detector = detector
        #: The region that is video now, or None.
        self.region: Region | None = None
        #: Marks the frames of the present motion; 0 while there is none.
        self.number = 0

    def observe(self, changed: Tiles, waited_s: float, now_s: float, *, delay_s: float = 0.0) -> None:
        """Feeds the detector with a capture. `waited_s` is how long its oldest damage waited, `delay_s` the
        time from then until now.
        """
        waited_s = max(waited_s, self._tiles.closed_for_s(now_s))
        self.detector.on_frame(changed, waited_s, now_s, viewer_ready=self._tiles.ready, delay_s=delay_s)

    def begin(self, region: Region, now_s: float) -> None:
        """Begins a motion, in place of the present one if there is one."""
        self.region = region
        self.number = self._last_number = self._last_number % VIDEO_NUMBER_MAX + 1
        self._began_s = self._shown_s = now_s
        self._frames_shown = 0
        grid = self._shadow.grid
        place = region.rectangle_px(grid.width_px, grid.height_px)
        self._sink.send_message(m.VideoRegion(self._monitor, self.number, *place))
        self._tiles.cover(region)

    def end(self) -> None:
        """Ends the motion: its region goes as tiles again."""
        self.region = None
        self.number = 0
        self._sink.send_message(m.VideoRegion(self._monitor, 0, 0, 0, 0, 0))
        self._tiles.uncover()

    def is_unseen(self, now_s: float) -> bool:
        """Returns whether the viewer has shown no frame for too long, although something moves."""
        moves = self.detector.rest_deadline_s > now_s
        return moves and now_s - max(self._began_s, self._shown_s) > SHOWN_WITHIN_S

    def on_played(self, message: m.Played, now_s: float) -> bool:
        """Returns whether the viewer showed more frames of the present motion than before."""
        if message.number != self.number or message.frames <= self._frames_shown:
            return False
        self._frames_shown = message.frames
        self._shown_s = now_s
        return True

    def schedule_rest(self, now_s: float) -> None:
        """Sets the timer that ends the motion if nothing changes until then."""
        self._cancel_timer()
        in_s = max(TIMER_MIN_S, self.detector.rest_deadline_s - now_s)
        self._rest_timer = asyncio.get_running_loop().call_later(in_s, self._request_frame)

    def resize(self, shadow: Shadow, detector: MotionDetector) -> None:
        """Adopts another size of the monitor. No motion may be in progress."""
        assert self.region is None
        self._shadow = shadow
        self.detector = detector

    def close(self) -> None:
        """Forgets the motion, without a message to the viewer, which has disconnected."""
        self.region = None
        self.number = 0
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None
