"""Which desktops end because their time is over, and whom to warn before. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Mapping

#: People are warned this time before their desktop ends, s. Also a limit that is set later, and would be over
#: already, leaves them this time.
WARNING_S = 600.0


class SessionLimits:
    """Keeps when each desktop ends. Times are wall-clock, in seconds since the epoch."""

    def __init__(self) -> None:
        self._limits_s: dict[str, float] = {}  # by session: its longest time
        self._due_s: dict[str, float] = {}
        self._warned: set[str] = set()

    def observe(self, limits_s: Mapping[str, float], since_s: Mapping[str, float], now_s: float) -> None:
        """Takes note of the limits of the desktops that run, and of when each of them began."""
        for session, limit_s in limits_s.items():
            if self._limits_s.get(session) != limit_s:
                self._due_s[session] = max(since_s[session] + limit_s, now_s + WARNING_S)
                self._warned.discard(session)
        self._limits_s = dict(limits_s)
        self._due_s = {session: due_s for session, due_s in self._due_s.items() if session in limits_s}
        self._warned &= limits_s.keys()

    def ends_in_s(self, session: str, now_s: float) -> float | None:
        """Returns after which time a desktop ends; None if its person need not be warned yet."""
        due_s = self._due_s.get(session)
        if due_s is None or due_s - now_s > WARNING_S:
            return None
        return max(0.0, due_s - now_s)

    def take_warnings(self, now_s: float) -> list[str]:
        """Returns the desktops whose people have to be warned now, each once."""
        found = [
            session
            for session in self._due_s
            if session not in self._warned and self.ends_in_s(session, now_s) is not None
        ]
        self._warned.update(found)
        return found

    def due(self, now_s: float) -> list[str]:
        """Returns the desktops that have to end now."""
        return [session for session, due_s in self._due_s.items() if now_s >= due_s]
