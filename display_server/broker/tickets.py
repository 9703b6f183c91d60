"""Tickets: a ticket allows one viewer to connect, once, within 30 seconds.

A ticket is `BASE64URL(payload).BASE64URL(HMAC-SHA256(key, payload))`. Any gateway with the key can verify it,
but only the gateway that accepted a ticket remembers that it has been used. Pure: time is an argument.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import deque
from enum import Enum

import msgspec

from display_server.errors import PolicyError

#: A ticket expires after this time, s. Browsers use it at once, slow tablets within a few seconds.
LIFETIME_S = 30.0
#: Longest ticket that is parsed, characters.
TICKET_MAX_CHARS = 1024
#: Largest number of used tickets that are remembered. If more are used within LIFETIME_S, further connections
#: are rejected, because forgetting a ticket would allow a second use.
USED_MAX = 100_000
#: Length of the signing key, bytes.
KEY_BYTES = 32


class TicketRejection(Enum):
    """Why a ticket was rejected. The values appear in metrics and logs."""

    WRONG = "wrong"  # malformed, or signed with another key
    EXPIRED = "expired"
    USED = "used"
    TOO_MANY = "too many"  # the gateway cannot remember any more used tickets


_MESSAGES = {
    TicketRejection.WRONG: "The ticket is not valid.",
    TicketRejection.EXPIRED: "The ticket has expired.",
    TicketRejection.USED: "The ticket has already been used.",
    TicketRejection.TOO_MANY: "Too many viewers are connecting right now.",
}


class TicketError(PolicyError):
    """A ticket was rejected."""

    def __init__(self, reason: TicketRejection) -> None:
        super().__init__(_MESSAGES[reason])
        self.reason = reason


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """The payload of a ticket."""

    nonce: str
    expires_s: float  # wall-clock time, seconds since the epoch
    username: str
    web_session: str  # hash of the web session that the ticket was issued to, in hexadecimal
    session: str  # id of the desktop session
    desktop: str
    address: str = ""  # from which the ticket was asked for, for the audit


class Tickets:
    """Issues and redeems tickets. `now_s` is wall-clock time, in seconds since the epoch."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(KEY_BYTES)
        self._used: set[str] = set()
        self._used_in_order: deque[tuple[float, str]] = deque()

    def issue(
        self,
        *,
        username: str,
        web_session: bytes,
        session: str,
        desktop: str,
        now_s: float,
        address: str = "",
    ) -> str:
        ticket = Ticket(
            nonce=secrets.token_urlsafe(12),
            expires_s=now_s + LIFETIME_S,
            username=username,
            web_session=web_session.hex(),
            session=session,
            desktop=desktop,
            address=address,
        )
        payload = msgspec.json.encode(ticket)
        return f"{_encode(payload)}.{_encode(self._sign(payload))}"

    def redeem(self, text: str, *, now_s: float) -> Ticket:
        """Verifies a ticket and marks it as used. Raises TicketError."""
        if len(text) > TICKET_MAX_CHARS:
            raise TicketError(TicketRejection.WRONG)
        encoded_payload, _, encoded_signature = text.partition(".")
        try:
            payload, signature = _decode(encoded_payload), _decode(encoded_signature)
        except ValueError:
            raise TicketError(TicketRejection.WRONG) from None
        if not hmac.compare_digest(signature, self._sign(payload)):
            raise TicketError(TicketRejection.WRONG)
        try:
            ticket = msgspec.json.decode(payload, type=Ticket)
        except msgspec.MsgspecError:
            raise TicketError(TicketRejection.WRONG) from None
        if now_s >= ticket.expires_s:
            raise TicketError(TicketRejection.EXPIRED)
        self._forget_expired(now_s)
        if ticket.nonce in self._used:
            raise TicketError(TicketRejection.USED)
        if len(self._used) >= USED_MAX:
            raise TicketError(TicketRejection.TOO_MANY)
        self._used.add(ticket.nonce)
        self._used_in_order.append((ticket.expires_s, ticket.nonce))
        return ticket

    def _forget_expired(self, now_s: float) -> None:
        while self._used_in_order and self._used_in_order[0][0] <= now_s:
            self._used.discard(self._used_in_order.popleft()[1])

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Decodes unpadded base64url. Raises ValueError for anything but the canonical encoding."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(data) != text:
        raise ValueError("not canonical")
    return data
