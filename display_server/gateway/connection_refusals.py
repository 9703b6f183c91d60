"""What whoever exceeds a limit of connections is answered."""

from __future__ import annotations

from collections.abc import Mapping

from display_server.broker_link.api_error import ApiError
from display_server.gateway.connection_budget import LimitReached

_ASK_ADMINISTRATOR = "Try again in a few seconds. If it happens again, tell your administrator."
#: Status, cause and next step of each limit of connections.
_LIMITS: Mapping[LimitReached, tuple[int, str, str]] = {
    LimitReached.SERVER: (503, "The server has as many connections as it can serve.", _ASK_ADMINISTRATOR),
    LimitReached.STRANGERS: (
        503,
        "The server has as many connections of people who are not signed in as it can serve.",
        _ASK_ADMINISTRATOR,
    ),
    LimitReached.ADDRESS: (
        503,
        "Too many connections of people who are not signed in come from this address.",
        "Try again in a few seconds. If many people share this address, tell your administrator: it belongs "
        "into `shared_networks`.",
    ),
    LimitReached.PERSON: (
        429,
        "You have too many connections to this server open.",
        "Close windows of Lightbox, on this device or on others, and try again.",
    ),
    LimitReached.DEVICE: (
        429,
        "This browser has too many connections to this server open.",
        "Close windows of Lightbox in this browser and try again.",
    ),
}


def evicted() -> ApiError:
    return ApiError(
        503,
        "too-many-connections",
        "The connection made room for another one: too many are open from this address, or altogether.",
        next_step="Try again. If it happens again, tell your administrator: many people may share this "
        "address.",
        headers={"Retry-After": "1"},
    )


def limit_reached(limit: LimitReached) -> ApiError:
    status, cause, next_step = _LIMITS[limit]
    return ApiError(status, "too-many-connections", cause, next_step=next_step, headers={"Retry-After": "3"})
