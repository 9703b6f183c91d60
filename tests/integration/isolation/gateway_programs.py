"""What somebody tries who has taken over the gateway: each attempt raises PermissionError, or succeeds.

The program runs by itself, as a user of the host: `python gateway_programs.py FACTS`, which are JSON. It
prints JSON as well: for each attempt `succeeded`, or the error.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
PIDFD_GETFD = 438  # the number of the system call, on every architecture
libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def read(path: str) -> None:
    with Path(path).open("rb") as file:
        file.read(1)


def enter(path: str) -> None:
    list(Path(path).iterdir())


def connect(path: str) -> None:
    kind = socket.SOCK_SEQPACKET if path.endswith(("agents.sock", "host.sock")) else socket.SOCK_STREAM
    with socket.socket(socket.AF_UNIX, kind) as connection:
        connection.connect(path)


def signal(pid: int) -> None:
    os.kill(pid, 0)


def trace(pid: int) -> None:
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    checked(libc.ptrace(PTRACE_SEIZE, pid, None, None))


def first_address(pid: int) -> int:
    with Path(f"/proc/{pid}/maps").open() as file:
        return int(next(line for line in file if " r" in line).split("-")[0], 16)


def memory(pid: int) -> None:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        file.seek(first_address(pid))
        file.read(16)


class IoVector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def copied_memory(pid: int) -> None:
    """Address 0 is not mapped: whoever may read memory gets EFAULT, and others EPERM."""
    buffer = ctypes.create_string_buffer(16)
    here = IoVector(ctypes.cast(buffer, ctypes.c_void_p), 16)
    there = IoVector(0, 16)
    try:
        checked(libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
    except OSError as error:
        if isinstance(error, PermissionError):
            raise


def descriptor(pid: int) -> None:
    pidfd = os.pidfd_open(pid)
    os.close(checked(libc.syscall(PIDFD_GETFD, pidfd, 2, 0)))


def descriptors(pid: int) -> None:
    enter(f"/proc/{pid}/fd")


def environment(pid: int) -> None:
    read(f"/proc/{pid}/environ")


def attempts(facts: dict[str, Any]) -> dict[str, Callable[[], None]]:
    found: dict[str, Callable[[], None]] = {}
    for kind, attempt in (("files", read), ("folders", enter), ("sockets", connect)):
        for path in facts[kind]:
            found[f"{attempt.__name__} {path}"] = functools.partial(attempt, path)
    for role, pid in facts["processes"].items():
        for one in (signal, memory, copied_memory, descriptor, descriptors, environment, trace):
            found[f"{one.__name__} of {role}"] = functools.partial(one, pid)
    return found


def main() -> None:
    results = {}
    for name, attempt in attempts(json.loads(sys.argv[1])).items():
        try:
            attempt()
            results[name] = "succeeded"
        except OSError as error:
            results[name] = type(error).__name__
    print(json.dumps(results))


if __name__ == "__main__":
    main()
