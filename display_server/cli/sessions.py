"""`lightbox sessions`: lists the running desktops."""

from __future__ import annotations

import json

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import state_folder

#: The columns of the list, as keys of the JSON output.
COLUMNS = ("id", "user", "desktop", "profile", "state", "display", "size")


def sessions(state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """List the desktops that are running on this host."""
    from display_server.broker.running_desktops import running_desktops

    found = running_desktops(state_folder(state, config))
    if json_output:
        print(json.dumps(found))
        return
    if not found:
        print("No desktop is running.")
    for desktop in found:
        print("  ".join(str(desktop[column] or "-") for column in COLUMNS))
