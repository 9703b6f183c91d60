"""Whether the host's clock is kept right, as the kernel knows it (adjtimex(2), without changing anything).

The times of the audit, one-time codes of authenticator apps and certificates depend on it. A program such as
chrony or systemd-timesyncd keeps the clock right and tells the kernel how large the error can be.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

#: What adjtimex returns while nobody keeps the clock right.
_TIME_ERROR = 5
#: A clock that may be off by more counts as wrong, s. Codes of authenticator apps last 30 s.
CLOCK_ERROR_MAX_S = 1.0


class _Timeval(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long))


class _Timex(ctypes.Structure):
    """`struct timex` of the C library on 64-bit Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Timeval),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


@dataclass(frozen=True, slots=True)
class ClockState:
    """What the kernel says about its clock."""

    synchronised: bool
    error_s: float  # the largest error that is possible, if it is synchronised

    @property
    def right(self) -> bool:
        return self.synchronised and self.error_s <= CLOCK_ERROR_MAX_S


def read_clock() -> ClockState | None:
    """Returns the state of the clock; None where the kernel does not tell, as in some containers."""
    timex = _Timex()  # modes 0: read only
    result = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    if result < 0:
        return None
    return ClockState(result != _TIME_ERROR, timex.maxerror / 1e6)
