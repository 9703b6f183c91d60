"""The states of a viewer's video stream and the transitions between them.

    detecting ─► starting ─► connecting ─► ready ─► playing ─► settling ─► ready …

From `connecting` on, a failure leads to `failed`, and a new offer from the viewer to `connecting`.
Tiles bring everything in every state but `playing`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from display_server.protocol.messages import VideoState as VideoStateName


class VideoState(Enum):
    """What the video stream of one viewer does."""

    #: The viewer, the host or the policy of the monitor allows no video.
    UNAVAILABLE = "unavailable"
    #: No connection exists. The motion detector watches for motion that tiles cannot bring.
    DETECTING = "detecting"
    #: The viewer was asked for a WebRTC offer.
    STARTING = "starting"
    #: The viewer's offer arrived; ICE and DTLS make the connection.
    CONNECTING = "connecting"
    #: The connection stands, and nothing is in motion.
    READY = "ready"
    #: A region goes as video.
    PLAYING = "playing"
    #: Motion ended; the viewer gets the region as tiles until its surface is no longer lossy.
    SETTLING = "settling"
    #: The connection or the encoder failed, or the viewer showed no frames. It is asked again later.
    FAILED = "failed"
    #: The viewer disconnected.
    CLOSED = "closed"


class VideoEvent(Enum):
    """What changes the state."""

    #: The host turned out to have no encoder that works.
    SUPPORT_MISSING = "support missing"
    #: The agent asked the viewer for an offer.
    INVITED = "invited"
    #: An offer arrived. A new connection replaces any former one.
    OFFERED = "offered"
    CONNECTED = "connected"
    #: The connection, the encoder or the viewer's decoder failed.
    FAILED = "failed"
    #: A region begins to go as video, or another region than before.
    MOTION_BEGAN = "motion began"
    #: The region rests, or may not go as video any more.
    MOTION_ENDED = "motion ended"
    #: No pixel of the last video remains on the viewer's surface.
    SETTLED = "settled"
    CLOSED = "closed"


_S, _E = VideoState, VideoEvent
TRANSITIONS: dict[tuple[VideoState, VideoEvent], VideoState] = {
    (_S.DETECTING, _E.SUPPORT_MISSING): _S.UNAVAILABLE,
    (_S.DETECTING, _E.INVITED): _S.STARTING,
    (_S.STARTING, _E.OFFERED): _S.CONNECTING,
    (_S.CONNECTING, _E.OFFERED): _S.CONNECTING,
    (_S.CONNECTING, _E.CONNECTED): _S.READY,
    (_S.CONNECTING, _E.FAILED): _S.FAILED,
    (_S.READY, _E.MOTION_BEGAN): _S.PLAYING,
    (_S.READY, _E.OFFERED): _S.CONNECTING,
    (_S.READY, _E.FAILED): _S.FAILED,
    (_S.PLAYING, _E.MOTION_BEGAN): _S.PLAYING,
    (_S.PLAYING, _E.MOTION_ENDED): _S.SETTLING,
    (_S.SETTLING, _E.MOTION_BEGAN): _S.PLAYING,
    (_S.SETTLING, _E.SETTLED): _S.READY,
    (_S.SETTLING, _E.OFFERED): _S.CONNECTING,
    (_S.SETTLING, _E.FAILED): _S.FAILED,
    (_S.FAILED, _E.FAILED): _S.FAILED,
    # The encoder may fail on a last frame of the former connection while the new one is being made.
    (_S.FAILED, _E.CONNECTED): _S.READY,
    (_S.FAILED, _E.OFFERED): _S.CONNECTING,
    **{(state, _E.CLOSED): _S.CLOSED for state in _S},
}

#: States in which the connection can carry frames.
CONNECTED_STATES = frozenset({_S.READY, _S.PLAYING, _S.SETTLING})

#: How each state is called in the `status` message.
STATUS_NAMES: dict[VideoState, VideoStateName] = {
    _S.UNAVAILABLE: "off",
    _S.DETECTING: "off",
    _S.STARTING: "off",
    _S.CONNECTING: "connecting",
    _S.READY: "ready",
    _S.PLAYING: "playing",
    _S.SETTLING: "ready",
    _S.FAILED: "failed",
    _S.CLOSED: "off",
}


class VideoStateMachine:
    """Holds the state. `on_transition` is called after each change with the former state, event and state."""

    def __init__(
        self, state: VideoState, on_transition: Callable[[VideoState, VideoEvent, VideoState], None]
    ) -> None:
        self.state = state
        self._on_transition = on_transition

    def allows(self, event: VideoEvent) -> bool:
        return (self.state, event) in TRANSITIONS

    def step(self, event: VideoEvent) -> None:
        """Applies an event that the present state allows."""
        former = self.state
        self.state = TRANSITIONS[former, event]
        self._on_transition(former, event, self.state)
