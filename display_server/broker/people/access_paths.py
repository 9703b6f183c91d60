"""Why a person may open a desktop, or what is missing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from display_server.broker.people.group_graph import Parents, Path, effective_groups, paths_to


class Subject(Enum):
    """Who is entitled. The values are stored."""

    EVERYBODY = "everybody"  # whoever has an account
    USER = "user"
    GROUP = "group"  # its members, and those of the groups that it contains


class EntitlementOrigin(Enum):
    """Where an entitlement comes from. The values are stored."""

    CONFIGURATION = "configuration"  # `users` and `groups` of the configuration, which each reload replaces
    COMMAND = "command"  # `lightbox entitlements add`; stays until it is removed
    BREAK_GLASS = "break-glass"  # emergency access, which the person took for a time


class Lack(Enum):
    """What a person lacks to open a desktop."""

    ACCOUNT = "account"  # there is no account of this name
    ENABLED_ACCOUNT = "enabled account"
    DESKTOP = "desktop"  # the configuration has no such desktop
    ENTITLEMENT = "entitlement"


@dataclass(frozen=True, slots=True)
class Grant:
    """One entitlement to one desktop. `name` is that of the person or the group, or EVERYBODY."""

    subject: Subject
    name: str
    origin: EntitlementOrigin


@dataclass(frozen=True, slots=True)
class AccessPath:
    """One reason why a person may open a desktop: an entitlement, and the groups that lead to it."""

    grant: Grant
    groups: Path = ()  # from the group with the person as its member to the entitled one


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every reason why a person may open a desktop, and everything that is missing."""

    paths: tuple[AccessPath, ...]
    lacks: tuple[Lack, ...]
    entitled_groups: tuple[str, ...]  # membership in any of them would be an entitlement

    @property
    def may_open(self) -> bool:
        return bool(self.paths) and not self.lacks


def is_entitled(username: str, direct: Collection[str], parents: Parents, grants: Iterable[Grant]) -> bool:
    """Returns whether one of the grants is for this person, who is a member of the groups in `direct`."""
    groups: Collection[str] | None = None
    for grant in grants:
        if grant.subject is Subject.EVERYBODY or (grant.subject is Subject.USER and grant.name == username):
            return True
        if grant.subject is Subject.GROUP and direct:
            groups = effective_groups(direct, parents) if groups is None else groups
            if grant.name in groups:
                return True
    return False


def explain(
    username: str,
    *,
    enabled: bool | None,
    desktop_exists: bool,
    direct: Collection[str],
    parents: Parents,
    grants: Iterable[Grant],
) -> Explanation:
    """Explains the access of a person to a desktop.

    `enabled` says whether the account is; None if there is no account. `direct` are the groups that have the
    person as their member, and `grants` the entitlements to this desktop.
    """
    paths: list[AccessPath] = []
    groups = effective_groups(direct, parents)
    known = sorted(grants, key=lambda grant: (list(Subject).index(grant.subject), grant.name))
    for grant in known:
        if grant.subject is Subject.EVERYBODY or (grant.subject is Subject.USER and grant.name == username):
            paths.append(AccessPath(grant))
        elif grant.subject is Subject.GROUP and grant.name in groups:
            paths.extend(AccessPath(grant, path) for path in paths_to(grant.name, direct, parents))
    lacks = {
        Lack.ACCOUNT: enabled is None,
        Lack.ENABLED_ACCOUNT: enabled is False,
        Lack.DESKTOP: not desktop_exists,
        Lack.ENTITLEMENT: not paths,
    }
    return Explanation(
        tuple(paths),
        tuple(lack for lack, missing in lacks.items() if missing),
        tuple(dict.fromkeys(grant.name for grant in known if grant.subject is Subject.GROUP)),
    )
