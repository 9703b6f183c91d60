"""Makes the seccomp filter of a container from the list in `system_calls.toml`."""

from __future__ import annotations

import errno
import platform
import socket
import tomllib
from pathlib import Path
from typing import Any

_LIST = Path(__file__).with_name("system_calls.toml")
#: Architectures by machine, as the runtime names them, with those whose programs the kernel also runs.
ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}
#: Address families of sockets. Others, such as raw packets, Netlink audit or VSOCK (which leaves the network
#: namespace), are refused.
SOCKET_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
#: Flags of clone(2) that create namespaces: mount, cgroup, UTS, IPC, user, PID and network.
NAMESPACE_FLAGS = 0x7E02_0000
#: Arguments of personality(2) that programs use: the default, a 32-bit address space, and the query.
PERSONALITIES = (0x0, 0x8, 0xFFFF_FFFF)


def seccomp_filter() -> dict[str, Any]:
    """Returns the filter as the OCI runtime specification describes it (`linux.seccomp`)."""
    groups: dict[str, str] = tomllib.loads(_LIST.read_text("utf-8"))
    allowed = sorted({name for group in groups.values() for name in group.split()})
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.EPERM,
        "architectures": ARCHITECTURES.get(platform.machine(), []),
        "syscalls": [
            {"names": allowed, "action": "SCMP_ACT_ALLOW"},
            # A filter cannot read the flags of clone3, which are in memory. With ENOSYS the C library falls
            # back to clone, whose flags are in a register.
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
            _allow("clone", {"op": "SCMP_CMP_MASKED_EQ", "value": NAMESPACE_FLAGS, "valueTwo": 0}),
            *(_allow("socket", {"op": "SCMP_CMP_EQ", "value": int(family)}) for family in SOCKET_FAMILIES),
            *(_allow("personality", {"op": "SCMP_CMP_EQ", "value": value}) for value in PERSONALITIES),
        ],
    }


def _allow(name: str, argument: dict[str, Any]) -> dict[str, Any]:
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, **argument}]}
