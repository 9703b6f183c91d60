"""Passes requests on to the broker over its Unix socket, and reads the answers. Both fit into memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httptools
import structlog

from display_server.gateway.broker_presence import BrokerPresence, broker_away

log = structlog.get_logger(__name__)

#: The broker has to answer within this time, s. Starting a desktop may take 40 s, and ending the one before
#: it a while longer.
ANSWER_TIMEOUT_S = 120.0
#: Largest answer, bytes. The largest are metrics of many desktops.
ANSWER_MAX_BYTES = 16 * 1024 * 1024
#: Headers that concern one connection only, and those that this module writes itself.
NOT_PASSED_ON = frozenset(
    {
        b"connection",
        b"content-length",
        b"date",
        b"expect",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class BrokerAnswer:
    """The answer of the broker. The parser calls the methods that begin with `on_`."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() not in NOT_PASSED_ON:
            self.headers.append((name.lower(), value))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


class BrokerHttp:
    """Sends each request over a connection of its own, which costs less than keeping connections."""

    def __init__(self, path: Path, presence: BrokerPresence) -> None:
        self._path = path
        self._presence = presence

    async def request(
        self, method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> BrokerAnswer:
        """Returns the answer. Raises BrokerAway when there is none."""
        try:
            async with self._presence.answer_within(ANSWER_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(str(self._path))
                try:
                    writer.write(_head(method, target, headers, len(body)) + body)
                    return await _read_answer(reader)
                finally:
                    writer.close()
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            log.info("broker does not answer", error=repr(error))
            raise broker_away() from error


def _head(method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]], length: int) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (method.encode("ascii"), target)]
    lines += [b"%s: %s" % header for header in headers if header[0] not in NOT_PASSED_ON]
    lines += [b"content-length: %d" % length, b"connection: close"]
    return b"\r\n".join((*lines, b"", b""))


async def _read_answer(reader: asyncio.StreamReader) -> BrokerAnswer:
    """Raises OSError or HttpParserError when the answer is incomplete, malformed or too large."""
    answer = BrokerAnswer()
    parser = httptools.HttpResponseParser(answer)
    while not answer.complete:
        data = await reader.read(65536)
        if not data:
            raise ConnectionError("the broker closed the connection")
        parser.feed_data(data)
        if len(answer.body) > ANSWER_MAX_BYTES:
            raise ConnectionError("the answer is too large")
    answer.status = parser.get_status_code()
    return answer
