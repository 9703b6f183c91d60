"""The list of running desktops, read from the files that server processes and supervisors write.

It needs no connection to a server process, so that `lightbox sessions` works whether or not one runs. Only
the size is asked from the X server, because programs and viewers change it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from display_server.broker.container_processes import ContainerPids, container_processes
from display_server.broker.folders import Instance, StateFolder, find_instances, list_instances
from display_server.broker.lasting_folder import LastingFolder, lasting_folders
from display_server.desktop.spec import read_spec, read_status
from display_server.desktop.x11.screen_size import screen_size
from display_server.errors import DesktopError
from display_server.spawner.records import running_container

#: The processes of a desktop that are listed with their pids on this host.
PROCESSES = ("supervisor", "x_server", "agent")


def running_desktops(state_folder: Path) -> list[dict[str, Any]]:
    """Describes every running desktop of this state folder, as `lightbox sessions --json` prints it."""
    if not state_folder.is_dir():
        return []
    return _describe(list_instances(StateFolder(state_folder)), [LastingFolder.of(state_folder)])


def all_running_desktops() -> list[dict[str, Any]]:
    """Does the same for all servers of this user, whatever their state folder; for root, of all users."""
    return _describe(find_instances(), lasting_folders())


def _describe(instances: Iterable[Instance], lasting: Iterable[LastingFolder]) -> list[dict[str, Any]]:
    """Describes the desktops of servers, and those in the lasting folders that run without a server."""
    urls: dict[Path, str | None] = {instance.desktops_folder: instance.url for instance in instances}
    for lasting_folder in lasting:
        urls.setdefault(lasting_folder.desktops, None)
    found = []
    containers: dict[str, ContainerPids] | None = None
    for desktops, url in urls.items():
        for folder in _subfolders(desktops):
            if url is None and not _is_running(folder):
                continue
            try:
                spec, status = read_spec(folder), read_status(folder)
            except DesktopError:
                continue  # the desktop is being created or removed
            pids: dict[str, int | None] = {
                name: getattr(status.pids, name) if status else None for name in PROCESSES
            }
            if spec.isolated:
                if containers is None:
                    containers = container_processes()
                on_host = containers.get(spec.session, {})
                pids = {name: on_host.get(pid) if pid else None for name, pid in pids.items()}
            size = (
                screen_size(status.display, _path(status.xauthority))
                if status and status.display and not spec.isolated  # its X server is in the container alone
                else None
            )
            found.append(
                {
                    "id": spec.session,
                    "user": spec.user,
                    "desktop": spec.desktop,
                    "profile": spec.profile,
                    "keeps_home": spec.keeps_home,
                    "state": status.state.value if status else "starting",
                    "error": status.error if status else None,
                    "isolated": spec.isolated,
                    "display": status.display if status else spec.attach,
                    "xauthority": status.xauthority if status else None,
                    "pids": pids,
                    "width_px": size[0] if size else None,
                    "height_px": size[1] if size else None,
                    "size": f"{size[0]}x{size[1]}" if size else None,
                    "url": url,
                    "folder": str(folder),
                }
            )
    return found


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # it does not exist, or it belongs to another user
        return []


def _is_running(folder: Path) -> bool:
    """Returns whether an isolated desktop without a server runs. Only root can find this out."""
    bundle = folder.parent.parent / "bundles" / folder.name
    return not os.access(bundle.parent, os.R_OK) or running_container(bundle) is not None


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None
