"""What `lightbox doctor` says about homes and swap: their limits, and what others may read on the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from display_server.config import IsolationConfig
from display_server.spawner.runtime import SEARCH_PATH
from display_server.spawner.subvolumes import is_btrfs

LOOP_CONTROL = Path("/dev/loop-control")
SWAPS = Path("/proc/swaps")
BLOCK_DEVICES = Path("/sys/class/block")
FILE_SYSTEMS = Path("/proc/filesystems")


@dataclass(frozen=True, slots=True)
class StorageFact:
    """One thing about storage. It is only advice unless it is `needed`."""

    name: str
    ok: bool
    found: str
    hint: str = ""
    needed: bool = False
    packages: tuple[str, ...] = ()


def home_limit(isolation: IsolationConfig, *, on_btrfs: bool) -> StorageFact:
    """Says whether homes are limited, and whether this host can do that.

    Homes `on_btrfs` are limited by quota groups, all others by images.
    """
    name = "limit of homes"
    if isolation.home_gb == 0:
        hint = "Set `isolation.home_gb`: one person can fill the disk of all others."
        return StorageFact(name, False, "none", hint)
    limit = f"{isolation.home_gb:g} GiB each"
    if on_btrfs:
        return StorageFact(name, True, f"{limit}, by quota groups of btrfs")
    if shutil.which("mkfs.ext4", path=SEARCH_PATH) is None:
        return StorageFact(
            name, False, "mkfs.ext4 is missing", "apt install e2fsprogs", isolation.enabled, ("e2fsprogs",)
        )
    if not LOOP_CONTROL.exists():
        hint = (
            "Load the kernel module loop, or give the container of Lightbox /dev/loop-control. Homes on "
            "btrfs need none."
        )
        return StorageFact(name, False, "this host has no loop devices", hint)
    return StorageFact(name, True, limit)


def swap(table: str, is_encrypted: Callable[[str], bool]) -> StorageFact:
    """Says where the kernel may write memory of desktops. `table` is the content of /proc/swaps."""
    areas = [line.split()[0] for line in table.splitlines()[1:] if line.strip()]
    plain = [area for area in areas if not is_encrypted(area)]
    if plain:
        return StorageFact(
            "swap",
            False,
            f"{', '.join(plain)} is not encrypted",
            "Pictures of desktops are in memory, and the kernel may write them there. Encrypt swap with a "
            "random key at each start (`swap` in crypttab), use zram, or do without swap.",
        )
    return StorageFact("swap", True, "encrypted or in memory" if areas else "none")


def is_encrypted(area: str) -> bool:
    """Returns whether a swap area is on dm-crypt, or in memory. A swap file counts as not encrypted."""
    device = Path(area).resolve().name
    if device.startswith("zram"):
        return True
    try:
        return (BLOCK_DEVICES / device / "dm" / "uuid").read_text().startswith("CRYPT-")
    except OSError:
        return False


def lies_on_btrfs(folder: Path) -> bool:
    """Returns whether this folder, or the one in which it will be created, is on btrfs."""
    try:
        existing = next(path for path in (folder, *folder.parents) if path.is_dir())
        descriptor = os.open(existing, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:  # the folder is root's, and the finding says that btrfs needs nothing
        return False
    try:
        return is_btrfs(descriptor)
    finally:
        os.close(descriptor)


def examine_storage(isolation: IsolationConfig, homes: Path) -> list[StorageFact]:
    """`homes` is the folder of all homes."""
    try:
        table = SWAPS.read_text()
    except OSError:  # a kernel without swap
        table = ""
    return [home_limit(isolation, on_btrfs=lies_on_btrfs(homes)), swap(table, is_encrypted)]
