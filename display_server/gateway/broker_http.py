"""Passes requests on to the broker over its Unix socket, and reads the answers.

Both fit into memory, except for streams of server-sent events, which are passed on piece by piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
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
#: A stream of events ends after this time, s, and the browser begins another one.
STREAM_MAX_S = 3600.0
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
    begun: bool = False  # status and headers are there
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() not in NOT_PASSED_ON:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.begun = True

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

    async def stream(self, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> BrokerStream:
        """Begins a GET whose answer may be endless. Raises BrokerAway when there is none."""
        writer = None
        try:
            async with self._presence.answer_within(ANSWER_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(str(self._path))
                writer.write(_head("GET", target, headers, 0))
                stream = BrokerStream(reader, writer, self._presence)
                await stream.begin()
                return stream
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            if writer is not None:
                writer.close()
            log.info("broker does not answer", error=repr(error))
            raise broker_away() from error


class BrokerStream:
    """An answer whose body is read piece by piece. What nobody reads stays with the broker."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, presence: BrokerPresence
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._presence = presence
        self.answer = BrokerAnswer()
        self._parser = httptools.HttpResponseParser(self.answer)

    async def begin(self) -> None:
        """Reads status and headers. Raises OSError and HttpParserError."""
        while not self.answer.begun:
            await self._read()
        self.answer.status = self._parser.get_status_code()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yields the body until it ends, or the broker does. To be called once; closes the connection."""
        try:
            async with self._presence.answer_within(STREAM_MAX_S):
                while True:
                    if self.answer.body:
                        yield bytes(self.answer.body)
                        self.answer.body.clear()
                    if self.answer.complete:
                        return
                    await self._read()
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            log.info("stream of the broker ended", error=repr(error))  # the browser connects again
        finally:
            self._writer.close()

    async def _read(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionError("the broker closed the connection")
        self._parser.feed_data(data)


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
