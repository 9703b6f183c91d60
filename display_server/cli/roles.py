"""`lightbox roles`: who is helpdesk, administrator or auditor."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from display_server.broker.people.access_paths import Subject
    from display_server.broker.people.role_assignments import ListedRole, RoleAssignments
    from display_server.broker.roles import Assignment
    from display_server.broker.store import Store

RoleArgument = Annotated[
    Literal["helpdesk", "administrator", "auditor"], typer.Argument(metavar="ROLE", help="The role.")
]
UserOption = Annotated[str | None, typer.Option("--user", metavar="NAME", help="This person.")]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", metavar="GROUP", help="The members of this group, and of groups in it."),
]
ForGroupOption = Annotated[
    str | None,
    typer.Option(
        "--for-group", metavar="GROUP", help="Only for the members of this group (role helpdesk alone)."
    ),
]
ForDesktopOption = Annotated[
    str | None,
    typer.Option(
        "--for-desktop", metavar="DESKTOP", help="Only for sessions of this desktop (role helpdesk alone)."
    ),
]

app = typer.Typer(help="Decide who is helpdesk, administrator or auditor.", no_args_is_help=True)


@app.command("list")
def list_roles(
    state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """List who has which role, and for what. Everybody with an account has the role user."""

    async def show(roles: RoleAssignments) -> None:
        found = await roles.list_all()
        if json_output:
            print(json.dumps([_as_dict(listed) for listed in found], ensure_ascii=False))
            return
        if not found:
            print("Nobody has a role. Give one with `lightbox roles give ROLE --user NAME`.")
        for listed in found:
            print(_in_words(listed))

    _with_roles(state_folder(state, config), show, config)


@app.command()
def give(
    role: RoleArgument,
    user: UserOption = None,
    group: GroupOption = None,
    for_group: ForGroupOption = None,
    for_desktop: ForDesktopOption = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Give a role to a person, or to the members of a group."""
    subject, name = _chosen(user, group)
    assignment = _assignment(role, for_group, for_desktop)

    async def change(roles: RoleAssignments) -> None:
        _report(await roles.give(subject, name, assignment), "given", json_output=json_output)

    _with_roles(state_folder(state, config), change, config)


@app.command()
def take(
    role: RoleArgument,
    user: UserOption = None,
    group: GroupOption = None,
    for_group: ForGroupOption = None,
    for_desktop: ForDesktopOption = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Take a role away from a person or a group, with the scope that it was given for."""
    subject, name = _chosen(user, group)
    assignment = _assignment(role, for_group, for_desktop)

    async def change(roles: RoleAssignments) -> None:
        _report(await roles.take(subject, name, assignment), "taken away", json_output=json_output)

    _with_roles(state_folder(state, config), change, config)


def _with_roles(folder: Path, use: Callable[[RoleAssignments], Awaitable[None]], config: Path | None) -> None:
    from display_server.broker.people.role_assignments import RoleAssignments

    async def work(store: Store) -> None:
        await use(RoleAssignments(store, operator=operator_name()))

    with_store(folder, work, config)


def _chosen(user: str | None, group: str | None) -> tuple[Subject, str]:
    """Returns who is meant. Raises ConfigurationError unless exactly one of the options is given."""
    from display_server.broker.people.access_paths import Subject

    if user is not None and group is None:
        return Subject.USER, user
    if group is not None and user is None:
        return Subject.GROUP, group
    raise ConfigurationError(
        "Say who is meant, by one of --user and --group.",
        hint="For example: lightbox roles give helpdesk --user kim --for-group ward-3",
    )


def _assignment(role: str, for_group: str | None, for_desktop: str | None) -> Assignment:
    """Returns the role with its scope. Raises ConfigurationError when there are two scopes."""
    from display_server.broker.roles import Assignment, Role, ScopeKind

    if for_group is not None and for_desktop is not None:
        raise ConfigurationError(
            "A role is given for one group or one desktop at a time.",
            hint="Run the command once for each of them.",
        )
    if for_group is not None:
        return Assignment(Role(role), ScopeKind.GROUP, for_group)
    if for_desktop is not None:
        return Assignment(Role(role), ScopeKind.DESKTOP, for_desktop)
    return Assignment(Role(role))


def _report(listed: ListedRole, what: str, *, json_output: bool) -> None:
    if json_output:
        print(json.dumps(_as_dict(listed), ensure_ascii=False))
    else:
        print(f"The role is {what}: {_in_words(listed)}", file=sys.stderr)


def _as_dict(listed: ListedRole) -> dict[str, str]:
    return {
        "subject": listed.subject.value,
        "name": listed.name,
        "role": listed.assignment.role.value,
        "scope": listed.assignment.kind.value,
        "scope_name": listed.assignment.name,
    }


def _in_words(listed: ListedRole) -> str:
    from display_server.broker.roles import ScopeKind

    given = listed.assignment
    scope = "" if given.kind is ScopeKind.EVERYTHING else f"  for {given.kind.value} {given.name}"
    return f"{listed.subject.value} {listed.name}  {given.role.value}{scope}"
