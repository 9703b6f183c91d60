"""`lightbox entitlements`: who may open which desktop, and why."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.access_changes import report_change
from display_server.cli.options import EXIT_FAILED, ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from display_server.broker.people.access_paths import AccessPath, Explanation, Grant, Subject
    from display_server.broker.people.entitlements import Entitlements
    from display_server.broker.store import Store

DesktopArgument = Annotated[
    str, typer.Argument(metavar="DESKTOP", help="The desktop, by its `name` in the configuration.")
]
UserOption = Annotated[str | None, typer.Option("--user", metavar="NAME", help="This person.")]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", metavar="GROUP", help="The members of this group, and of groups in it."),
]
EverybodyOption = Annotated[bool, typer.Option("--everybody", help="Everybody who has an account.")]

app = typer.Typer(help="Decide who may open which desktop. Nobody may by default.", no_args_is_help=True)


@app.command("list")
def list_entitlements(
    desktop: Annotated[
        str | None, typer.Option("--desktop", metavar="DESKTOP", help="List only those to this desktop.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the entitlements: of the configuration, as the server last read it, and of commands."""

    async def show(entitlements: Entitlements) -> None:
        found = [one for one in await entitlements.list_all() if desktop in {None, one.desktop}]
        if json_output:
            print(
                json.dumps(
                    [
                        {"desktop": one.desktop, "configured": one.configured, **_as_dict(one.grant)}
                        for one in found
                    ],
                    ensure_ascii=False,
                )
            )
            return
        if not found:
            print("Nobody is entitled. `lightbox entitlements add DESKTOP --user NAME` entitles somebody.")
        for one in found:
            missing = "" if one.configured else "  (the configuration has no such desktop)"
            print(f"{one.desktop}  {_subject(one.grant)}  {one.grant.origin.value}{missing}")

    _with_entitlements(state_folder(state, config), show, config)


@app.command()
def add(
    desktop: DesktopArgument,
    user: UserOption = None,
    group: GroupOption = None,
    everybody: EverybodyOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Entitle a person, a group or everybody to a desktop, at once and until `remove`."""
    folder = state_folder(state, config)
    subject, name = _chosen(user, group, everybody)

    async def change(entitlements: Entitlements) -> None:
        grants.append(await entitlements.add(desktop, subject, name))

    grants: list[Grant] = []
    _with_entitlements(folder, change, config)
    done = f"The desktop {desktop} may be opened by {_subject(grants[0])}."
    report_change(folder, done, json_output=json_output)


@app.command()
def remove(
    desktop: DesktopArgument,
    user: UserOption = None,
    group: GroupOption = None,
    everybody: EverybodyOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Remove an entitlement that `add` gave. The person may still be entitled by others; see `why`.

    Desktops of people who are no longer entitled to them end, as `on_removal` of the desktop says.
    """
    folder = state_folder(state, config)
    subject, name = _chosen(user, group, everybody)

    async def change(entitlements: Entitlements) -> None:
        grants.append(await entitlements.remove(desktop, subject, name))

    grants: list[Grant] = []
    _with_entitlements(folder, change, config)
    done = f"The entitlement of {_subject(grants[0])} to the desktop {desktop} is removed."
    report_change(folder, done, json_output=json_output)


@app.command()
def why(
    username: Annotated[str, typer.Argument(metavar="USER", help="The person, by their username.")],
    desktop: DesktopArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Say why a person may open a desktop, by every entitlement and group, or what is missing.

    The exit code is 1 if the person may not.
    """
    found: list[Explanation] = []

    async def explain(entitlements: Entitlements) -> None:
        found.append(await entitlements.why(username, desktop))

    _with_entitlements(state_folder(state, config), explain, config)
    explanation = found[0]
    if json_output:
        print(
            json.dumps(
                {
                    "may_open": explanation.may_open,
                    "paths": [
                        {**_as_dict(path.grant), "groups": list(path.groups)} for path in explanation.paths
                    ],
                    "lacks": [lack.value for lack in explanation.lacks],
                    "entitled_groups": list(explanation.entitled_groups),
                },
                ensure_ascii=False,
            )
        )
    else:
        print("\n".join(_in_words(explanation, username, desktop)))
    if not explanation.may_open:
        sys.exit(EXIT_FAILED)


def _in_words(explanation: Explanation, username: str, desktop: str) -> list[str]:
    """Returns the lines of an explanation."""
    from display_server.broker.people.access_paths import Lack

    lines = [f"{username} {'may' if explanation.may_open else 'cannot'} open {desktop}."]
    lines += [f"  {_path(path)}" for path in explanation.paths]
    missing = {
        Lack.ACCOUNT: f"There is no account named {username}: lightbox account add {username}",
        Lack.ENABLED_ACCOUNT: f"The account is disabled: lightbox account enable {username}",
        Lack.DESKTOP: "The configuration has no desktop of this name.",
        Lack.ENTITLEMENT: f"No entitlement: lightbox entitlements add {desktop} --user {username}",
    }
    lines += [f"  {missing[lack]}" for lack in explanation.lacks]
    if Lack.ENTITLEMENT in explanation.lacks and explanation.entitled_groups:
        lines.append(f"  Or add them to one of the groups: {', '.join(explanation.entitled_groups)}")
    return lines


def _path(path: AccessPath) -> str:
    """Returns one reason in words."""
    from display_server.broker.people.access_paths import Subject

    origin = f"(by {path.grant.origin.value})"
    if path.grant.subject is Subject.EVERYBODY:
        return f"Everybody may open it {origin}."
    if path.grant.subject is Subject.USER:
        return f"They are entitled themselves {origin}."
    return f"They are a member of {' in '.join(path.groups)}, which is entitled {origin}."


def _chosen(user: str | None, group: str | None, everybody: bool) -> tuple[Subject, str]:
    """Returns who is meant. Raises ConfigurationError unless exactly one of the options is given."""
    from display_server.broker.people.access_paths import Subject

    if [user is not None, group is not None, everybody].count(True) != 1:
        raise ConfigurationError(
            "Say who is meant, by one of --user, --group and --everybody.",
            hint="For example: lightbox entitlements add office --group nurses",
        )
    if user is not None:
        return Subject.USER, user
    return (Subject.GROUP, group) if group is not None else (Subject.EVERYBODY, "")


def _as_dict(grant: Grant) -> dict[str, str]:
    return {"subject": grant.subject.value, "name": grant.name, "origin": grant.origin.value}


def _subject(grant: Grant) -> str:
    from display_server.broker.people.access_paths import Subject

    return (
        grant.subject.value if grant.subject is Subject.EVERYBODY else f"{grant.subject.value} {grant.name}"
    )


def _with_entitlements(
    folder: Path, use: Callable[[Entitlements], Awaitable[None]], config: Path | None
) -> None:
    from display_server.broker.people.entitlements import Entitlements

    async def work(store: Store) -> None:
        await use(Entitlements(store, operator=operator_name()))

    with_store(folder, work, config)
