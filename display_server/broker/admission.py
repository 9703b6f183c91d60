"""Decides whether a viewer may connect, and to which agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from display_server.broker.audit.entry import Action, AuditEntry
from display_server.broker.tickets import TicketError, Tickets
from display_server.broker.web_sessions import SignedInUser, device_of
from display_server.broker_link.agent_address import AgentAddress
from display_server.broker_link.messages import OpenViewer
from display_server.desktop.session_policy import SessionPolicy
from display_server.protocol.close_codes import CloseCode


class ViewerRejected(Exception):  # noqa: N818 - an outcome of the admission, not an error
    """The viewer may not connect. `label` is the reason in metrics and logs, `reason` the one for the
    person.
    """

    def __init__(self, code: CloseCode, label: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.label = label
        self.reason = reason


async def _as_configured(_viewer: OpenViewer) -> SessionPolicy | None:
    return None


@dataclass(frozen=True, slots=True)
class ViewerAdmission:
    """What the decision needs."""

    tickets: Tickets
    find_user: Callable[[bytes], Awaitable[SignedInUser | None]]  # argument: hash of the web session
    agent_of: Callable[[str], AgentAddress | None]  # argument: id of a desktop session
    runs: Callable[[str], bool]  # whether this desktop session runs, though its agent may not be ready yet
    now_s: Callable[[], float]  # wall-clock time, in seconds since the epoch
    may_open_viewer: Callable[[str], bool]  # argument: username; False when they have too many
    record: Callable[[AuditEntry], Awaitable[None]]  # raises StorageError; then nobody is admitted
    #: What an admitted viewer may do. None: what its desktop allows all of them. Raises StorageError.
    policy_for: Callable[[OpenViewer], Awaitable[SessionPolicy | None]] = _as_configured

    async def admit(self, viewer: str, ticket_text: str, web_session: str) -> tuple[OpenViewer, AgentAddress]:
        """Redeems the ticket. Raises ViewerRejected, or StorageError."""
        try:
            ticket = self.tickets.redeem(ticket_text, now_s=self.now_s())
        except TicketError as error:
            raise ViewerRejected(
                CloseCode.TICKET_REJECTED, f"ticket {error.reason.value}", str(error)
            ) from error
        # A ticket alone is not enough. It is valid only in the browser that it was issued to, as long as that
        # browser is signed in.
        await self._require_unlocked(web_session if web_session == ticket.web_session else None)
        agent = self.agent_of(ticket.session)
        if agent is None:
            raise ViewerRejected(CloseCode.DESKTOP_ENDED, "no desktop", "The desktop has ended.")
        if not self.may_open_viewer(ticket.username):
            raise ViewerRejected(
                CloseCode.LIMIT_REACHED,
                "viewers of person",
                "You display desktops in too many places. Close one of them and try again.",
            )
        entry = AuditEntry(
            self.now_s(),
            Action.VIEWER_ADMITTED,
            account=ticket.username,
            address=ticket.address,
            device=device_of(bytes.fromhex(ticket.web_session)),
            object=f"desktop:{ticket.username}/{ticket.desktop}",
            reason=f"session {ticket.session}",
        )
        await self.record(entry)
        await self._require_unlocked(web_session)  # again: recording may have taken a while
        return OpenViewer(viewer, ticket.username, ticket.web_session, ticket.session), agent

    async def _require_unlocked(self, web_session: str | None) -> None:
        """Raises ViewerRejected unless somebody is signed in there, and the screen is not locked."""
        user = await self.find_user(bytes.fromhex(web_session)) if web_session is not None else None
        if user is None:
            raise ViewerRejected(
                CloseCode.TICKET_REJECTED, "signed out", "You are not signed in. Sign in first."
            )
        if user.lock.locked:
            raise ViewerRejected(CloseCode.TICKET_REJECTED, "locked", "The screen is locked.")

    async def may_stay(self, viewer: OpenViewer) -> bool:
        """Returns whether a viewer that was admitted earlier may still display its desktop."""
        user = await self.find_user(bytes.fromhex(viewer.web_session))
        return (
            user is not None
            and user.username == viewer.username
            and not user.lock.locked
            and self.runs(viewer.session)
        )
