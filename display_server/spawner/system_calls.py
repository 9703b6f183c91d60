"""Makes the seccomp filter of a container from the list in `system_calls.toml`."""

from __future__ import annotations

import errno
import platform
import socket
import tomllib
from pathlib import Path
from typing import Any

_LIST = Path(__file__).with_name("system_calls.toml")
#: Architectures by machine, as the runtime names them. A program that makes a call of another one is killed.
#: 32-bit x86 is left out: arguments of its socketcall(2) are in memory, where a filter cannot read them, so
#: that sockets of every family would be allowed.
ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X86_64"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}
#: Address families of sockets. Others, such as raw packets, Netlink audit or VSOCK (which leaves the network
#: namespace), are refused.
SOCKET_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
#: Flags of clone(2) and unshare(2) that create namespaces.
_NEW_MOUNT, _NEW_CGROUP, _NEW_UTS, _NEW_IPC = 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000
_NEW_USER, _NEW_PID, _NEW_NETWORK, _NEW_TIME = 0x1000_0000, 0x2000_0000, 0x4000_0000, 0x0000_0080
#: Those that clone(2) knows. It reads the flag of time namespaces as a part of a signal's number.
NAMESPACE_FLAGS = _NEW_MOUNT | _NEW_CGROUP | _NEW_UTS | _NEW_IPC | _NEW_USER | _NEW_PID | _NEW_NETWORK
#: What the sandboxes of Chromium and Firefox create. They need no namespace of mounts.
BROWSER_NAMESPACES = _NEW_USER | _NEW_PID | _NEW_NETWORK | _NEW_IPC
#: Arguments of personality(2) that programs use: the default, a 32-bit address space, and the query.
PERSONALITIES = (0x0, 0x8, 0xFFFF_FFFF)

# What follows is for desktops with nested namespaces. A program is root of a network namespace that it has
# made there, and could reach the kernel's code for interfaces, routes and packet filters. It gets no socket
# or request that configures a network.

#: The types of sockets of IPv4 and IPv6; raw ones are refused. Flags are outside of the mask.
_SOCKET_TYPE_MASK = 0xF
_SOCKET_TYPES = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
#: The part of an ioctl(2) request that names the kind of device, and its value for sockets and interfaces.
_IOCTL_KIND_BITS, _IOCTL_SOCKETS = range(8, 16), 0x8900
#: Requests of that kind that only read: SIOCATMARK, SIOCGIFNAME, SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFADDR,
#: SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMTU and SIOCGIFINDEX.
_READING_IOCTLS = (0x8905, 0x8910, 0x8912, 0x8913, 0x8915, 0x8919, 0x891B, 0x8921, 0x8933)
_WORD = 0xFFFF_FFFF
#: Levels of socket options at which nothing configures a network. SOL_IP and SOL_IPV6 are not among them: the
#: options that replace the rules of iptables, arptables and ebtables, and of multicast routing, begin at 64.
_OPTION_LEVELS = (socket.SOL_SOCKET, socket.SOL_TCP, socket.SOL_UDP)
_OPTIONS_BELOW_64 = {"index": 2, "op": "SCMP_CMP_MASKED_EQ", "value": _WORD & ~63, "valueTwo": 0}
_IPV6_OPTIONS = (66, 67)  # IPV6_RECVTCLASS and IPV6_TCLASS, of media over UDP


def seccomp_filter(*, nested_namespaces: bool = False) -> dict[str, Any]:
    """Returns the filter as the OCI runtime specification describes it (`linux.seccomp`)."""
    groups: dict[str, str] = tomllib.loads(_LIST.read_text("utf-8"))
    # Of these calls only some arguments are allowed.
    by_argument = groups.pop("configuring").split()
    nested_only = groups.pop("nested_namespaces").split()
    allowed = {name for group in groups.values() for name in group.split()}
    allowed |= set(nested_only if nested_namespaces else by_argument)
    refused = NAMESPACE_FLAGS & ~(BROWSER_NAMESPACES if nested_namespaces else 0)
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.EPERM,
        "architectures": ARCHITECTURES.get(platform.machine(), []),
        "syscalls": [
            {"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"},
            # A filter cannot read the flags of clone3, which are in memory. With ENOSYS the C library falls
            # back to clone, whose flags are in a register.
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
            _allow("clone", _none_of(refused)),
            *(_allow("personality", _equal(0, value)) for value in PERSONALITIES),
            *(_nested_rules() if nested_namespaces else _socket_rules()),
        ],
    }


def _socket_rules() -> list[dict[str, Any]]:
    return [_allow("socket", _equal(0, family)) for family in SOCKET_FAMILIES]


def _nested_rules() -> list[dict[str, Any]]:
    types = [
        {"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": _SOCKET_TYPE_MASK, "valueTwo": int(kind)}
        for kind in _SOCKET_TYPES
    ]
    other_devices = [
        {"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 1 << bit, "valueTwo": ~_IOCTL_SOCKETS & 1 << bit}
        for bit in _IOCTL_KIND_BITS
    ]
    reading = [
        {"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": _WORD, "valueTwo": request}
        for request in _READING_IOCTLS
    ]
    return [
        _allow("unshare", _none_of(_NEW_TIME | NAMESPACE_FLAGS & ~BROWSER_NAMESPACES)),
        _allow("socket", _equal(0, socket.AF_UNIX)),
        *(
            _allow("socket", _equal(0, family), kind)
            for family in (socket.AF_INET, socket.AF_INET6)
            for kind in types
        ),
        *(_allow("ioctl", request) for request in (*other_devices, *reading)),
        *(
            _allow(name, *arguments)
            for name in ("getsockopt", "setsockopt")
            for arguments in (
                *([_equal(1, level)] for level in _OPTION_LEVELS),
                *([_equal(1, level), _OPTIONS_BELOW_64] for level in (socket.SOL_IP, socket.IPPROTO_IPV6)),
                *([_equal(1, socket.IPPROTO_IPV6), _equal(2, option)] for option in _IPV6_OPTIONS),
            )
        ),
    ]


def _equal(index: int, value: int) -> dict[str, Any]:
    return {"index": index, "op": "SCMP_CMP_EQ", "value": int(value)}


def _none_of(flags: int) -> dict[str, Any]:
    return {"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": flags, "valueTwo": 0}


def _allow(name: str, *arguments: dict[str, Any]) -> dict[str, Any]:
    """Allows a call whose arguments have all of these values."""
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": list(arguments)}
