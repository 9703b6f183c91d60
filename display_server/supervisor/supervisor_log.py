"""The supervisor's log: JSON lines in the same form as those of the other processes."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Protocol

#: The last sentence of errors whose details only the log has.
IF_IT_HAPPENS_AGAIN = "If it happens again, the administrator finds the reason in the log of this desktop."


class LogEvent(Protocol):
    """Logs an event of the supervisor with its fields; fields that are None are left out."""

    def __call__(self, event: str, **fields: Any) -> None: ...


class SupervisorLog:
    """Writes events to a descriptor. It does not use structlog, whose import takes 50 ms of each start."""

    def __init__(self, descriptor: int, session: str) -> None:
        self._descriptor = descriptor
        self._session = session

    def __call__(self, event: str, **fields: Any) -> None:
        """Never raises OSError: a full disk must not end the desktop."""
        line = {
            "event": event,
            "logger": "supervisor",
            "session": self._session,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        line |= {name: value for name, value in fields.items() if value is not None}
        with contextlib.suppress(OSError):
            os.write(self._descriptor, json.dumps(line).encode() + b"\n")
