"""`lightbox sessions`: lists the running desktops."""

from __future__ import annotations

import json
import os

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import state_folder

#: The columns of the list, as keys of the JSON output.
COLUMNS = ("id", "user", "desktop", "profile", "state", "display", "size", "url")
#: This variable limits the list to one state folder, as the options `--state` and `--config` do.
STATE_VARIABLE = "LIGHTBOX_STATE"


def sessions(state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """List the desktops that are running on this host.

    Without --state, --config and LIGHTBOX_STATE, the list has the desktops of all servers of this user, for
    example those of a demo; for root, it has those of all users.
    """
    from display_server.broker.running_desktops import all_running_desktops, running_desktops

    limited = state is not None or config is not None or STATE_VARIABLE in os.environ
    found = running_desktops(state_folder(state, config)) if limited else all_running_desktops()
    if json_output:
        print(json.dumps(found))
        return
    if not found:
        where = f" with the state folder {state_folder(state, config)}" if limited else ""
        print(f"No desktop is running{where}. Start a server with `lightbox serve` or `lightbox demo`.")
    for desktop in found:
        print("  ".join(str(desktop[column] or "-") for column in COLUMNS))
