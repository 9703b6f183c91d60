"""Sends requests to a provider: to its own addresses alone, over TLS, with a time limit and a size limit.

Redirects are not followed: they could lead to other hosts, and no endpoint of OpenID Connect needs them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httptools
import msgspec

from display_server.broker.oidc.addresses import allowed
from display_server.broker.oidc.errors import ProviderAway, away

#: Largest answer with its head, bytes. The largest are key sets and tokens with hundreds of groups.
ANSWER_MAX_BYTES = 512 * 1024


@dataclass(slots=True)
class Answer:
    """An answer. The parser calls the methods that begin with `on_`."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True

    def json(self) -> dict[str, Any]:
        """Returns the object of the body, or an empty one if it is no JSON object."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}


class HttpsClient:
    """Each request has a connection of its own: there are few, and none then outlives a time-out."""

    def __init__(self, provider: str, origins: frozenset[str], tls: ssl.SSLContext, answer_s: float) -> None:
        self._provider = provider
        self._origins = origins
        self._tls = tls
        self._answer_s = answer_s

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Raises ProviderAway when there is no answer."""
        return await self._request("GET", url, headers or {}, b"")

    async def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises ProviderAway when there is no answer."""
        fields = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return await self._request("POST", url, fields, urlencode(form).encode())

    async def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if not allowed(url, self._origins):
            raise ProviderAway(
                f"The provider {self._provider} names an address that does not belong to it: {url[:200]}.",
                next_step="If it does, add its origin to `origins` of the provider.",
            )
        parts = urlsplit(url)
        assert parts.hostname is not None
        try:
            async with asyncio.timeout(self._answer_s):
                reader, writer = await asyncio.open_connection(
                    parts.hostname, parts.port or 443, ssl=self._tls, server_hostname=parts.hostname
                )
                try:
                    writer.write(_head(method, url, headers, len(body)) + body)
                    return await _read(reader)
                finally:
                    writer.transport.abort()  # a close would wait for the provider
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            raise away(self._provider, error) from error


def _head(method: str, url: str, headers: Mapping[str, str], length: int) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "User-Agent: lightbox",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
        *([f"Content-Length: {length}"] if method == "POST" else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _read(reader: asyncio.StreamReader) -> Answer:
    """Raises OSError or HttpParserError when the answer is incomplete, malformed or too large."""
    answer = Answer()
    parser = httptools.HttpResponseParser(answer)
    received = 0
    while not answer.complete:
        data = await reader.read(65536)
        received += len(data)
        if not data:
            raise ConnectionError("it closed the connection before its answer was complete")
        if received > ANSWER_MAX_BYTES:
            raise ConnectionError(f"its answer is larger than {ANSWER_MAX_BYTES // 1024} KiB")
        parser.feed_data(data)
    answer.status = parser.get_status_code()
    return answer
