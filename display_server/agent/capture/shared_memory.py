"""System V shared memory, the kind that the MIT-SHM extension attaches by its numeric id."""

from __future__ import annotations

import ctypes
import os

import numpy as np
from numpy.typing import NDArray

from display_server.errors import CaptureError

_IPC_PRIVATE, _IPC_RMID = 0, 0
#: Only this user may attach the segment.
_MODE = 0o600
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmget.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_int)
_libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_libc.shmat.restype = ctypes.c_void_p
_libc.shmdt.argtypes = (ctypes.c_void_p,)
_libc.shmctl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


class SharedMemory:
    """One private segment. Call `mark_removed` as soon as the other process has attached it by `segment_id`.

    The kernel then frees the segment when its last user detaches or dies.
    """

    def __init__(self, size_bytes: int) -> None:
        """Raises CaptureError when the kernel grants no segment of this size."""
        self.segment_id: int = _libc.shmget(_IPC_PRIVATE, size_bytes, _MODE)
        if self.segment_id < 0:
            reason = os.strerror(ctypes.get_errno())
            raise CaptureError(f"No shared memory of {size_bytes} bytes is available: {reason}.")
        self._address: int | None = _libc.shmat(self.segment_id, None, 0)
        if self._address == _FAILED:
            reason = os.strerror(ctypes.get_errno())
            self._address = None
            self.mark_removed()
            raise CaptureError(f"Shared memory cannot be attached: {reason}.")
        assert self._address is not None
        self.bytes: NDArray[np.uint8] = np.frombuffer(
            memoryview((ctypes.c_uint8 * size_bytes).from_address(self._address)), np.uint8
        )

    def mark_removed(self) -> None:
        """Removes the id: from now on the segment lives only as long as a process has it attached."""
        _libc.shmctl(self.segment_id, _IPC_RMID, None)

    def close(self) -> None:
        """Detaches the segment. Views of `bytes` must no longer be used. Safe to call twice."""
        if self._address is not None:
            self.bytes = np.zeros(0, np.uint8)
            _libc.shmdt(self._address)
            self._address = None
