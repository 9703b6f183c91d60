"""`lightbox groups`: lists and changes groups of people, and groups in groups."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.access_changes import report_change
from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from display_server.broker.people.groups import Groups
    from display_server.broker.store import Store

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="The name of the group.")]
MemberArgument = Annotated[
    str, typer.Argument(metavar="MEMBER", help="A username; with --group, the name of a group.")
]
GroupOption = Annotated[bool, typer.Option("--group", help="MEMBER is a group that GROUP contains.")]

app = typer.Typer(
    help="Manage groups of people. Desktops and roles can be given to groups.", no_args_is_help=True
)


@app.command("list")
def list_groups(
    state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """List the groups, with their origin and the numbers of people and groups that they contain directly."""

    async def show(groups: Groups) -> None:
        found = await groups.list_all()
        if json_output:
            print(
                json.dumps(
                    [
                        {
                            "name": group.name,
                            "origin": group.origin.value,
                            "people": group.people,
                            "groups": group.groups,
                        }
                        for group in found
                    ],
                    ensure_ascii=False,
                )
            )
            return
        if not found:
            print("There is no group yet. Add one with `lightbox groups add GROUP`.")
        for group in found:
            print(f"{group.name}  {group.origin.value}  people: {group.people}  groups: {group.groups}")

    _with_groups(state_folder(state, config), show, config)


@app.command()
def add(
    group: GroupArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Add a local group, without members."""
    names: list[str] = []

    async def change(groups: Groups) -> None:
        names.append(await groups.add(group))

    _with_groups(state_folder(state, config), change, config)
    if json_output:
        print(json.dumps({"name": names[0], "origin": "local"}, ensure_ascii=False))
        return
    print(
        f"The group {names[0]} is added. `lightbox groups add-member` adds people and groups to it.",
        file=sys.stderr,
    )


@app.command()
def delete(
    group: GroupArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Delete a group, with the entitlements that commands gave it. Its members keep their accounts.

    Desktops of people who are no longer entitled to them end, as `on_removal` of each desktop says.
    """
    folder = state_folder(state, config)
    if not yes:
        _confirm_deletion(group)

    async def change(groups: Groups) -> None:
        await groups.delete(group)

    _with_groups(folder, change, config)
    report_change(folder, f"The group {group} is deleted.", json_output=json_output)


@app.command()
def members(
    group: GroupArgument,
    everybody: Annotated[
        bool, typer.Option("--all", help="Also the people of the groups that it contains, with the path.")
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the people and the groups that a group contains."""

    async def show(groups: Groups) -> None:
        found = await groups.members(group)
        if json_output:
            print(
                json.dumps(
                    {
                        "people": list(found.people),
                        "groups": list(found.groups),
                        "everybody": {name: list(path) for name, path in found.everybody.items()},
                    },
                    ensure_ascii=False,
                )
            )
            return
        if not found.people and not found.groups:
            print(f"The group {group} is empty. `lightbox groups add-member {group} NAME` adds somebody.")
        for name in found.groups:
            print(f"{name}  (group)")
        for username in found.people:
            print(username)
        if everybody:
            for username, path in found.everybody.items():
                if username not in found.people:
                    print(f"{username}  by {' in '.join(path)}")

    _with_groups(state_folder(state, config), show, config)


@app.command("add-member")
def add_member(
    group: GroupArgument,
    member: MemberArgument,
    is_group: GroupOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Add a person to a local group, or with --group a group and thereby all of its members."""
    folder = state_folder(state, config)

    async def change(groups: Groups) -> None:
        await (groups.add_group(group, member) if is_group else groups.add_person(group, member))

    _with_groups(folder, change, config)
    report_change(folder, f"The group {group} contains {member} now.", json_output=json_output)


@app.command("remove-member")
def remove_member(
    group: GroupArgument,
    member: MemberArgument,
    is_group: GroupOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Remove a person from a local group, or with --group a group from the group that contains it.

    Desktops of people who are no longer entitled to them end, as `on_removal` of each desktop says.
    """
    folder = state_folder(state, config)

    async def change(groups: Groups) -> None:
        await (groups.remove_group(group, member) if is_group else groups.remove_person(group, member))

    _with_groups(folder, change, config)
    report_change(folder, f"The group {group} no longer contains {member}.", json_output=json_output)


def _with_groups(folder: Path, use: Callable[[Groups], Awaitable[None]], config: Path | None) -> None:
    from display_server.broker.people.groups import Groups

    async def work(store: Store) -> None:
        await use(Groups(store, operator=operator_name()))

    with_store(folder, work, config)


def _confirm_deletion(group: str) -> None:
    """Says what deleting does and asks for confirmation. Raises ConfigurationError unless it is given."""
    print(
        f"Deleting the group {group}:\n"
        "  - Entitlements that commands gave it are deleted as well.\n"
        "  - Desktops of people who are no longer entitled to them end, as `on_removal` of each says.",
        file=sys.stderr,
    )
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Nothing was deleted, because nobody could be asked for confirmation.",
            hint="Run the command on a terminal, or add --yes.",
        )
    if input(f"Type the name of the group to delete it ({group}): ").strip() != group:
        raise ConfigurationError("Nothing was deleted.", hint="To delete the group, type its name.")
