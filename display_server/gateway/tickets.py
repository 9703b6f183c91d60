"""Tickets: what lets one viewer connect, once, within half a minute.

`BASE64URL(payload).BASE64URL(HMAC-SHA256(key, payload))`. Any gateway that has the key can check one; that it
was used is remembered by the gateway that took it. Pure: time is an argument.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import deque

import msgspec

from display_server.errors import PolicyError

#: Life of a ticket: the browser uses it at once, a slow tablet within a few seconds.
LIFE_S = 30.0
#: Longest ticket that is looked at, in characters.
TICKET_MAX = 1024
#: Used tickets remembered. When there are more within LIFE_S, new connections are refused rather than old
#: tickets forgotten.
USED_MAX = 100_000
KEY_BYTES = 32


class TicketError(PolicyError):
    """`reason` is one word for counters and logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The ticket is {reason}.")
        self.reason = reason


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What it is bound to. `web_session` is the hash of the web session's id, in hex."""

    nonce: str
    expires_s: float
    username: str
    web_session: str
    session: str
    desktop: str


class Tickets:
    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(KEY_BYTES)
        self._used: set[str] = set()
        self._used_in_order: deque[tuple[float, str]] = deque()

    def issue(self, *, username: str, web_session: bytes, session: str, desktop: str, now_s: float) -> str:
        ticket = Ticket(
            nonce=secrets.token_urlsafe(12),
            expires_s=now_s + LIFE_S,
            username=username,
            web_session=web_session.hex(),
            session=session,
            desktop=desktop,
        )
        payload = msgspec.json.encode(ticket)
        return f"{_encode(payload)}.{_encode(self._seal(payload))}"

    def redeem(self, text: str, *, now_s: float) -> Ticket:
        """Good for one call. Raises TicketError: `wrong`, `expired` or `used`."""
        if len(text) > TICKET_MAX:
            raise TicketError("wrong")
        head, _, tail = text.partition(".")
        try:
            payload, seal = _decode(head), _decode(tail)
        except ValueError:
            raise TicketError("wrong") from None
        if not hmac.compare_digest(seal, self._seal(payload)):
            raise TicketError("wrong")
        try:
            ticket = msgspec.json.decode(payload, type=Ticket)
        except msgspec.MsgspecError:
            raise TicketError("wrong") from None
        if now_s >= ticket.expires_s:
            raise TicketError("expired")
        self._forget_expired(now_s)
        if ticket.nonce in self._used:
            raise TicketError("used")
        if len(self._used) >= USED_MAX:
            raise TicketError("one too many")
        self._used.add(ticket.nonce)
        self._used_in_order.append((ticket.expires_s, ticket.nonce))
        return ticket

    def _forget_expired(self, now_s: float) -> None:
        while self._used_in_order and self._used_in_order[0][0] <= now_s:
            self._used.discard(self._used_in_order.popleft()[1])

    def _seal(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Raises ValueError. Only the one canonical spelling is accepted."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(data) != text:
        raise ValueError("not canonical")
    return data
