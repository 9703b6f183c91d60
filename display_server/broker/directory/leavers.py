"""Decides who has left, from what the directory says of the people who are signed in. Pure.

What the directory says of a person whom it has (disabled, expired) counts at once. Absence is weaker: it is
also what a wrong search base, a lost right to read or a half-restored directory looks like. So it counts only
when it is seen twice, and only for few people at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from display_server.broker.directory.account_state import AccountState
from display_server.broker.directory.accounts import Watched
from display_server.broker.directory.people import Person

#: At most this number of people who are signed in may disappear at once. People who leave are rarely signed
#: in, and whoever has really removed more of them can disable them, which counts at once.
MISSING_MAX = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """The people who have left, with the reason; and those who only seem to, so that nothing is done."""

    left: tuple[tuple[Watched, str], ...]
    held: tuple[Watched, ...] = ()


class LeaverJudge:
    """Remembers who was missing the last time."""

    def __init__(self) -> None:
        self._missing_before: set[int] = set()

    def judge(self, asked: Sequence[Watched], found: Mapping[str, Person], *, has_anybody: bool) -> Verdict:
        """Returns who has left. `has_anybody` says whether the directory shows any person at all."""
        left = []
        missing = []
        for watched in asked:
            person = found.get(watched.username)
            if is_missing(watched, person):
                missing.append(watched)
            elif person is not None and person.state.has_left:
                left.append((watched, person.state.value))
        if missing and (not has_anybody or sum(watched.signed_in for watched in missing) > MISSING_MAX):
            self._missing_before = set()
            return Verdict(tuple(left), tuple(missing))
        gone = [watched for watched in missing if watched.account_id in self._missing_before]
        self._missing_before = {watched.account_id for watched in missing} - {
            watched.account_id for watched in gone
        }
        return Verdict((*left, *((watched, "not in the directory") for watched in gone)))


def is_missing(watched: Watched, person: Person | None) -> bool:
    """Returns whether the directory does not show this person, or does not show enough.

    Somebody else who has the name now is not this person.
    """
    return (
        person is None or person.state is AccountState.UNKNOWN or person.directory_id != watched.directory_id
    )
