"""First byte of every binary frame and datagram (PROTOCOL.md §3, §4, §7 and §11)."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class FrameKind(IntEnum):
    UPDATE = 1  # agent → viewer: tiles and moves of one frame
    DIGEST_REPORT = 2  # viewer → agent: what the viewer read back from its surface
    CLIPBOARD = 3  # both directions: a piece of copied content
    POINTER_MOTION = 4  # viewer → agent, as a WebRTC datagram
