"""`lightbox sessions`: lists the running desktops and ends them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder
from display_server.errors import ConfigurationError, Malfunction

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
) -> None:
    """List the desktops that are running on this host, or end one with `end`.

    Without --state, --config and LIGHTBOX_STATE, the list has the desktops of all servers of this user, for
    example those of a demo; for root, it has those of all users.
    """
    if context.invoked_subcommand is not None:
        if state is not None or config is not None or json_output:
            raise ConfigurationError(
                "Options of a subcommand follow its name.",
                hint=f"For example: lightbox sessions {context.invoked_subcommand} ID --state DIR",
            )
        return
    found = _running(state, config)
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
        str, typer.Argument(metavar="ID", help="The desktop, as the first column of the list names it.")
    ],
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """End a desktop with all its programs. Unsaved work is lost; the home is kept.

    The person reads that the administrator ended the desktop, and can open it again.
    """
    from display_server.broker.folders import StateFolder, find_instances, list_instances
    from display_server.server.operator_requests import EndSession, Refused, ask

    desktop = next((entry for entry in _running(state, config) if entry["id"] == session_id), None)
    run_folder = str(Path(desktop["folder"]).parent.parent) if desktop else None
    limited = _is_limited(state, config)
    instances = list_instances(StateFolder(state_folder(state, config))) if limited else find_instances()
    instance = next((found for found in instances if found.run_folder == run_folder), None)
    if desktop is None or instance is None:
        raise ConfigurationError(
            f"No desktop with the id {session_id!r} is running.",
            hint="To see the running ones, run `lightbox sessions`.",
        )
    answer = ask(instance, EndSession(session_id, operator_name()))
    if isinstance(answer, Refused):
        raise Malfunction(answer.cause, next_step=answer.next_step)
    print(
        f"The desktop {desktop['desktop']} of {desktop['user']} has ended. Their page says that the "
        "administrator ended it.",
        file=sys.stderr,
    )


def _running(state: Path | None, config: Path | None) -> list[dict[str, Any]]:
    from display_server.broker.running_desktops import all_running_desktops, running_desktops

    if _is_limited(state, config):
        return running_desktops(state_folder(state, config))
    return all_running_desktops()


def _is_limited(state: Path | None, config: Path | None) -> bool:
    return state is not None or config is not None or STATE_VARIABLE in os.environ
