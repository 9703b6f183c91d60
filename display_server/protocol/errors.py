"""The error for violations of the viewer protocol; part of the tree in `display_server.errors`."""

from __future__ import annotations

from display_server.errors import LightboxError
from display_server.protocol.close_codes import CloseCode


class ProtocolError(LightboxError):
    """The peer broke the viewer protocol. The connection is closed with `close_code`."""

    def __init__(self, message: str, *, close_code: CloseCode = CloseCode.PROTOCOL_VIOLATION) -> None:
        super().__init__(message)
        self.close_code = close_code
