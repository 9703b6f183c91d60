"""What each role may do. Pure: one table, which the administration asks before every act.

A role is given for everything, or for a scope: groups whose members, or desktops whose sessions, it concerns.
Everybody who has an account has the role USER without an assignment, for themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What somebody is, as the operator assigned it. The values are stored."""

    USER = "user"  # everybody, for themselves
    HELPDESK = "helpdesk"  # helps people with their desktops, in its scope
    ADMINISTRATOR = "administrator"  # changes everything but the audit
    AUDITOR = "auditor"  # reads everything and changes nothing


class Act(Enum):
    """What can be done. A new member needs an entry in the table below."""

    DESKTOP_OPEN = "open a desktop"
    DESKTOP_END = "end a desktop"
    DESKTOP_RESTART_DISPLAY = "restart the display of a desktop"
    SESSION_LIST = "list sessions"
    SESSION_MESSAGE = "send a message to a person"
    SESSION_SIGN_OUT = "sign a person out"
    SESSION_SHADOW = "shadow a desktop with the person's consent"
    ACCOUNT_READ = "read an account"
    ACCOUNT_CHANGE = "add, change or delete an account"
    PASSWORD_CHANGE_OWN = "change one's own password"  # noqa: S105 - the name of an act
    FACTOR_RESET = "reset a second factor"
    GROUP_READ = "read groups"
    GROUP_CHANGE = "change groups"
    ENTITLEMENT_READ = "read entitlements"
    ENTITLEMENT_CHANGE = "change entitlements"
    ROLE_READ = "read assignments of roles"
    ROLE_CHANGE = "change assignments of roles"
    CONFIGURATION_READ = "read the configuration"
    CONFIGURATION_CHANGE = "change the configuration"
    POLICY_READ = "read policies"
    POLICY_RESOLVE = "see which policies apply to a person"
    POLICY_CHANGE = "change policies"
    POOL_READ = "read pools"
    POOL_CHANGE = "change pools"
    DEVICE_READ = "read enrolled devices"
    DEVICE_CHANGE = "enrol, change or revoke devices"
    CHECK_STORE = "store a display check"
    CHECK_READ = "read display checks"
    HEALTH_READ = "read health and metrics"
    AUDIT_READ = "read the audit"
    AUDIT_VERIFY = "verify the audit"
    AUDIT_EXPORT = "export the audit"
    TOKEN_READ = "read tokens of the administration API"  # noqa: S105 - the name of an act
    TOKEN_CHANGE = "create or revoke tokens of the administration API"  # noqa: S105 - the same


class Whose(Enum):
    """Whose object an act is about, seen by whoever acts."""

    OWN = "own"
    IN_SCOPE = "in scope"  # another person's, and within the scope of the role
    OUT_OF_SCOPE = "out of scope"


_OWN = frozenset({Whose.OWN})
_SCOPE = frozenset({Whose.IN_SCOPE})
_NOWHERE: frozenset[Whose] = frozenset()
_ADMIN, _HELP, _AUDIT, _USER = Role.ADMINISTRATOR, Role.HELPDESK, Role.AUDITOR, Role.USER

#: For each act: the roles that may do it, and to whose objects. A role that is missing may not at all.
#: Objects of the system, such as the configuration, are nobody's own, and in the scope of roles without a
#: limited scope.
RIGHTS: Mapping[Act, Mapping[Role, frozenset[Whose]]] = {
    Act.DESKTOP_OPEN: {_USER: _OWN},  # and only with an entitlement; nobody opens another person's
    Act.DESKTOP_END: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE},
    Act.DESKTOP_RESTART_DISPLAY: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE},
    Act.SESSION_LIST: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.SESSION_MESSAGE: {_HELP: _SCOPE, _ADMIN: _SCOPE},
    Act.SESSION_SIGN_OUT: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE},
    Act.SESSION_SHADOW: {_HELP: _SCOPE},
    Act.ACCOUNT_READ: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.ACCOUNT_CHANGE: {_ADMIN: _SCOPE},  # never one's own: nobody locks themselves out, or in
    Act.PASSWORD_CHANGE_OWN: {_USER: _OWN},
    Act.FACTOR_RESET: {_HELP: _SCOPE, _ADMIN: _SCOPE},
    Act.GROUP_READ: {_HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.GROUP_CHANGE: {_ADMIN: _SCOPE},
    Act.ENTITLEMENT_READ: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.ENTITLEMENT_CHANGE: {_ADMIN: _SCOPE},
    Act.ROLE_READ: {_USER: _OWN, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.ROLE_CHANGE: {_ADMIN: _SCOPE},
    Act.CONFIGURATION_READ: {_ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.CONFIGURATION_CHANGE: {_ADMIN: _SCOPE},
    Act.POLICY_READ: {_ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.POLICY_RESOLVE: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.POLICY_CHANGE: {_ADMIN: _SCOPE},
    Act.POOL_READ: {_HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.POOL_CHANGE: {_ADMIN: _SCOPE},
    Act.DEVICE_READ: {_ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.DEVICE_CHANGE: {_ADMIN: _SCOPE},
    Act.CHECK_STORE: {_USER: _OWN},
    Act.CHECK_READ: {_USER: _OWN, _HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.HEALTH_READ: {_HELP: _SCOPE, _ADMIN: _SCOPE, _AUDIT: _SCOPE},
    # No act changes or deletes an entry of the audit: nobody may.
    Act.AUDIT_READ: {_ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.AUDIT_VERIFY: {_ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.AUDIT_EXPORT: {_AUDIT: _SCOPE},
    Act.TOKEN_READ: {_ADMIN: _SCOPE, _AUDIT: _SCOPE},
    Act.TOKEN_CHANGE: {_ADMIN: _SCOPE},
}


#: Acts that change nothing. The helpdesk does nothing else to administrators and auditors.
READS = frozenset(
    {
        Act.SESSION_LIST,
        Act.ACCOUNT_READ,
        Act.GROUP_READ,
        Act.ENTITLEMENT_READ,
        Act.ROLE_READ,
        Act.CONFIGURATION_READ,
        Act.POLICY_READ,
        Act.POLICY_RESOLVE,
        Act.POOL_READ,
        Act.DEVICE_READ,
        Act.CHECK_READ,
        Act.HEALTH_READ,
        Act.AUDIT_READ,
        Act.AUDIT_VERIFY,
        Act.AUDIT_EXPORT,
        Act.TOKEN_READ,
    }
)

#: Roles that can be limited to a scope. Others concern the whole system.
SCOPED = frozenset({Role.HELPDESK})


class ScopeKind(Enum):
    """What a role is limited to. The values are stored."""

    EVERYTHING = "everything"
    GROUP = "group"  # sessions and accounts of its members, and of the groups that it contains
    DESKTOP = "desktop"  # sessions of this desktop


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role, and its scope. `name` is that of the group or the desktop, and empty for everything."""

    role: Role
    kind: ScopeKind = ScopeKind.EVERYTHING
    name: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is done to. All is empty for objects of the system, such as the configuration."""

    owner: str | None = None  # the person whose account or session it is
    groups: Collection[str] = ()  # all groups that the owner belongs to
    desktop: str | None = None  # the desktop, if it is a session
    privileged: bool = False  # the owner is an administrator or an auditor


@dataclass(frozen=True, slots=True)
class Limits:
    """To whose objects somebody may do something: everything, or what belongs to any of these."""

    everything: bool = False
    groups: frozenset[str] = frozenset()
    desktops: frozenset[str] = frozenset()


def may(role: Role, act: Act, whose: Whose) -> bool:
    """Returns whether a role may do something. An act that the table lacks is refused to everybody."""
    return whose in RIGHTS.get(act, {}).get(role, _NOWHERE)


def whose(actor: str, assignment: Assignment, target: Target) -> Whose:
    """Returns whose object the target is, seen by a person with this assignment."""
    if target.owner == actor:
        return Whose.OWN
    if assignment.role is Role.USER:
        return Whose.OUT_OF_SCOPE
    covered = {
        ScopeKind.EVERYTHING: True,
        ScopeKind.GROUP: assignment.name in target.groups,
        ScopeKind.DESKTOP: assignment.name == target.desktop,
    }
    return Whose.IN_SCOPE if covered[assignment.kind] else Whose.OUT_OF_SCOPE


def role_for(actor: str, assignments: Iterable[Assignment], act: Act, target: Target) -> Role | None:
    """Returns the role in which a person may do something, or None if they may not.

    Everybody has the role USER. Somebody with several roles may do what any of them may.
    """
    for assignment in (Assignment(Role.USER), *assignments):
        if assignment.role is Role.HELPDESK and target.privileged and act not in READS:
            continue
        if may(assignment.role, act, whose(actor, assignment, target)):
            return assignment.role
    return None


def limits_of(assignments: Iterable[Assignment], act: Act) -> Limits | None:
    """Returns to whose objects these roles may do something; None if to nobody's but one's own."""
    able = [one for one in assignments if may(one.role, act, Whose.IN_SCOPE)]
    if not able:
        return None
    return Limits(
        everything=any(one.kind is ScopeKind.EVERYTHING for one in able),
        groups=frozenset(one.name for one in able if one.kind is ScopeKind.GROUP),
        desktops=frozenset(one.name for one in able if one.kind is ScopeKind.DESKTOP),
    )
