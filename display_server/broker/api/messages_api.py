"""Messages that the page shows to a person, on every page and on every desktop.

They come over HTTPS from the broker, never from an agent: programs of a desktop cannot write one. Agents only
make pages ask at once (PROTOCOL.md, notice `message-waiting`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from display_server.broker.api.services import BrokerServices
from display_server.broker.live_session import LiveSession
from display_server.broker.web_sessions import SignedInUser

MessageCode = Literal[
    "access-ends",  # the person is no longer entitled to a desktop that runs, and it ends soon
    "access-ends-at-sign-out",  # the same, but it ends when they sign out
    "desktop-renews",  # a desktop is of a former version, and ends soon
    "emergency-access",  # the person has emergency access to a desktop, which is recorded
    "from-administrator",  # what the helpdesk or an administrator has written, in `text`
    "time-ends",  # a desktop reaches the longest time that is allowed, and ends soon
]


class PersonMessage(BaseModel):
    """A message. Its `id` stays the same as long as it says the same.

    `code` is for the page, which has a text for it in each language. `text` is what somebody wrote, to be
    shown as text and never as markup; null for other messages. `titles` are the names of the desktop
    that it is about, by language, and `remaining_s` the time that is left; both are null if they have no
    meaning.
    """

    id: str
    code: MessageCode
    desktop: str | None
    titles: dict[str, str] | None
    remaining_s: float | None
    text: str | None = None


async def messages_for(services: BrokerServices, user: SignedInUser) -> list[PersonMessage]:
    """Returns what the person should know at the moment, the most urgent first."""
    written = [
        PersonMessage(
            id=f"written-{one.id}",
            code="from-administrator",
            desktop=None,
            titles=None,
            remaining_s=None,
            text=one.text,
        )
        for one in services.written_messages.of_person(user.username, services.monotonic_s())
    ]
    pending = services.access_watch.pending_ends(user.username)
    renewed = services.pools.ends_in_s(user.username)
    emergencies = [one for one in services.break_glass.known if one.username == user.username]
    ending = _ending_by_time(services, user.username)
    if not pending and not renewed and not emergencies and not ending:
        return written
    names = [*(one.desktop for one in pending), *(one.desktop for one in emergencies)]
    names += [session.spec.desktop for session, _ in [*renewed, *ending]]
    titles = await services.catalogue.titles(names)

    def message(
        kind: str, thing: str, code: MessageCode, desktop: str, left_s: float | None
    ) -> PersonMessage:
        return PersonMessage(
            id=f"{kind}-{thing}",
            code=code,
            desktop=desktop,
            titles=dict(titles.get(desktop) or {"en": desktop}),  # perhaps no longer configured
            remaining_s=left_s,
        )

    messages = [
        message(
            "access",
            one.session,
            "access-ends-at-sign-out" if one.ends_in_s is None else "access-ends",
            one.desktop,
            one.ends_in_s,
        )
        for one in pending
    ]
    messages += [
        message("renews", session.id, "desktop-renews", session.spec.desktop, left_s)
        for session, left_s in renewed
    ]
    now_s = services.web_sessions.now_s()
    messages += [
        message("emergency", one.desktop, "emergency-access", one.desktop, max(0.0, one.until_s - now_s))
        for one in emergencies
    ]
    messages += [
        message("time", session.id, "time-ends", session.spec.desktop, left_s) for session, left_s in ending
    ]
    messages.sort(key=lambda one: float("inf") if one.remaining_s is None else one.remaining_s)
    return [*messages, *written]


def _ending_by_time(services: BrokerServices, username: str) -> list[tuple[LiveSession, float]]:
    """Returns the desktops of a person that soon reach the longest time that is allowed, and when they do."""
    limits, now_s = services.policy_watch.session_limits, services.web_sessions.now_s()
    return [
        (session, ends_in_s)
        for session in services.sessions.live()
        if session.username == username
        and not session.stopping
        and (ends_in_s := limits.ends_in_s(session.id, now_s)) is not None
    ]
