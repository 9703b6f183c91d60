"""Every limit of the viewer protocol, with its unit. PROTOCOL.md says where each one applies."""

from __future__ import annotations

#: Longest text frame from a viewer, bytes of UTF-8.
VIEWER_TEXT_MAX_BYTES = 64 * 1024
#: Longest binary frame from a viewer, bytes.
VIEWER_BINARY_MAX_BYTES = 256 * 1024
#: Longest text frame from an agent, bytes of UTF-8.
AGENT_TEXT_MAX_BYTES = 256 * 1024
#: Longest binary frame from an agent, bytes.
AGENT_BINARY_MAX_BYTES = 32 * 1024 * 1024

#: A viewer that has not sent `hello` within this many seconds is disconnected.
HELLO_TIMEOUT_S = 5.0
#: Longest device name in `hello`, code points.
DEVICE_NAME_MAX_CHARS = 64
#: Largest tile cache that a viewer may announce in `hello`, bytes.
CACHE_MAX_BYTES = 1 << 30

#: Monitors of one desktop; they are numbered from 0.
MONITORS_MAX = 6

#: Longest `text` message, code points.
TEXT_INPUT_MAX_CHARS = 1024
#: Largest scroll distance of one `wheel` message in either direction, in 1/120 of a notch.
WHEEL_MAX = 12_000

#: Longest WebRTC session description in an `offer`, code points.
OFFER_MAX_CHARS = 48_000
#: Bits of a video region's number, as the strip below each frame shows it.
VIDEO_NUMBER_BITS = 12
#: Largest number of a video region; 0 means that no video is shown.
VIDEO_NUMBER_MAX = (1 << VIDEO_NUMBER_BITS) - 1

#: Content of one clipboard frame, bytes. Small enough not to delay an update on a slow link.
CLIPBOARD_PIECE_MAX_BYTES = 64 * 1024
#: Largest content that any clipboard policy may allow, bytes. Larger things are files.
CLIPBOARD_MAX_BYTES = 64 * 1024 * 1024

#: The exactness badge falls to `unverified` after this many seconds without a `state` message.
STATE_TIMEOUT_S = 5.0
