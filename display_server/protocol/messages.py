"""Every control message of PROTOCOL.md §2, §5 and §6, declared once: type, fields and ranges."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from display_server.errors import ProtocolError

PROTOCOL_VERSION = 1
SUBPROTOCOL = "lightbox.1"
#: Limits of PROTOCOL.md §1, bytes.
TEXT_MAX_BYTES = 64 * 1024
BINARY_MAX_BYTES = 256 * 1024
#: A desktop has so many monitors at most.
MONITORS_MAX = 6

Monitor = Annotated[int, Meta(ge=0, le=65_535)]
Place = Annotated[int, Meta(ge=-32_768, le=32_767)]
Side = Annotated[int, Meta(ge=1, le=65_535)]
Epoch = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
Turn = Annotated[int, Meta(ge=-12_000, le=12_000)]
Ordinal = Annotated[int, Meta(ge=0, le=0xFFFF)]
#: A browser's clock in ms; finite because JSON knows nothing else.
ClockMs = Annotated[float, Meta(ge=0, le=1e15)]
#: Who gives monitors their sizes (§9).
Sizes = Literal["window", "fixed", "other"]


class _Message(Struct, frozen=True, tag_field="type", tag=str.lower):
    """Unknown fields are ignored; a missing one, a wrong type or range is an error."""


class Hello(_Message, frozen=True):
    protocol: int
    client: Annotated[str, Meta(max_length=64)]
    monitor: Monitor
    cache_bytes: Annotated[int, Meta(ge=0, le=1 << 30)]
    encodings: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=64)]
    #: What the person would call the device, and whether it comes by itself after a loss (§8).
    device: Annotated[str, Meta(max_length=64)] = ""
    resume: bool = False
    #: Whether it could show video for what moves (§10).
    video: bool = False


class Pointer(_Message, frozen=True):
    """`turn` and `step` put it in order with motions that come as datagrams (§11)."""

    x: Place
    y: Place
    buttons: Annotated[int, Meta(ge=0, le=255)]
    turn: Ordinal = 0
    step: Ordinal = 0


class Wheel(_Message, frozen=True):
    x: Place
    y: Place
    dx: Turn
    dy: Turn
    turn: Ordinal = 0


class Key(_Message, frozen=True):
    keysym: Annotated[int, Meta(ge=1, le=0x1FF_FFFF)]
    code: Annotated[str, Meta(max_length=32)]
    down: bool


class Text(_Message, frozen=True):
    text: Annotated[str, Meta(min_length=1, max_length=1024)]


class Release(_Message, frozen=True):
    pass


class Ack(_Message, frozen=True):
    monitor: Monitor
    epoch: Epoch
    received: ClockMs
    decoded: ClockMs
    shown: ClockMs


class View(_Message, frozen=True):
    visible: bool
    scaled: bool
    ratio: Annotated[float, Meta(gt=0, le=64)]


class Watch(_Message, frozen=True):
    status: bool
    trace: bool


class Refresh(_Message, frozen=True):
    monitor: Monitor


class Ping(_Message, frozen=True):
    t: float


class OrderedMonitor(Struct, frozen=True):
    id: Annotated[int, Meta(ge=0, le=MONITORS_MAX - 1)]
    x: Place
    y: Place
    width: Side
    height: Side
    primary: bool = False


class Layout(_Message, frozen=True):
    """`scale` is the programs' text scale in percent; None leaves it."""

    monitors: Annotated[list[OrderedMonitor], Meta(min_length=1, max_length=MONITORS_MAX)]
    scale: Annotated[int, Meta(ge=100, le=300)] | None = None


ClipboardFormat = Literal["text", "png"]


class ClipboardAsk(_Message, frozen=True, tag="clipboard"):
    serial: Epoch
    format: ClipboardFormat


class Offer(_Message, frozen=True):
    """WebRTC's, to receive one video, and to send motions of the pointer."""

    sdp: Annotated[str, Meta(max_length=48_000)]


class Played(_Message, frozen=True):
    """Frames of this number that the surface showed so far."""

    monitor: Monitor
    number: Annotated[int, Meta(ge=1, le=0xFFF)]
    frames: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]


InputMessage = Pointer | Wheel | Key | Text | Release
ViewerMessage = (
    Hello | InputMessage | Ack | View | Watch | Refresh | Layout | Ping | ClipboardAsk | Offer | Played
)

_decoder: msgspec.json.Decoder[ViewerMessage] = msgspec.json.Decoder(ViewerMessage)


def parse_viewer_message(text: str) -> ViewerMessage:
    """Raises ProtocolError, which names the field, for anything that a viewer may not send."""
    # A code point takes at least one byte, so only a text near the limit is encoded to be measured.
    if len(text) > TEXT_MAX_BYTES // 4 and len(text.encode()) > TEXT_MAX_BYTES:
        raise ProtocolError(f"a text frame holds at most {TEXT_MAX_BYTES} bytes")
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ProtocolError(str(error)) from error


class MonitorLayout(Struct, frozen=True):
    id: int
    x: int
    y: int
    width: int
    height: int
    primary: bool


class Welcome(_Message, frozen=True):
    session: str
    viewer: str
    desktop: str
    digest_seed: str
    monitors: list[MonitorLayout]
    screen_max: tuple[int, int] | None
    scale: int
    sizes: Sizes
    tile_px: int = 64
    protocol: int = PROTOCOL_VERSION


class Cursor(_Message, frozen=True):
    width: int
    height: int
    hot_x: int
    hot_y: int
    png: str | None


class PointerAt(_Message, frozen=True, tag="pointer"):
    x: int
    y: int


StateName = Literal["exact", "refining", "lossy", "unverified"]


class State(_Message, frozen=True):
    monitor: int
    epoch: int
    state: StateName
    age_ms: float
    #: Raw bytes for each of the video that is shown; None while there is none.
    ratio: float | None


class Verify(_Message, frozen=True):
    monitor: int
    full: bool


VideoState = Literal["off", "connecting", "ready", "playing", "failed"]


class Status(_Message, frozen=True):
    monitor: int
    epoch: int
    state: StateName
    age_ms: float
    tiles: int
    updated_tiles: int
    verified: int
    verified_total: int
    mismatches: int
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
    """Times in ms on the agent's clock; None where the viewer's clock is not known yet."""

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
    frames: list[TraceFrame]


class ClipboardState(_Message, frozen=True, tag="clipboard"):
    to_desktop: bool
    from_desktop: bool
    images: bool
    max_bytes: int
    serial: int
    formats: list[ClipboardFormat]


class Notice(_Message, frozen=True):
    code: str
    message: str


class Pong(_Message, frozen=True):
    t: float
    clock: float


class Monitors(_Message, frozen=True):
    """`screen_max` is None where viewers cannot arrange them."""

    monitors: list[MonitorLayout]
    screen_max: tuple[int, int] | None
    scale: int
    sizes: Sizes


class IceServer(Struct, frozen=True):
    urls: list[str]
    username: str
    credential: str


class Peer(_Message, frozen=True):
    """Asks for an offer. `servers` relay where the direct way is closed."""

    servers: list[IceServer]


class Answer(_Message, frozen=True):
    sdp: str


class Video(_Message, frozen=True):
    """From now on frames with this number are shown in this rectangle, px on the monitor; with 0 none."""

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
    | PointerAt
    | State
    | Verify
    | Status
    | Trace
    | ClipboardState
    | Notice
    | Pong
    | Peer
    | Answer
    | Video
)

_encode = msgspec.json.Encoder().encode


def encode_agent_message(message: AgentMessage) -> str:
    return _encode(message).decode()
