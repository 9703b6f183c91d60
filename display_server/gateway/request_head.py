"""Measures the head of a request while it arrives. Pure.

A chunk of data may hold a head together with the beginning of its body, so only the bytes up to the blank
line count.
"""

from __future__ import annotations

from display_server.broker_link.api_error import ApiError
from display_server.gateway.handshake import HEAD_MAX_BYTES

#: Longest first line of a request, bytes: the method, the address and the version. Our own addresses have
#: fewer than 200 bytes.
LINE_MAX_BYTES = 8 * 1024

_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"


class RequestHead:
    """The sizes of one head so far."""

    def __init__(self) -> None:
        self._line_bytes = 0
        self._line_complete = False
        self._head_bytes = 0
        self._tail = b""  # the last bytes, in which the blank line may have begun

    @property
    def begun(self) -> bool:
        return self._head_bytes > 0

    def add(self, data: bytes) -> None:
        """Measures the next chunk. Raises ApiError when the line or the head is too large."""
        if self._head_bytes == 0:
            data = data.lstrip(_LINE_END)  # blank lines before a request are ignored (RFC 9112, section 2.2)
        known = len(self._tail)
        joined = self._tail + data
        if not self._line_complete:
            end = joined.find(_LINE_END)
            self._line_complete = end >= 0
            self._line_bytes += (end if end >= 0 else len(joined)) - known
        end = joined.find(_HEAD_END)
        self._head_bytes += (end + len(_HEAD_END) if end >= 0 else len(joined)) - known
        self._tail = joined[1 - len(_HEAD_END) :]
        if self._line_bytes > LINE_MAX_BYTES:
            raise ApiError(
                414,
                "address-too-long",
                f"The address in the request's first line is longer than {LINE_MAX_BYTES // 1024} KiB.",
                next_step="Shorten the address.",
            )
        if self._head_bytes > HEAD_MAX_BYTES:
            raise ApiError(
                431,
                "head-too-large",
                f"The header fields of the request are larger than {HEAD_MAX_BYTES // 1024} KiB together.",
                next_step="Delete this site's cookies in the browser, or shorten what a proxy adds.",
            )
