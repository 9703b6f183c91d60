"""What the broker knows of a request: its address, its cookies, and the server as its browser knows it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request

from display_server.broker.audit.actor import Actor
from display_server.broker.devices.device_facts import DeviceFacts
from display_server.broker.devices.enrolled_devices import EnrolledDevices
from display_server.broker.second_factor.passkeys import RelyingParty
from display_server.broker.web_sessions import device_of
from display_server.broker_link.cookies import ENROLLED_DEVICE, CookieScope
from display_server.broker_link.forwarded import COOKIE_SCOPE, ORIGIN

#: The number of a row in a path. Databases keep it in 32 bits.
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def address_of(request: Request) -> str:
    """Returns the address of the client, as the gateway determined it; empty if it is unknown."""
    return request.client.host if request.client else ""


def cookies_of(request: Request) -> CookieScope:
    """Returns where the cookies of the request's browser belong."""
    scope: CookieScope = request.scope[COOKIE_SCOPE]
    return scope


def cookie_of(request: Request, base: str) -> str:
    """Returns the value of one of the gateway's cookies, or an empty text."""
    return cookies_of(request).read(request.headers.get("cookie", ""), base)


def relying_party_of(request: Request) -> RelyingParty | None:
    """Returns the server as the page knows it; None where there can be no passkeys."""
    return RelyingParty.of(request.scope[ORIGIN])


def actor_of(request: Request, username: str, web_session: bytes | None = None) -> Actor:
    """Returns the person who acts with this request. `web_session` is the hash of theirs, if there is one."""
    return Actor(username, address_of(request), device_of(web_session) if web_session is not None else None)


async def device_of_request(request: Request, devices: EnrolledDevices) -> DeviceFacts | None:
    """Returns the enrolled device that sent a request, also when nobody is signed in; None: unknown.

    Where somebody is signed in, `SignedInUser.device` says the same without a look into the database.
    """
    cookie = cookie_of(request, ENROLLED_DEVICE)
    return await devices.find(cookie) if cookie else None
