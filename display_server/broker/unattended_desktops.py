"""Which desktops nobody displays, since when, and which of them have to end. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

#: A desktop that nobody displays ends after this time, s. One that was left in the evening is still there the
#: next morning.
END_AFTER_S = 24 * 3600.0


class UnattendedDesktops:
    """Keeps since when nobody displays each desktop.

    A desktop is attended while at least one viewer is connected to it. `now_s` is a clock that never goes
    back, in seconds.
    """

    def __init__(self, end_after_s: float | None = END_AFTER_S) -> None:
        self._end_after_s = end_after_s  # None: unattended desktops never end
        self._attended_s: dict[str, float] = {}  # by session: when it was last attended, or first seen
        self._attended: frozenset[str] = frozenset()
        self._own_limits_s: Mapping[str, float] = {}
        self._policy_limits_s: Mapping[str, float | None] = {}

    def use_limit(self, end_after_s: float | None) -> None:
        """Replaces the limit, also for desktops that are unattended already."""
        self._end_after_s = end_after_s

    def observe(
        self,
        live: Iterable[str],
        attended: Collection[str],
        now_s: float,
        own_limits_s: Mapping[str, float] | None = None,
        policy_limits_s: Mapping[str, float | None] | None = None,
    ) -> None:
        """Takes note of the desktops that run, and of those that somebody displays at the moment.

        `own_limits_s` has those that end sooner than others, and `policy_limits_s` those for which a policy
        has the only say; None is no limit.
        """
        self._policy_limits_s = policy_limits_s or {}
        self._own_limits_s = own_limits_s or {}
        known = self._attended_s
        self._attended_s = {
            session: now_s if session in attended else known.get(session, now_s) for session in live
        }
        self._attended = frozenset(attended)

    def opened(self, session: str, now_s: float, own_limit_s: float | None = None) -> None:
        """Somebody is about to display the desktop, so it must not end in this moment."""
        self._attended_s[session] = now_s
        if own_limit_s is not None:
            self._own_limits_s = {**self._own_limits_s, session: own_limit_s}

    def unattended_s(self, session: str, now_s: float) -> float | None:
        """Returns for how long nobody has displayed the desktop; None while somebody does."""
        if session in self._attended:
            return None
        return now_s - self._attended_s.get(session, now_s)

    def ends_in_s(self, session: str, now_s: float) -> float | None:
        """Returns after which time the desktop ends if nobody opens it; None if it does not end."""
        unattended_s = self.unattended_s(session, now_s)
        if session in self._policy_limits_s:
            candidates_s = [self._policy_limits_s[session]]
        else:
            candidates_s = [self._end_after_s, self._own_limits_s.get(session)]
        limits_s = [limit_s for limit_s in candidates_s if limit_s]
        if unattended_s is None or not limits_s:
            return None
        return max(0.0, min(limits_s) - unattended_s)

    def unattended(self) -> list[str]:
        """Returns the desktops that nobody displays."""
        return [session for session in self._attended_s if session not in self._attended]

    def due(self, now_s: float) -> list[str]:
        """Returns the desktops that have to end now."""
        return [session for session in self.unattended() if self.ends_in_s(session, now_s) == 0]
