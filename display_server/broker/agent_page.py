"""Reads a page of an agent over its Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from display_server.broker_link.agent_address import AgentAddress
from display_server.protocol.subprotocol import SECRET_HEADER

#: An agent that has not answered after this time counts as silent, s.
AGENT_TIMEOUT_S = 2.0
#: Largest response of an agent that is accepted, bytes.
AGENT_RESPONSE_MAX_BYTES = 1024 * 1024


async def read_agent_page(
    address: AgentAddress, path: str, headers: Mapping[str, str] | None = None
) -> bytes | None:
    """Returns the content of a page, or None when the agent does not answer, or with anything but it.

    `headers` are sent beside those that every request has.
    """
    more = "".join(f"\r\n{name}: {value}" for name, value in (headers or {}).items())
    try:
        async with asyncio.timeout(AGENT_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(str(address.socket))
            try:
                # HTTP/1.0 because its responses are never chunked and end with the connection.
                request = f"GET {path} HTTP/1.0\r\nHost: agent\r\n{SECRET_HEADER}: {address.secret}"
                writer.write(f"{request}{more}\r\nConnection: close\r\n\r\n".encode())
                response = bytearray()
                while chunk := await reader.read(65536):
                    response += chunk
                    if len(response) > AGENT_RESPONSE_MAX_BYTES or _is_complete(response):
                        break
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = bytes(response).partition(b"\r\n\r\n")
    if b" 200" not in head.partition(b"\r\n")[0] or len(response) > AGENT_RESPONSE_MAX_BYTES:
        return None
    return body


def _is_complete(response: bytearray) -> bool:
    """Returns whether a response with Content-Length is complete.

    This matters for a peer that keeps the connection open.
    """
    head, separator, body = bytes(response).partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False
