"""Gives one user of the host, who is not root, access to what a container owns.

An access control list does that without a group or a mode that lets others in.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

#: The extended attribute with a file's access control list, and its format (linux/posix_acl_xattr.h).
_ATTRIBUTE = "system.posix_acl_access"
_VERSION = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")  # whom it means, read (4), write (2) and enter (1), and the user's id
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFF_FFFF


def admit(path: Path, uid: int, rights: int) -> None:
    """Lets `uid` use the file or folder with these rights, besides those whom its mode lets in.

    Raises OSError, for example on a file system without access control lists.
    """
    mode = path.stat().st_mode
    owner, group, others = mode >> 6 & 7, mode >> 3 & 7, mode & 7
    entries = (
        (_OWNER, owner, _NO_ID),
        (_USER, rights, uid),
        (_GROUP, group, _NO_ID),
        (_MASK, group | rights, _NO_ID),
        (_OTHERS, others, _NO_ID),
    )
    os.setxattr(path, _ATTRIBUTE, _VERSION.pack(2) + b"".join(_ENTRY.pack(*entry) for entry in entries))
