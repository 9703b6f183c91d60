"""The header by which a gateway tells the broker who sent a request. Pure.

The broker believes it because only gateways can reach its socket. A gateway never passes on a header of this
name that came from the network.
"""

from __future__ import annotations

import msgspec

from display_server.broker_link.cookies import CookieScope

#: The header's name, as ASGI has it.
FORWARDED_HEADER = b"lightbox-forwarded"
#: Where the scope of a request has the CookieScope of its browser.
COOKIE_SCOPE = "lightbox.cookies"
#: Where the scope of a request has the origin of the page that sent it, if the gateway has checked it.
ORIGIN = "lightbox.origin"


class Forwarded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address of the client, and where its browser sends the cookies.

    `origin` is that of the page, `https://NAME:PORT`, which belongs to this gateway; empty where the browser
    did not say it, and for requests that change nothing.
    """

    address: str
    cookies: CookieScope
    origin: str = ""

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, value: bytes) -> Forwarded:
        """Raises msgspec.MsgspecError."""
        return msgspec.json.decode(value, type=cls)
