"""`lightbox pools`: shows the pools of running servers, and changes them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from display_server.broker.folders import Instance
    from display_server.server.operator_requests import PlaceStatus, PoolStatus

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The desktop's name in the configuration.")]

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="The person's username.")]

app = typer.Typer(help="Show the pools of running servers, take them out of service, and assign desktops.")


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of a pool, and what is printed when it is done."""

    name: Literal["maintain", "resume", "retry"]
    done: str


@app.callback(invoke_without_command=True)
def list_pools(
    context: typer.Context,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the pools: how many desktops wait, start, belong to people, and may exist.

    A pool is `restrained` if its desktops fail again and again. It tries again by itself after pauses.
    """
    if context.invoked_subcommand is not None:
        if state is not None or config is not None or json_output:
            raise ConfigurationError(
                "Options of a subcommand follow its name.",
                hint=f"For example: lightbox pools {context.invoked_subcommand} NAME --state DIR",
            )
        return
    from display_server.server.operator_requests import ListPools, PoolList, ask, refusal

    pools: list[PoolStatus] = []
    for server in _servers(state, config):
        answer = ask(server, ListPools())
        if not isinstance(answer, PoolList):
            raise refusal(answer)
        pools += answer.pools
    if json_output:
        print(json.dumps([{name: getattr(pool, name) for name in pool.__struct_fields__} for pool in pools]))
    elif not pools:
        print("There is no pool. docs/pools.md explains how a desktop becomes one.")
    for pool in () if json_output else pools:
        print(_as_text(pool))


@app.command()
def maintain(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Take a pool out of service: spare desktops end, and nobody gets another one. People go on."""
    done = f"The pool {name} is in maintenance. `lightbox pools resume {name}` ends that."
    _change(name, _Change("maintain", done), state, config)


@app.command()
def resume(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Take a pool back into service."""
    _change(name, _Change("resume", f"The pool {name} is in service."), state, config)


@app.command()
def retry(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Let a restrained pool start desktops again at once, because the cause was mended."""
    _change(name, _Change("retry", f"The pool {name} starts desktops again."), state, config)


@app.command()
def recompose(
    name: NameArgument,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version of the pool's profile.")],
    canary: Annotated[
        int,
        typer.Option(metavar="PERCENT", help="Change this share of the desktops first. 100: all at once."),
    ] = 10,
    within_minutes: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            help="End desktops of the former version after this time; their people are warned. "
            "Default: they go on until they end.",
        ),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Change a pool to another version of its profile, a few desktops first.

    When they have worked for a minute, all desktops that start are of the new version. When too many of them
    fail, it stops, and the former version stays in use. `rollback` returns to it at any time.
    """
    within_s = None if within_minutes is None else within_minutes * 60
    _recompose(name, version, canary, within_s, state, config)
    print(f"The pool {name} changes to the version {version}. `lightbox pools` shows how far it is.")


@app.command()
def rollback(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Return a pool to the version before, at once. Desktops that people have go on until they end."""
    _recompose(name, None, 100, None, state, config)
    print(f"The pool {name} returns to its former version.")


def _recompose(
    name: str,
    version: str | None,
    canary_percent: int,
    within_s: float | None,
    state: Path | None,
    config: Path | None,
) -> None:
    from display_server.server.operator_requests import PoolList, RecomposePool, ask, refusal

    for server in _servers(state, config):
        answer = ask(server, RecomposePool(name, version, canary_percent, within_s, operator_name()))
        if not isinstance(answer, PoolList):
            raise refusal(answer)


@app.command()
def places(
    name: NameArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List whose the desktops of a dedicated pool are, and which released ones could not be wiped."""
    from display_server.server.operator_requests import ListPlaces, PlaceList, ask, refusal

    found: list[PlaceStatus] = []
    for server in _servers(state, config):
        answer = ask(server, ListPlaces(name))
        if not isinstance(answer, PlaceList):
            raise refusal(answer)
        found += answer.places
    if json_output:
        print(json.dumps([{key: getattr(place, key) for key in place.__struct_fields__} for place in found]))
    elif not found:
        print(f"No desktop of the pool {name} is assigned to anybody.")
    for place in () if json_output else found:
        print(f"{place.place}  {place.username}  {place.state}")
        if place.error is not None:
            print(f"  The home could not be deleted: {place.error}")


@app.command()
def assign(
    name: NameArgument, person: PersonArgument, state: StateOption = None, config: ConfigOption = None
) -> None:
    """Assign a desktop of a dedicated pool to a person, who keeps it until it is released.

    Without this, a person gets one when they open the desktop for the first time. Whether they may open it
    is up to their entitlements.
    """
    _change_place(name, person, "assign", state, config)
    print(f"A desktop of the pool {name} is assigned to {person}.")


@app.command()
def release(
    name: NameArgument,
    person: PersonArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Take a desktop of a dedicated pool from its person. It ends, and its home is deleted for good."""
    if not yes:
        _confirm_release(name, person)
    _change_place(name, person, "release", state, config)
    print(
        f"The desktop {name} of {person} is released. `lightbox pools places {name}` lists it until its home "
        "is deleted."
    )


def _confirm_release(name: str, person: str) -> None:
    """Says what releasing does and asks for confirmation. Raises ConfigurationError unless it is given."""
    print(
        f"Releasing the desktop {name} of {person}:\n"
        "  - It ends, and unsaved work is lost.\n"
        "  - Its home is DELETED with all files and cannot be restored.",
        file=sys.stderr,
    )
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Nothing was released, because nobody could be asked for confirmation.",
            hint="Run the command on a terminal, or add --yes.",
        )
    if input(f"Type the name of the person to release it ({person}): ").strip().lower() != person.lower():
        raise ConfigurationError("Nothing was released.", hint="To release the desktop, type the name.")


def _change_place(
    name: str, person: str, change: Literal["assign", "release"], state: Path | None, config: Path | None
) -> None:
    from display_server.server.operator_requests import ChangePlace, PlaceList, ask, refusal

    for server in _servers(state, config):
        answer = ask(server, ChangePlace(name, person, change, operator_name()))
        if not isinstance(answer, PlaceList):
            raise refusal(answer)


def _change(name: str, change: _Change, state: Path | None, config: Path | None) -> None:
    from display_server.server.operator_requests import ChangePool, PoolList, ask, refusal

    for server in _servers(state, config):
        answer = ask(server, ChangePool(name, change.name, operator_name()))
        if not isinstance(answer, PoolList):
            raise refusal(answer)
    print(change.done)


def _servers(state: Path | None, config: Path | None) -> list[Instance]:
    from display_server.cli.sessions import running_instances

    found = running_instances(state, config)
    if not found:
        raise ConfigurationError(
            "No server is running.",
            hint="Start one with `lightbox serve`, or name its state folder with --state or --config.",
        )
    return found


def _as_text(pool: PoolStatus) -> str:
    counts = (
        f"{pool.waiting} of {pool.spare} waiting, {pool.starting} starting, {pool.assigned} in use, "
        f"{pool.ending} ending, at most {pool.maximum}"
    )
    line = f"{pool.name}  {pool.kind}  {pool.state}  version {pool.image_version}  {counts}"
    if pool.rollout == "canary":
        line += f"\n  Changing to the version {pool.target}: {pool.canaries} of its desktops are tried first."
    elif pool.rollout == "rolling":
        line += f"\n  {pool.former} desktops of another version go on until they end."
    elif pool.rollout == "stopped":
        line += f"\n  The version {pool.target} failed and is not used: {pool.rollout_error}"
    if pool.error is not None and pool.state != "normal":
        line += f"\n  The last failure: {pool.error}"
    if pool.retry_in_s is not None:
        line += (
            f"\n  The next attempt is in {pool.retry_in_s:.0f} s, or now: lightbox pools retry {pool.name}"
        )
    return line
