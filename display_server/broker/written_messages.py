"""Messages that the helpdesk or an administrator has written to people. Pure: time is an argument.

They are kept in memory: they speak of now, and whoever wrote one sees in the answer whether it was taken.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from display_server.broker.audit.entry import clean

#: Longest text, characters.
TEXT_MAX = 500
#: A message is shown for this time, s, unless the person closes it.
SHOWN_S = 15 * 60.0
#: Messages that one person is shown at most. Beyond it, the oldest ones go.
PER_PERSON_MAX = 5
#: People who have messages at most. Beyond it, those who have waited for longest lose theirs.
PEOPLE_MAX = 5_000


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """A message. Its text has no control characters; pages show it as text, never as markup."""

    id: str
    text: str
    ends_s: float


class WrittenMessages:
    """The messages of all people. `now_s` is a clock that never goes back, in seconds."""

    def __init__(self) -> None:
        self._of_person: OrderedDict[str, list[WrittenMessage]] = OrderedDict()

    def write(self, username: str, text: str, now_s: float) -> WrittenMessage:
        """Adds a message to a person."""
        message = WrittenMessage(
            secrets.token_hex(8), clean(" ".join(text.split()), TEXT_MAX) or "", now_s + SHOWN_S
        )
        self._of_person[username] = [*self.of_person(username, now_s), message][-PER_PERSON_MAX:]
        self._of_person.move_to_end(username)
        while len(self._of_person) > PEOPLE_MAX:
            self._of_person.popitem(last=False)
        return message

    def of_person(self, username: str, now_s: float) -> list[WrittenMessage]:
        """Returns the messages of a person that are shown now, the oldest first."""
        shown = [one for one in self._of_person.get(username, ()) if one.ends_s > now_s]
        if not shown:
            self._of_person.pop(username, None)
        return shown
