"""Subvolumes of btrfs and the quota groups that limit them, by the system calls of linux/btrfs.h."""

from __future__ import annotations

import fcntl
import os
import struct

_FS_INFO, _SUBVOL_CREATE, _QUOTA_CTL, _QGROUP_LIMIT = 0x8400941F, 0x5000940E, 0xC0109428, 0x8030942B
_QUOTA_CTL_ENABLE = 1
#: `struct btrfs_ioctl_vol_args`: a descriptor and a name.
_VOL_ARGS = struct.Struct("=q4088s")
#: `struct btrfs_ioctl_ino_lookup_args`: number of the subvolume, inode, name.
_INO_LOOKUP, _LOOKUP = 0xD0009412, struct.Struct("=2Q4080s")
#: `struct btrfs_ioctl_qgroup_limit_args`: group (that of a subvolume has its number), flags, four limits.
_LIMIT_ARGS = struct.Struct("=6Q")
#: Limits what the subvolume refers to; the largest number removes the limit.
_LIMIT_MAX_RFER = 1
_NO_LIMIT = 2**64 - 1
#: The inode of every subvolume's root.
_ROOT_INODE = 256


def is_btrfs(folder: int) -> bool:
    try:
        fcntl.ioctl(folder, _FS_INFO, bytes(1024))
    except OSError:
        return False
    return True


def is_subvolume(folder: int) -> bool:
    return os.fstat(folder).st_ino == _ROOT_INODE and is_btrfs(folder)


def create_subvolume(parent: int, name: str) -> None:
    """Raises OSError."""
    fcntl.ioctl(parent, _SUBVOL_CREATE, bytearray(_VOL_ARGS.pack(0, name.encode())))


def limit_subvolume(parent: int, folder: int, size: int | None) -> None:
    """Limits an open subvolume to a number of bytes, or lifts the limit. Raises OSError.

    The limit is set through another folder of the file system: a full subvolume takes no changes.
    """
    lookup = bytearray(_LOOKUP.pack(0, _ROOT_INODE, b""))
    fcntl.ioctl(folder, _INO_LOOKUP, lookup)
    group = _LOOKUP.unpack(lookup)[0]
    fcntl.ioctl(parent, _QUOTA_CTL, struct.pack("=2Q", _QUOTA_CTL_ENABLE, 0))  # nothing if they are enabled
    limit = _NO_LIMIT if size is None else size
    fcntl.ioctl(parent, _QGROUP_LIMIT, _LIMIT_ARGS.pack(group, _LIMIT_MAX_RFER, limit, 0, 0, 0))
