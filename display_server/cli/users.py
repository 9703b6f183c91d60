"""`lightbox users`: people with their groups, entitlements and desktops. `lightbox account` changes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import state_folder, with_store

if TYPE_CHECKING:
    from display_server.broker.people.overview import Person
    from display_server.broker.store import Store

app = typer.Typer(help="Look at people, their groups and what they may open.", no_args_is_help=True)


@app.command("list")
def list_users(
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="List only names that contain this text.")
    ] = "",
    group: Annotated[
        str | None,
        typer.Option(
            "--group", metavar="GROUP", help="List only members of this group, and of groups in it."
        ),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the people who have an account, with their groups."""
    from display_server.broker.people.group_graph import normalise_group_name
    from display_server.broker.people.overview import list_people

    wanted = normalise_group_name(group) if group is not None else None
    found: list[Person] = []

    async def read(store: Store) -> None:
        found.extend(await list_people(store, search))

    with_store(state_folder(state, config), read, config)
    people = [person for person in found if wanted is None or wanted in person.groups]
    if json_output:
        print(json.dumps([_as_dict(person) for person in people], ensure_ascii=False))
        return
    if not people:
        print("Nobody was found. `lightbox account add NAME` adds an account.")
    for person in people:
        groups = ", ".join(person.groups) or "no group"
        disabled = "  (disabled)" if person.disabled else ""
        print(f"{person.username}  {person.display_name}  {groups}{disabled}")


@app.command()
def show(
    username: Annotated[str, typer.Argument(metavar="NAME", help="The person, by their username.")],
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show a person: account, groups with the path to each, desktops they may open, and those that run."""
    from display_server.broker.people.overview import person_named
    from display_server.broker.running_desktops import running_desktops

    folder = state_folder(state, config)
    found: list[Person] = []

    async def read(store: Store) -> None:
        found.append(await person_named(store, username))

    with_store(folder, read, config)
    person = found[0]
    running = [desktop for desktop in running_desktops(folder) if desktop["user"] == person.username]
    if json_output:
        print(json.dumps({**_as_dict(person), "sessions": running}, ensure_ascii=False))
        return
    print(f"{person.username}  {person.display_name}{'  (disabled)' if person.disabled else ''}")
    print(f"signed in in {person.browsers} browser{'' if person.browsers == 1 else 's'}")
    for path in person.groups.values():
        print(f"group  {' in '.join(path)}")
    for desktop in person.desktops:
        print(f"may open  {desktop}")
    for session in running:
        print(f"runs  {session['id']}  {session['desktop']}  {session['state']}")


def _as_dict(person: Person) -> dict[str, Any]:
    return {
        "username": person.username,
        "display_name": person.display_name,
        "disabled": person.disabled,
        "browsers": person.browsers,
        "groups": {name: list(path) for name, path in person.groups.items()},
        "desktops": list(person.desktops),
    }
