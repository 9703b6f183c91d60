"""Attempts to sign in that were refused unread, summed up for the audit. Pure: time is an argument.

Such attempts cost an attacker nothing, so one entry for each would let anybody fill the database.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Attempts of one account and address within this time, s, become one entry.
WINDOW_S = 60.0
#: Largest number of accounts and addresses that are counted apart. The others share one count.
KEYS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Attempts:
    """Refused attempts of one account and address. Both are None for those that share a count."""

    account: str | None
    address: str | None
    count: int


@dataclass(slots=True)
class _Window:
    began_s: float
    count: int


class LimitedAttempts:
    """Counts refused attempts. `now_s` may be any clock that never goes backwards."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str | None, str | None], _Window] = {}

    def count(self, account: str | None, address: str | None, now_s: float) -> None:
        """Counts an attempt."""
        key = (account, address)
        if key not in self._windows and len(self._windows) >= KEYS_MAX:
            key = (None, None)
        window = self._windows.setdefault(key, _Window(now_s, 0))
        window.count += 1

    def due(self, now_s: float) -> list[Attempts]:
        """Returns what is to be recorded now, and forgets it."""
        over = [key for key, window in self._windows.items() if now_s - window.began_s >= WINDOW_S]
        return [Attempts(*key, self._windows.pop(key).count) for key in over]
