"""The rule for desktops that are not isolated: one person at a time has desktops."""

from __future__ import annotations

from collections.abc import Iterable

from display_server.errors import PolicyError


class OnePersonError(PolicyError):
    """Another person has a desktop, whose files and screen this person's programs could read."""


def refuse_other_persons(username: str, people: Iterable[str]) -> None:
    """Raises OnePersonError if anybody but `username` is among the people who have desktops."""
    if any(person != username for person in people):
        raise OnePersonError(
            "Desktops are not isolated on this server, so it serves one person at a time, and another person "
            "has a desktop.",
            next_step="Wait until that person has ended their desktops. The administrator can start Lightbox "
            "with isolation, which has no such limit.",
        )
