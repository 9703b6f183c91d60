"""A System V shared memory segment that nobody else can find: the only kind that MIT-SHM takes by number."""

from __future__ import annotations

import ctypes
import os

import numpy as np
from numpy.typing import NDArray

from display_server.errors import CaptureError

_IPC_PRIVATE, _IPC_RMID = 0, 0
_MODE = 0o600
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmget.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_int)
_libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_libc.shmat.restype = ctypes.c_void_p
_libc.shmdt.argtypes = (ctypes.c_void_p,)
_libc.shmctl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


class SharedMemory:
    """Life: make ─► the other side attaches `number` ─► `forget` ─► `close`.

    Forgotten, it vanishes with its last user, however that ends.
    """

    def __init__(self, size_bytes: int) -> None:
        """Raises CaptureError."""
        self.number: int = _libc.shmget(_IPC_PRIVATE, size_bytes, _MODE)
        if self.number < 0:
            raise CaptureError(f"No shared memory of {size_bytes} bytes: {os.strerror(ctypes.get_errno())}.")
        self._address: int | None = _libc.shmat(self.number, None, 0)
        if self._address == _FAILED:
            reason = os.strerror(ctypes.get_errno())
            self._address = None
            self.forget()
            raise CaptureError(f"Shared memory cannot be attached: {reason}.")
        assert self._address is not None
        self.bytes: NDArray[np.uint8] = np.frombuffer(
            memoryview((ctypes.c_uint8 * size_bytes).from_address(self._address)), np.uint8
        )

    def forget(self) -> None:
        """Takes away its number: from now on it lives only as long as somebody has it attached."""
        _libc.shmctl(self.number, _IPC_RMID, None)

    def close(self) -> None:
        """Views of `bytes` must not be used any more. Safe to call twice."""
        if self._address is not None:
            self.bytes = np.zeros(0, np.uint8)
            _libc.shmdt(self._address)
            self._address = None
