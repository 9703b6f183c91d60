"""The kinds of binary frames and datagrams (PROTOCOL.md §3, §4, §7 and §11)."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class FrameKind(IntEnum):
    """The first byte of a binary frame or datagram."""

    #: Agent → viewer: tiles and moves of one frame.
    UPDATE = 1
    #: Viewer → agent: digests of what the viewer read back from its surface.
    DIGEST_REPORT = 2
    #: Both directions: a piece of copied content.
    CLIPBOARD = 3
    #: Viewer → agent, as a WebRTC datagram: a new pointer position.
    POINTER_MOTION = 4
