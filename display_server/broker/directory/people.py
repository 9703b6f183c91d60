"""The people and groups of a directory: what to search for, and how to read what is found. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from display_server.broker.directory.account_state import (
    STATE_ATTRIBUTES,
    AccountState,
    account_state,
    is_locked_out,
    password_changed_s,
)
from display_server.broker.directory.filters import And, Equals, Filter, Matches, Or
from display_server.broker.directory.messages import Entry, Search
from display_server.broker.directory.settings import DirectorySettings

#: Active Directory's rule for members of members (LDAP_MATCHING_RULE_IN_CHAIN).
IN_CHAIN = "1.2.840.113556.1.4.1941"
#: People in the filter of one search. Servers limit the length of a filter, not the number of searches.
NAMES_PER_SEARCH = 100
#: Groups in the filter of one search.
GROUPS_PER_SEARCH = 50
#: Most groups of one person. Windows itself lets nobody sign in who belongs to more than 1,015.
GROUPS_MAX = 1024
#: Most levels of groups in groups.
GROUP_LEVELS_MAX = 16


@dataclass(frozen=True, slots=True)
class Person:
    """What the directory says of a person. `directory_id` stays the same when the name changes."""

    dn: str
    username: str  # in lower case
    directory_id: str
    display_name: str
    state: AccountState
    locked_out: bool
    password_changed_s: float | None


@dataclass(frozen=True, slots=True)
class Group:
    dn: str
    name: str


class PeopleQueries:
    """Makes searches of names, and reads the entries that they find."""

    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings
        self._attributes = (
            settings.username_attribute,
            settings.display_name_attribute,
            settings.id_attribute,
            *STATE_ATTRIBUTES[settings.kind],
        )

    def search_of(self, usernames: Sequence[str]) -> Search:
        """Returns the search for these people. Each may be found once."""
        attribute = self._settings.username_attribute
        names: tuple[Filter, ...] = tuple(Equals(attribute, name.encode()) for name in usernames)
        wanted = names[0] if len(names) == 1 else Or(names)
        # One more than there can be: a name that two entries have is noticed.
        size_limit = 2 if len(names) == 1 else 0
        return Search(
            self._settings.people_base,
            And((self._settings.people_filter, wanted)),
            self._attributes,
            size_limit=size_limit,
        )

    def search_of_anybody(self) -> Search:
        """Returns the search for one person, no matter whom: it finds nobody if the directory is empty."""
        settings = self._settings
        return Search(settings.people_base, settings.people_filter, ("1.1",), size_limit=1)

    def search_of_everybody(self) -> Search:
        """Returns the search for all people, with nothing but their names."""
        settings = self._settings
        return Search(settings.people_base, settings.people_filter, (settings.username_attribute,))

    def by_username(self, entries: Iterable[Entry], now_s: float) -> dict[str, list[Person]]:
        """Returns the people by their username in lower case.

        The directory may find others than those who were asked for: Active Directory takes é for e.
        """
        found: dict[str, list[Person]] = {}
        for entry in entries:
            person = self._person(entry, now_s)
            found.setdefault(person.username, []).append(person)
        return found

    def search_of_groups(self, members: Sequence[str]) -> Search:
        """Returns the search for the groups that have one of these members, which are DNs."""
        settings = self._settings
        names: tuple[Filter, ...] = tuple(
            Matches(settings.member_attribute, IN_CHAIN, dn.encode())
            if self.in_chain
            else Equals(settings.member_attribute, dn.encode())
            for dn in members
        )
        return Search(
            settings.groups_base,
            And((settings.groups_filter, names[0] if len(names) == 1 else Or(names))),
            (settings.group_name_attribute,),
        )

    @property
    def in_chain(self) -> bool:
        """Whether the server itself follows groups in groups."""
        return self._settings.nested_groups and self._settings.kind == "active-directory"

    @property
    def level_by_level(self) -> bool:
        """Whether the client has to follow groups in groups."""
        return self._settings.nested_groups and not self.in_chain

    def groups(self, entries: Iterable[Entry]) -> list[Group]:
        return [Group(entry.dn, entry.text(self._settings.group_name_attribute)) for entry in entries]

    def _person(self, entry: Entry, now_s: float) -> Person:
        settings = self._settings
        username = entry.text(settings.username_attribute).strip().lower()
        return Person(
            dn=entry.dn,
            username=username,
            directory_id=_stable_id(entry.first(settings.id_attribute), settings),
            display_name=entry.text(settings.display_name_attribute).strip() or username,
            state=account_state(entry, settings.kind, now_s),
            locked_out=is_locked_out(entry, settings.kind),
            password_changed_s=password_changed_s(entry, settings.kind),
        )


def _stable_id(value: bytes | None, settings: DirectorySettings) -> str:
    """Returns the id as text, or an empty one if the directory does not show it."""
    if value is None:
        return ""
    if settings.id_attribute.lower() == "objectguid" and len(value) == 16:
        return str(uuid.UUID(bytes_le=value))
    text = value.decode("utf-8", "replace")
    return text if text.isprintable() and "\ufffd" not in text else value.hex()


class GroupWalk:
    """Follows groups in groups, level by level. Circles end it, because each group is asked about once."""

    def __init__(self, dn: str) -> None:
        self._known: dict[str, Group] = {}
        self._frontier = [dn]
        self._levels = 0

    @property
    def exceeded(self) -> bool:
        """Whether there are more groups or levels than are followed."""
        return len(self._known) > GROUPS_MAX or self._levels > GROUP_LEVELS_MAX

    def next_members(self) -> list[list[str]]:
        """Returns the DNs to ask about now, in parts for one search each; nothing at the end."""
        return [
            self._frontier[at : at + GROUPS_PER_SEARCH]
            for at in range(0, len(self._frontier), GROUPS_PER_SEARCH)
        ]

    def found(self, groups: Iterable[Group]) -> None:
        """Takes in the groups of all of these members."""
        new = {group.dn.lower(): group for group in groups}
        new = {dn: group for dn, group in new.items() if dn not in self._known}
        self._known |= new
        self._frontier = [group.dn for group in new.values()]
        self._levels += 1

    @property
    def names(self) -> tuple[str, ...]:
        return group_names(self._known)


def group_names(groups: Mapping[str, Group]) -> tuple[str, ...]:
    return tuple(sorted({group.name for group in groups.values() if group.name}))
