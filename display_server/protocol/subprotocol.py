"""Names in a viewer's WebSocket handshake (PROTOCOL.md §1), and the headers that the gateway adds."""

from __future__ import annotations

#: `hello.protocol` and `welcome.protocol`.
PROTOCOL_VERSION = 1
#: The WebSocket subprotocol that both sides name.
SUBPROTOCOL = f"lightbox.{PROTOCOL_VERSION}"
#: A second offered subprotocol carries the ticket: this prefix, then the ticket.
TICKET_PREFIX = "ticket."
#: Request path of the WebSocket, at the gateway and at the agent.
VIEWER_PATH = "/viewer"

#: Proves to the agent that a request comes from the gateway or the supervisor. Every request to it has this.
SECRET_HEADER = "Lightbox-Secret"  # noqa: S105 - a name
#: Headers by which the gateway tells the agent who connects. The agent trusts them because of the secret.
USER_HEADER = "Lightbox-User"
VIEWER_HEADER = "Lightbox-Viewer"
DEVICE_HEADER = "Lightbox-Device"
#: What the viewer may do, a SessionPolicy as JSON. Without it, what the desktop allows all viewers.
POLICY_HEADER = "Lightbox-Policy"
