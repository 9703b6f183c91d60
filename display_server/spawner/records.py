"""What the spawner writes down about each container, so that the next spawner finds it again.

The record lies in the container's bundle, which only root can write. A pid may meanwhile belong to another
process: a container counts as running only while its init has the recorded pid and start time, since the same
start of the host.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from display_server.process_stat import boot_id, is_same_process, read_stat
from display_server.spawner.messages import RunningContainer

FILE_NAME = "container.json"


class ContainerRecord(msgspec.Struct, frozen=True):
    """A container that was started completely. The next version of the spawner reads it, too."""

    boot_id: str
    container: RunningContainer


def write_record(bundle: Path, container: RunningContainer) -> None:
    """Raises OSError. The file is complete or missing, even if this process is killed meanwhile."""
    scratch = bundle / f".{FILE_NAME}"
    scratch.write_bytes(msgspec.json.encode(ContainerRecord(boot_id(), container)))
    scratch.chmod(0o600)  # it contains the secret of the agent
    scratch.replace(bundle / FILE_NAME)


def running_container(bundle: Path) -> RunningContainer | None:
    """Returns the container of a bundle; None if it has ended, or if its start was never completed."""
    try:
        record = msgspec.json.decode((bundle / FILE_NAME).read_bytes(), type=ContainerRecord)
    except (OSError, msgspec.MsgspecError):
        return None
    container = record.container
    same = is_same_process(container.init_pid, container.init_start_ticks)
    return container if same and record.boot_id == boot_id() else None


def runs_inside(pid: int, container: RunningContainer) -> bool:
    """Returns whether a process runs in the PID namespace of a container, and has not begun to end."""
    stat = read_stat(pid)
    if stat is None or stat.is_ending:
        return False
    try:
        own = Path(f"/proc/{pid}/ns/pid").readlink()
        return own == Path(f"/proc/{container.init_pid}/ns/pid").readlink()
    except OSError:
        return False
