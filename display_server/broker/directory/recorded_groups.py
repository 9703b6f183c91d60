"""Stores the groups that the directory names at a sign-in."""

from __future__ import annotations

import structlog

from display_server.broker.people.group_graph import normalise_group_name
from display_server.broker.people.groups import Groups
from display_server.broker.tables import Account
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)


class RecordedGroups:
    """Replaces a person's groups of the directory. The watch of entitlements acts on running desktops."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    async def __call__(self, account: Account, groups: tuple[str, ...]) -> None:
        names = []
        for name in groups:
            try:
                names.append(normalise_group_name(name))
            except ConfigurationError as error:  # nobody can be entitled by such a name
                log.warning("group of the directory left out", group=name, cause=error.cause)
        await self._groups.replace_directory_memberships(account.username, names)
