"""Mounts images of file systems with system calls, so that no path is resolved that somebody could replace.

A folder is named by `/proc/self/fd/N`, which leads to the folder that this process has opened.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import struct
from pathlib import Path

#: linux/loop.h and sys/mount.h.
_LOOP_SET_CAPACITY, _LOOP_GET_STATUS64, _LOOP_CONFIGURE, _LOOP_CTL_GET_FREE = 0x4C07, 0x4C05, 0x4C0A, 0x4C82
_LO_FLAGS_AUTOCLEAR = 4
_MS_NOSUID, _MS_NODEV = 2, 4
_UMOUNT_NOFOLLOW = 8
#: linux/fs.h, and `struct fstrim_range`: start, length, shortest extent.
_FITRIM = 0xC0185879
_TRIM_ALL = struct.pack("=3Q", 0, 2**64 - 1, 0)
#: `struct loop_info64`: the device and inode of the file come first.
_LOOP_INFO = struct.Struct("=5Q4I64s64s32s2Q")
#: `struct loop_config`: the descriptor, the block size (0: the default), the information, reserved fields.
_LOOP_CONFIG = struct.Struct(f"=2I{_LOOP_INFO.size}s64x")
#: Another process may take a free device first; how often another one is tried.
_ATTEMPTS = 20

_libc = ctypes.CDLL(None, use_errno=True)


def _attach(image: int) -> tuple[str, int]:
    """Returns the loop device of an image and a descriptor of it, without which an unused device is released.

    A device that has the image already is used again: two of them would destroy the file system.
    """
    for _ in range(_ATTEMPTS):
        if (path := attached(image)) is not None:
            return path, os.open(path, os.O_RDWR | os.O_CLOEXEC)
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
        try:
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
        finally:
            os.close(control)
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        info = _LOOP_INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, _LO_FLAGS_AUTOCLEAR, b"", b"", b"", 0, 0)
        try:
            fcntl.ioctl(device, _LOOP_CONFIGURE, _LOOP_CONFIG.pack(image, 0, info))
        except OSError as error:
            os.close(device)
            if error.errno != errno.EBUSY:
                error.filename = path
                raise
        else:
            return path, device
    raise OSError(errno.EBUSY, "no loop device is free", "/dev/loop-control")


def attached(image: int) -> str | None:
    """Returns the loop device that has this image, if there is one."""
    wanted = os.fstat(image)
    for entry in Path("/sys/block").glob("loop*/loop"):
        path = f"/dev/{entry.parent.name}"
        try:
            device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            found = _LOOP_INFO.unpack(fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(_LOOP_INFO.size)))
        except OSError:  # it was released meanwhile
            continue
        finally:
            os.close(device)
        if (found[0], found[1]) == (wanted.st_dev, wanted.st_ino):
            return path
    return None


def mount_image(image: int, folder: int, *, kind: str = "ext4") -> str:
    """Mounts an image on an open folder and returns its device, which is released with the mount.

    Raises OSError, for example when the host has no loop devices or the image is damaged.
    """
    path, device = _attach(image)
    try:
        fcntl.ioctl(device, _LOOP_SET_CAPACITY)  # the image may have grown
        target = f"/proc/self/fd/{folder}"
        flags = _MS_NOSUID | _MS_NODEV
        # Else ext4 writes zeros where the image has a hole that reads as zeros: 1.6 % of its size.
        options = b"noinit_itable" if kind == "ext4" else None
        if _libc.mount(path.encode(), target.encode(), kind.encode(), flags, options) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    finally:
        os.close(device)
    return path


def unmount(parent: int, name: str) -> bool:
    """Unmounts what is mounted on a folder, and writes everything to the disk.

    What the file system does not use becomes a hole in its image. Returns whether it was unmounted: False
    while a process uses the mount. Raises OSError.
    """
    root = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        with contextlib.suppress(OSError):  # not every file system can do this
            write_out(root)
            fcntl.ioctl(root, _FITRIM, _TRIM_ALL)
    finally:
        os.close(root)
    if _libc.umount2(f"/proc/self/fd/{parent}/{name}".encode(), _UMOUNT_NOFOLLOW) == 0:
        return True
    code = ctypes.get_errno()
    if code == errno.EBUSY:
        return False
    raise OSError(code, os.strerror(code), name)


def write_out(folder: int) -> None:
    """Writes everything of an open folder's file system to the disk. Raises OSError."""
    if _libc.syncfs(folder) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def is_mount_point(parent: int, name: str) -> bool:
    """Returns whether something else is mounted on a folder. Raises OSError when there is none."""
    inside = os.stat(name, dir_fd=parent, follow_symlinks=False)
    return inside.st_dev != os.fstat(parent).st_dev


def mounted_below(folder: Path) -> list[tuple[str, ...]]:
    """Returns what is mounted below a folder of this process's mount namespace, as the parts of each path."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        path = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split(" ")[4]))
        if path != folder and path.is_relative_to(folder):
            found.append(path.relative_to(folder).parts)
    return found
