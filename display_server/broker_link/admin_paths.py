"""Where the administration API is: programs with a token may use it, and one answer of it never ends."""

from __future__ import annotations

#: Where all routes of the administration API are.
ADMIN_PREFIX = "/api/v1/admin"
#: The route whose answer is a stream of server-sent events.
EVENTS_PATH = f"{ADMIN_PREFIX}/events"
