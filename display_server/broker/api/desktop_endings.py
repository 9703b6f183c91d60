"""Ends desktops for people, operators and limits, and says so to whoever displays them.

The viewers of a session are disconnected as soon as it begins to end. They reconnect, name the session that
they showed, and are answered with the reason.
"""

from __future__ import annotations

import structlog

from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.actor import Actor
from display_server.broker.live_session import LiveSession
from display_server.broker.session_state import EndedBy
from display_server.broker.storage_failures import StorageError
from display_server.broker.web_sessions import SignedInUser
from display_server.broker_link.api_error import ApiError
from display_server.protocol.api_error_codes import ApiErrorCode

log = structlog.get_logger(__name__)

#: The answer to a viewer whose desktop has ended: code and cause.
_ANSWERS: dict[EndedBy, tuple[ApiErrorCode, str]] = {
    EndedBy.ITSELF: ("desktop-ended", "The desktop has ended."),
    EndedBy.SERVER: ("desktop-ended", "The desktop has ended together with the server."),
    EndedBy.HOST: ("desktop-ended", "The desktop has ended because its host was restarted."),
    EndedBy.PERSON: ("desktop-ended-by-you", "You ended this desktop, here or in another window."),
    EndedBy.OPERATOR: ("desktop-ended-by-operator", "The administrator ended this desktop."),
    EndedBy.SIGN_OUT: ("desktop-ended-signed-out", "The desktop ended when you signed out."),
    EndedBy.POOL: ("desktop-ended", "The desktop has ended."),
    EndedBy.RECOMPOSED: (
        "desktop-ended-by-operator",
        "The administrator has a newer version of this desktop.",
    ),
    EndedBy.RELEASED: ("desktop-ended-by-operator", "The administrator took this desktop back."),
    EndedBy.NOT_ENTITLED: (
        "desktop-ended-not-entitled",
        "The desktop ended because your access to it was removed.",
    ),
    EndedBy.UNATTENDED: ("desktop-ended-unattended", "The desktop ended because nobody displayed it."),
    EndedBy.TIME_LIMIT: (
        "desktop-ended-time-limit",
        "The desktop ended because it has reached the longest time that is allowed.",
    ),
}


def attended_sessions(services: BrokerServices) -> set[str]:
    """Returns the sessions that at least one viewer displays."""
    return {viewer.session for viewer in services.viewers.open}


def end_session(
    services: BrokerServices, session: LiveSession, by: EndedBy, *, actor: Actor | None = None
) -> None:
    """Begins to end a session and disconnects its viewers. `actor` is the operator who ends it."""
    services.sessions.end(session, by, actor=actor)
    services.viewers.disconnect_session(session.id)


async def end_pool_desktops(services: BrokerServices, username: str) -> list[str]:
    """Begins to end the desktops of pools of a person who has signed out of their last browser.

    Returns the names of these desktops. Where it cannot be known which browser was the last, they go on until
    nobody has displayed them for long.
    """
    try:
        if await services.web_sessions.signed_in(username):
            return []
    except StorageError:
        log.warning("desktops of pools not ended at sign-out", username=username)
        return []
    ended = []
    for session, pool in services.pools.of_person(username):
        if pool.ends_at_sign_out or services.pools.is_former(session):
            end_session(services, session, EndedBy.SIGN_OUT)
            ended.append(session.spec.desktop)
    return ended


def end_own_desktop(services: BrokerServices, user: SignedInUser, name: str) -> None:
    """Begins to end a desktop that its own person wants to end. Raises ApiError when it does not run."""
    session = services.sessions.running(user.username, name)
    if session is None:
        raise ApiError(
            404,
            "not-running",
            "This desktop does not run, so there is nothing to end.",
            next_step="Open it from the list of desktops.",
        )
    end_session(services, session, EndedBy.PERSON)


def refuse_ended(services: BrokerServices, session: str) -> None:
    """Raises ApiError when the session that a viewer showed has ended, with the reason."""
    ended_by = services.sessions.ended_by(session)
    if ended_by is not None:
        code, cause = _ANSWERS[ended_by]
        next_step = "Open it again from the list of desktops."
        if ended_by is EndedBy.NOT_ENTITLED:
            next_step = "If you still need it, ask your administrator for access."
        raise ApiError(410, code, cause, next_step=next_step)
