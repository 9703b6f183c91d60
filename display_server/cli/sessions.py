"""`lightbox sessions`: lists the running desktops and ends them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from display_server.broker.folders import Instance

#: The columns of the list, as keys of the JSON output.
COLUMNS = ("id", "user", "desktop", "profile", "state", "display", "size", "url")
#: This variable limits the list to one state folder, as the options `--state` and `--config` do.
STATE_VARIABLE = "LIGHTBOX_STATE"

app = typer.Typer(help="List the desktops that are running on this host, and end them.")


@app.callback(invoke_without_command=True)
def list_sessions(
    context: typer.Context,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
    orphans: Annotated[
        bool,
        typer.Option("--orphans", help="List desktops without a session, and sessions without a desktop."),
    ] = False,
) -> None:
    """List the desktops that are running on this host, or end one with `end`.

    Without --state, --config and LIGHTBOX_STATE, the list has the desktops of all servers of this user, for
    example those of a demo; for root, it has those of all users.
    """
    if context.invoked_subcommand is not None:
        if state is not None or config is not None or json_output or orphans:
            raise ConfigurationError(
                "Options of a subcommand follow its name.",
                hint=f"For example: lightbox sessions {context.invoked_subcommand} ID --state DIR",
            )
        return
    if orphans:
        _list_orphans(running_instances(state, config), json_output=json_output)
        return
    found = with_people(_running(state, config), running_instances(state, config))
    if json_output:
        print(json.dumps(found))
        return
    if not found:
        limited = _is_limited(state, config)
        where = f" with the state folder {state_folder(state, config)}" if limited else ""
        print(f"No desktop is running{where}. Start a server with `lightbox serve` or `lightbox demo`.")
    for desktop in found:
        print("  ".join(str(desktop[column] or "-") for column in COLUMNS))


@app.command()
def end(
    session_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="The desktop, as the first column of the list names it."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="End every desktop that the list has.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """End a desktop with all its programs, or every desktop. Unsaved work is lost; homes are kept.

    The person reads that the administrator ended the desktop, and can open it again. Isolated desktops that
    run without a server are ended, too, if root runs this command.
    """
    if (session_id is None) != every:
        raise ConfigurationError(
            "Name one desktop, or all of them.",
            hint="For example: lightbox sessions end ID, or lightbox sessions end --all",
        )
    desktops = [entry for entry in _running(state, config) if every or entry["id"] == session_id]
    if session_id is not None and not desktops:
        if _end_orphan(running_instances(state, config), session_id):
            return
        raise ConfigurationError(
            f"No desktop with the id {session_id!r} is running.",
            hint="To see the running ones, run `lightbox sessions`.",
        )
    if not desktops:
        print("No desktop is running.", file=sys.stderr)
    served = {found.desktops_folder: found for found in running_instances(state, config)}
    without_server = [desktop for desktop in desktops if _desktops_folder(desktop) not in served]
    for desktop in desktops:
        if desktop not in without_server:
            _end_by_server(served[_desktops_folder(desktop)], desktop)
    if without_server:
        _end_without_server(without_server, state, config)


def _list_orphans(instances: list[Instance], *, json_output: bool) -> None:
    """Prints the orphans that running servers find."""
    from display_server.server.operator_requests import ListOrphans, OrphanList, ask, refusal

    found = []
    for instance in instances:
        answer = ask(instance, ListOrphans())
        if not isinstance(answer, OrphanList):
            raise refusal(answer)
        found += [{key: getattr(one, key) for key in one.__struct_fields__} for one in answer.orphans]
    if json_output:
        print(json.dumps(found))
    elif not found:
        print("There is no orphan: each desktop has its session, and each session its desktop.")
    for orphan in () if json_output else found:
        print("  ".join(str(value or "-") for value in orphan.values()))
        print(f"  To end it: lightbox sessions end {orphan['session']}")


def _end_orphan(instances: list[Instance], session_id: str) -> bool:
    """Ends what only a server knows: a session without a desktop. Returns whether there was one."""
    from display_server.server.operator_requests import Done, EndSession, ask

    for instance in instances:
        answer = ask(instance, EndSession(session_id, operator_name()))
        if isinstance(answer, Done):
            print(f"The session {session_id}, which had no desktop, has ended.", file=sys.stderr)
            return True
    return False


def _end_by_server(instance: Instance, desktop: dict[str, Any]) -> None:
    from display_server.server.operator_requests import Done, EndSession, ask, refusal

    answer = ask(instance, EndSession(desktop["id"], operator_name()))
    if not isinstance(answer, Done):
        raise refusal(answer)
    print(
        f"The desktop {desktop['desktop']} of {desktop['user']} has ended. Their page says that the "
        "administrator ended it.",
        file=sys.stderr,
    )


def _end_without_server(desktops: list[dict[str, Any]], state: Path | None, config: Path | None) -> None:
    from display_server.broker.lasting_folder import LastingFolder

    path = state_folder(state, config)
    other = [entry for entry in desktops if _desktops_folder(entry) != LastingFolder.of(path).desktops]
    if other:
        raise ConfigurationError(
            f"No server runs for {len(other)} of these desktops, for example {other[0]['id']}.",
            hint=f"They are not of the state folder {path}. Name theirs with --state or --config.",
        )
    end_unserved(path, config, desktops)
    for desktop in desktops:
        print(
            f"The desktop {desktop['desktop']} of {desktop['user']} has ended. No server was running.",
            file=sys.stderr,
        )


def with_people(desktops: list[dict[str, Any]], instances: list[Instance]) -> list[dict[str, Any]]:
    """Replaces the places of floating pools by the people who have them; empty if nobody does.

    Where no server answers, the place stays: nothing else knows whose the desktop is.
    """
    from display_server.server.operator_requests import ListPools, PoolList, ServerSilent, ask

    people: dict[str, str] = {}
    places = {desktop["folder"] for desktop in desktops if not desktop["keeps_home"]}
    for instance in instances:
        if any(Path(folder).parent == instance.desktops_folder for folder in places):
            try:
                answer = ask(instance, ListPools())
            except ServerSilent as error:
                print(f"lightbox: {error.for_terminal()}", file=sys.stderr)
                continue
            if isinstance(answer, PoolList):
                people |= answer.people
    return [desktop | {"user": people.get(desktop["id"], desktop["user"])} for desktop in desktops]


def unserved_desktops(state: Path, username: str, floating: Collection[str]) -> list[dict[str, Any]]:
    """Returns the desktops of a person that run without a server. `floating` has those of floating pools."""
    from display_server.broker.running_desktops import running_desktops

    return [
        desktop
        for desktop in running_desktops(state)
        if (desktop["user"] == username or desktop["id"] in floating) and desktop["url"] is None
    ]


def end_unserved(state: Path, config: Path | None, desktops: list[dict[str, Any]]) -> None:
    """Ends desktops that run without a server. Raises ConfigurationError unless root does it."""
    import asyncio

    from display_server.config import load
    from display_server.server.serverless_endings import end_without_server

    if desktops:
        isolation = load(config, os.environ).isolation
        ids = [desktop["id"] for desktop in desktops]
        asyncio.run(end_without_server(state, isolation, ids, operator=operator_name()))


def _desktops_folder(desktop: dict[str, Any]) -> Path:
    return Path(desktop["folder"]).parent


def running_instances(state: Path | None, config: Path | None) -> list[Instance]:
    from display_server.broker.folders import StateFolder, find_instances, list_instances

    limited = _is_limited(state, config)
    return list_instances(StateFolder(state_folder(state, config))) if limited else find_instances()


def _running(state: Path | None, config: Path | None) -> list[dict[str, Any]]:
    from display_server.broker.running_desktops import all_running_desktops, running_desktops

    if _is_limited(state, config):
        return running_desktops(state_folder(state, config))
    return all_running_desktops()


def _is_limited(state: Path | None, config: Path | None) -> bool:
    return state is not None or config is not None or STATE_VARIABLE in os.environ
