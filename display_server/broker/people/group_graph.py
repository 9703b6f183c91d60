"""Groups in groups: which groups a person belongs to, and by which path. Pure."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum

from display_server.errors import ConfigurationError

#: Longest name of a group, characters.
GROUP_NAME_MAX = 128
#: Largest number of paths that `paths_to` returns. Groups that contain each other many times over have more
#: paths than anybody reads.
PATHS_MAX = 32

#: By the name of a group: the groups that contain it.
Parents = Mapping[str, Collection[str]]
#: Names of groups: the first has the person as its member, each other one contains the group before it.
Path = tuple[str, ...]


class GroupOrigin(Enum):
    """Who decides on the members of a group. The values are stored."""

    LOCAL = "local"  # the operator
    DIRECTORY = "directory"  # the LDAP directory
    PROVIDER = "provider"  # a provider of OpenID Connect


def normalise_group_name(name: str) -> str:
    """Returns the name in the form that is stored: names that differ only in case are the same.

    Raises ConfigurationError when it is not allowed.
    """
    normal = unicodedata.normalize("NFC", name).strip().casefold()
    printable = all(character.isprintable() for character in normal)
    if not normal or len(normal) > GROUP_NAME_MAX or not printable or normal[0] in "*-":
        raise ConfigurationError(
            f"{name!r} cannot be the name of a group.",
            hint=f"Use 1 to {GROUP_NAME_MAX} printable characters, and begin with neither * nor -.",
        )
    return normal


def effective_groups(direct: Iterable[str], parents: Parents) -> dict[str, Path]:
    """Returns all groups that a person belongs to, with a shortest path to each.

    `direct` are the groups that have the person as their member. A cycle in `parents` does no harm.
    """
    found: dict[str, Path] = {name: (name,) for name in sorted(set(direct))}
    queue = deque(found)
    while queue:
        group = queue.popleft()
        for parent in sorted(parents.get(group, ())):
            if parent not in found:
                found[parent] = (*found[group], parent)
                queue.append(parent)
    return found


def paths_to(group: str, direct: Iterable[str], parents: Parents) -> list[Path]:
    """Returns the paths by which a person belongs to a group, at most PATHS_MAX, the shortest first."""
    members = frozenset(direct)
    effective = effective_groups(members, parents)
    if group not in effective:
        return []
    children: dict[str, list[str]] = {}
    for child in sorted(parents):
        for parent in parents[child]:
            children.setdefault(parent, []).append(child)
    found = {effective[group]}
    # Paths are extended downwards and only by groups of the person, so that each of them leads somewhere.
    stack: list[Path] = [(group,)]
    while stack and len(found) < PATHS_MAX:
        path = stack.pop()
        if path[0] in members:
            found.add(path)
        stack.extend(
            (child, *path) for child in children.get(path[0], ()) if child in effective and child not in path
        )
    return sorted(found, key=lambda path: (len(path), path))


def cycle(parent: str, child: str, parents: Parents) -> Path | None:
    """Returns the groups of the cycle that would arise if `parent` contained `child`; None if none would.

    The cycle begins and ends with `child`.
    """
    if parent == child:
        return (child, child)
    path = effective_groups([parent], parents).get(child)
    return None if path is None else (child, *path)


def members_below(group: str, parents: Parents) -> Iterator[str]:
    """Yields the groups that a group contains, directly or through others, without itself."""
    for name in sorted({*parents} - {group}):
        if group in effective_groups([name], parents):
            yield name
