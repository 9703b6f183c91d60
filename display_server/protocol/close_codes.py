"""Every WebSocket close code of the viewer protocol (PROTOCOL.md §1).

`generate_typescript` copies the codes into the web client; nothing else repeats the numbers.
"""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class CloseCode(IntEnum):
    """Why a connection ended.

    Codes 1000 to 1015 are WebSocket's own (RFC 6455, section 7.4.1); those from 4400 are Lightbox's.
    """

    #: The viewer leaves: its page was closed or shows something else. Nothing follows.
    NORMAL = 1000
    #: The server or the agent restarts, or cannot be reached at the moment. The viewer reconnects with
    #: backoff.
    GOING_AWAY = 1001
    #: Never on the wire: WebSocket libraries report it when a connection ended without a close frame, for
    #: example because the agent was killed. The viewer treats it like GOING_AWAY.
    ABNORMAL = 1006
    #: WebSocket's code for an oversized message. The agent sends PROTOCOL_VIOLATION instead.
    MESSAGE_TOO_BIG = 1009
    #: The peer sent something that PROTOCOL.md does not allow. The viewer reports it and reconnects once.
    PROTOCOL_VIOLATION = 4400
    #: The ticket is missing, wrong, used or expired, or its web session ended. The viewer gets a new ticket.
    TICKET_REJECTED = 4401
    #: The page that opened the connection does not belong to this server. The viewer shows the reason.
    FORBIDDEN = 4403
    #: The desktop does not exist or has ended. The viewer offers the list of desktops.
    DESKTOP_ENDED = 4404
    #: Another device took the desktop over; the reason is its name. The viewer blanks the surface at once and
    #: offers to take the desktop back.
    TAKEN_OVER = 4409
    #: The desktop has no monitor of this number, or no longer. The viewer offers another monitor.
    MONITOR_REMOVED = 4410
    #: The two sides share no protocol version or lack an encoding. The viewer reloads the page.
    VERSION_MISMATCH = 4426
    #: The person displays desktops in too many places, or has too many connections. The viewer says so and
    #: offers another attempt.
    LIMIT_REACHED = 4429
