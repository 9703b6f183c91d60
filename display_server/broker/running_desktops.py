"""The list of running desktops, read from the files that server processes and supervisors write.

It needs no connection to a server process, so that `lightbox sessions` works whether or not one runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from display_server.broker.folders import StateFolder, list_instances
from display_server.desktop.spec import read_spec, read_status
from display_server.errors import DesktopError


def running_desktops(state_folder: Path) -> list[dict[str, Any]]:
    """Describes every running desktop of this state folder, as `lightbox sessions --json` prints it."""
    if not state_folder.is_dir():
        return []
    found = []
    for instance in list_instances(StateFolder(state_folder)):
        for folder in sorted((Path(instance.run_folder) / "desktops").glob("*")):
            try:
                spec, status = read_spec(folder), read_status(folder)
            except DesktopError:
                continue  # the desktop is being created or removed
            found.append(
                {
                    "id": spec.session,
                    "user": spec.user,
                    "desktop": spec.desktop,
                    "profile": spec.profile,
                    "state": status.state.value if status else "starting",
                    "error": status.error if status else None,
                    "display": status.display if status else spec.attach,
                    "xauthority": status.xauthority if status else None,
                    "pids": {
                        "supervisor": status.pids.supervisor if status else None,
                        "x_server": status.pids.x_server if status else None,
                        "agent": status.pids.agent if status else None,
                    },
                    "width_px": status.width_px if status else spec.width_px,
                    "height_px": status.height_px if status else spec.height_px,
                    "size": f"{status.width_px}x{status.height_px}"
                    if status
                    else f"{spec.width_px}x{spec.height_px}",
                    "url": instance.url,
                    "folder": str(folder),
                }
            )
    return found
