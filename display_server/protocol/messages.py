"""Every control message of PROTOCOL.md §2, §5 and §6: type, fields and ranges.

The classes are the source of the web client's types (`generate_typescript`). A message's `type` on the wire
is its class name in lower case, or the explicit `tag`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from display_server.protocol.errors import ProtocolError
from display_server.protocol.limits import (
    CACHE_MAX_BYTES,
    DEVICE_NAME_MAX_CHARS,
    MONITORS_MAX,
    OFFER_MAX_CHARS,
    TEXT_INPUT_MAX_CHARS,
    VIDEO_NUMBER_MAX,
    VIEWER_TEXT_MAX_BYTES,
    WHEEL_MAX,
)
from display_server.protocol.subprotocol import PROTOCOL_VERSION

MonitorNumber = Annotated[int, Meta(ge=0, le=65_535)]
#: A coordinate on a monitor or the screen, px.
Coordinate = Annotated[int, Meta(ge=-32_768, le=32_767)]
#: Width or height of a monitor, px.
Length = Annotated[int, Meta(ge=1, le=65_535)]
Uint16 = Annotated[int, Meta(ge=0, le=0xFFFF)]
Uint32 = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
#: Scroll distance in 1/120 of a notch; positive is right or down.
WheelDelta = Annotated[int, Meta(ge=-WHEEL_MAX, le=WHEEL_MAX)]
#: Time on the agent's clock, ms, as the viewer estimates it (§12).
AgentTime = Annotated[float, Meta(ge=-1e15, le=1e15)]
#: Time on the browser's clock, ms. The upper bound excludes infinity, which JSON cannot express.
BrowserTime = Annotated[float, Meta(ge=0, le=1e15)]

#: What the viewer's badge may claim about a monitor (§4).
Exactness = Literal["exact", "refining", "lossy", "unverified"]
#: What determines the size of the monitors (§9).
SizeSource = Literal["window", "fixed", "other"]
ClipboardFormat = Literal["text", "png"]
#: A part of the desktop that can stop to answer while the others work (§12).
SilentPart = Literal["x-server", "supervisor", "window-manager"]
#: State of the WebRTC connection and of the video region (§10).
VideoState = Literal["off", "connecting", "ready", "playing", "failed"]


class _Message(Struct, frozen=True, tag_field="type", tag=str.lower):
    """Unknown fields are ignored; a missing field, a wrong type or a value out of range is an error."""


# ── viewer → agent ───────────────────────────────────────────────────────────────────────────────────────


class Hello(_Message, frozen=True):
    """The first message. `encodings` are the tile encodings that the viewer can decode.

    `device` is the device's name for people. `resume` means that the viewer reconnects by itself (§8),
    `video` that it can show video (§10), and `caret` that it knows the message `caret`.
    """

    protocol: int
    client: Annotated[str, Meta(max_length=64)]
    monitor: MonitorNumber
    cache_bytes: Annotated[int, Meta(ge=0, le=CACHE_MAX_BYTES)]
    encodings: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=64)]
    device: Annotated[str, Meta(max_length=DEVICE_NAME_MAX_CHARS)] = ""
    resume: bool = False
    video: bool = False
    caret: bool = False


class Pointer(_Message, frozen=True):
    """Absolute position in px on the monitor, and all pressed buttons as a bit mask.

    `turn` and `step` order the message among motions that arrive as datagrams (§11).
    """

    x: Coordinate
    y: Coordinate
    buttons: Annotated[int, Meta(ge=0, le=255)]
    turn: Uint16 = 0
    step: Uint16 = 0
    t: AgentTime | None = None


class Wheel(_Message, frozen=True):
    """Scrolls by `dx` and `dy`, in 1/120 of a notch, at the position `x`, `y`."""

    x: Coordinate
    y: Coordinate
    dx: WheelDelta
    dy: WheelDelta
    turn: Uint16 = 0
    t: AgentTime | None = None


class Key(_Message, frozen=True):
    """Presses or releases a key. A release names the same `code` as its press.

    `repeat` says that the key was held before: the message has no effect if the desktop does not hold it.
    """

    keysym: Annotated[int, Meta(ge=1, le=0x1FF_FFFF)]
    code: Annotated[str, Meta(max_length=32)]
    down: bool
    repeat: bool = False
    t: AgentTime | None = None


class Text(_Message, frozen=True):
    """Text from an input method or a soft keyboard, typed as if by keyboard."""

    text: Annotated[str, Meta(min_length=1, max_length=TEXT_INPUT_MAX_CHARS)]
    t: AgentTime | None = None


class Release(_Message, frozen=True):
    """Releases every key and button that this viewer holds.

    `buttons` are those that the person still presses. They have no effect until the viewer reported them up.
    """

    buttons: Annotated[int, Meta(ge=0, le=255)] = 0
    t: AgentTime | None = None


class Ack(_Message, frozen=True):
    """The surface shows the epoch. Times are ms on the viewer's clock."""

    monitor: MonitorNumber
    epoch: Uint32
    received: BrowserTime
    decoded: BrowserTime
    shown: BrowserTime


class View(_Message, frozen=True):
    """How the page shows the surface. `ratio` is device pixels per CSS pixel."""

    visible: bool
    scaled: bool
    ratio: Annotated[float, Meta(gt=0, le=64)]


class Watch(_Message, frozen=True):
    """Turns the reports `status` and `trace` on or off; the agent sends them once per second."""

    status: bool
    trace: bool


class Refresh(_Message, frozen=True):
    """The viewer cannot continue from its surface and asks for a RESET update."""

    monitor: MonitorNumber


class Readback(_Message, frozen=True):
    """Whether the browser alters what a page reads back from a canvas, so that digests prove nothing (§4)."""

    monitor: MonitorNumber
    altered: bool


class Ping(_Message, frozen=True):
    """`t` is any number; `pong` returns it."""

    t: float


class RequestedMonitor(Struct, frozen=True):
    """One monitor of a `layout` request, in device pixels."""

    id: Annotated[int, Meta(ge=0, le=MONITORS_MAX - 1)]
    x: Coordinate
    y: Coordinate
    width: Length
    height: Length
    primary: bool = False


class Layout(_Message, frozen=True):
    """Requests a monitor layout. `scale` is the text scale of programs, %; null leaves it unchanged."""

    monitors: Annotated[list[RequestedMonitor], Meta(min_length=1, max_length=MONITORS_MAX)]
    scale: Annotated[int, Meta(ge=100, le=300)] | None = None


class Gather(_Message, frozen=True):
    """Moves the windows of `monitor` to this viewer's own monitor: nobody sees them there any more (§9)."""

    monitor: MonitorNumber


class ClipboardRequest(_Message, frozen=True, tag="clipboard"):
    """Requests what a program copied: `serial` and `format` are from the agent's `clipboard` message."""

    serial: Uint32
    format: ClipboardFormat


class Offer(_Message, frozen=True):
    """WebRTC offer to receive one video track and, optionally, to open a channel for pointer motion."""

    sdp: Annotated[str, Meta(max_length=OFFER_MAX_CHARS)]


class Played(_Message, frozen=True):
    """`frames` video frames with this `number` were shown so far."""

    monitor: MonitorNumber
    number: Annotated[int, Meta(ge=1, le=VIDEO_NUMBER_MAX)]
    frames: Uint32


InputMessage = Pointer | Wheel | Key | Text | Release
ViewerMessage = (
    Hello
    | InputMessage
    | Ack
    | View
    | Watch
    | Refresh
    | Readback
    | Layout
    | Gather
    | Ping
    | ClipboardRequest
    | Offer
    | Played
)

_decoder: msgspec.json.Decoder[ViewerMessage] = msgspec.json.Decoder(ViewerMessage)


def parse_viewer_message(text: str) -> ViewerMessage:
    """Parses and checks one control message. Raises ProtocolError, whose text names the wrong field."""
    # A code point takes at most four bytes, so shorter texts need not be encoded to be measured.
    if len(text) > VIEWER_TEXT_MAX_BYTES // 4 and len(text.encode()) > VIEWER_TEXT_MAX_BYTES:
        raise ProtocolError(f"a text frame holds at most {VIEWER_TEXT_MAX_BYTES} bytes")
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ProtocolError(str(error)) from error


# ── agent → viewer ───────────────────────────────────────────────────────────────────────────────────────


class MonitorLayout(Struct, frozen=True):
    """One monitor of the desktop, px from the upper left corner of the screen."""

    id: int
    x: int
    y: int
    width: int
    height: int
    primary: bool


class Welcome(_Message, frozen=True):
    """The answer to `hello`. `digest_seed` is a 64-bit number as 16 hexadecimal digits (§4).

    `tile_px` is the side of a tile. The layout fields are those of `monitors`. `patience` multiplies the
    times after which a viewer calls the desktop silent (§12).
    """

    session: str
    viewer: str
    desktop: str
    digest_seed: str
    monitors: list[MonitorLayout]
    screen_max: tuple[int, int] | None
    scale: int
    sizes: SizeSource
    tile_px: int
    protocol: int = PROTOCOL_VERSION
    patience: float = 1.0


class Cursor(_Message, frozen=True):
    """The cursor image as base64; `png` is null while a program hides the cursor. Sizes in px."""

    width: int
    height: int
    hot_x: int
    hot_y: int
    png: str | None


class PointerPosition(_Message, frozen=True, tag="pointer"):
    """A program or another viewer moved the pointer to this position on the screen, px."""

    x: int
    y: int


class Caret(_Message, frozen=True):
    """Where text is entered: the caret's rectangle on the screen, px. Height 0: no program reports it."""

    x: int
    y: int
    width: int
    height: int


class State(_Message, frozen=True):
    """Exactness of a monitor (§4). `age_ms` is the time since the surface was last proven, null before.

    `ratio` is the compression ratio of the video that is shown, null without video.
    """

    monitor: int
    epoch: int
    state: Exactness
    age_ms: float | None
    ratio: float | None


class Verify(_Message, frozen=True):
    """Asks the viewer to read back its surface and to report digests; `full` asks for every tile."""

    monitor: int
    full: bool


class Status(_Message, frozen=True):
    """Counters since the viewer connected (§5)."""

    monitor: int
    epoch: int
    state: Exactness
    age_ms: float | None
    tiles: int
    updated_tiles: int
    verified: int
    verified_total: int
    mismatches: int
    unrepaired: int
    updates: int
    dropped: int
    bytes: int
    raw_bytes: int
    encodings: dict[str, int]
    cached: int
    moved: int
    video: VideoState
    video_frames: int
    video_bytes: int
    video_raw_bytes: int
    video_codec: str
    datagrams: int


class TraceFrame(Struct, frozen=True):
    """When each stage of one frame ended, ms on the agent's clock (§6).

    `received`, `decoded` and `shown` are null until the offset of the viewer's clock is known.
    """

    epoch: int
    damaged: float
    captured: float
    diffed: float
    encoded: float
    sent: float
    received: float | None
    decoded: float | None
    shown: float | None
    acked: float
    tiles: int
    bytes: int


class Trace(_Message, frozen=True):
    """The frames that were acknowledged since the previous `trace`."""

    frames: list[TraceFrame]


class ClipboardState(_Message, frozen=True, tag="clipboard"):
    """What the policy allows, and what a program copied: a new `serial` means new content (§7)."""

    to_desktop: bool
    from_desktop: bool
    images: bool
    max_bytes: int
    serial: int
    formats: list[ClipboardFormat]


class Notice(_Message, frozen=True):
    """A message for the person; `code` is one of NoticeCode."""

    code: str
    message: str


class Pong(_Message, frozen=True):
    """The answer to `ping`: its `t`, and the agent's clock in ms."""

    t: float
    clock: float


class Heartbeat(_Message, frozen=True):
    """Proves that damage is still delivered (§12). Times are ms on the agent's clock.

    `clock` is when the message was sent, and `age_ms` how long before that the X server was asked for the
    answer that came last; null before the first. `silent` names the parts of the desktop that do not answer.
    """

    sequence: int
    clock: float
    age_ms: float | None
    silent: list[SilentPart]


class Monitors(_Message, frozen=True):
    """The monitor layout (§9). `screen_max` is null where viewers cannot change it.

    `scale` is the text scale of programs, %.
    """

    monitors: list[MonitorLayout]
    screen_max: tuple[int, int] | None
    scale: int
    sizes: SizeSource


class IceServer(Struct, frozen=True):
    """A TURN server, with the fields of WebRTC's RTCIceServer."""

    urls: list[str]
    username: str
    credential: str


class OfferRequest(_Message, frozen=True, tag="peer"):
    """Asks the viewer for an `offer`. `servers` relay where no direct connection is possible."""

    servers: list[IceServer]


class Answer(_Message, frozen=True):
    """WebRTC answer to the latest `offer`."""

    sdp: str


class VideoRegion(_Message, frozen=True, tag="video"):
    """From now on, video frames with this `number` are shown in this rectangle, px on the monitor.

    Number 0 ends the video.
    """

    monitor: int
    number: int
    x: int
    y: int
    width: int
    height: int


AgentMessage = (
    Welcome
    | Monitors
    | Cursor
    | PointerPosition
    | Caret
    | State
    | Verify
    | Status
    | Trace
    | ClipboardState
    | Notice
    | Pong
    | Heartbeat
    | OfferRequest
    | Answer
    | VideoRegion
)

_encode = msgspec.json.Encoder().encode


def encode_agent_message(message: AgentMessage) -> str:
    return _encode(message).decode()
