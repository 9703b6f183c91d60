"""Programs that use a namespace of their own, as a browser's sandbox does, to reach more than they may.

As in `hostile_programs.py`, a function that returns has succeeded, and one that is refused raises OSError.
The file is a program without dependencies, too: `nested_programs.py NAME FACTS`.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
libc = ctypes.CDLL(None, use_errno=True)
#: Numbers of system calls on x86-64 for which the C library has no function.
SYS_ADD_KEY, SYS_IO_URING_SETUP, SYS_PERF_EVENT_OPEN, SYS_OPEN_TREE, SYS_FSOPEN = 248, 425, 298, 428, 430
NEW_USER, NEW_MOUNT, NEW_UTS, NEW_PID, NEW_NETWORK = (
    0x10000000,
    0x00020000,
    0x04000000,
    0x20000000,
    0x40000000,
)
MS_BIND = 0x1000
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
RTM_NEWLINK = 16
#: NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL and NLM_F_CREATE.
NEW_LINK_FLAGS = 0x1 | 0x4 | 0x200 | 0x400
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def check(result: int) -> int:
    """Raises OSError when a function of the C library has failed."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def as_root_of_a_namespace(attack: Callable[[], object], flags: int = 0) -> None:
    """Attacks in a child that is root of a new namespace of users, and of the others that `flags` name."""
    uid, gid = os.geteuid(), os.getegid()

    def enter() -> None:
        check(libc.unshare(NEW_USER | flags))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        attack()

    in_a_child(enter)


def in_a_child(attack: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        try:
            attack()
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        raise OSError(abs(code), os.strerror(abs(code)))


# Mounts


def mounts_a_memory_file_system_over_usr(facts: Facts) -> None:
    as_root_of_a_namespace(lambda: check(libc.mount(b"x", b"/usr", b"tmpfs", 0, None)), NEW_MOUNT)


def mounts_an_overlay_over_usr(facts: Facts) -> None:
    scratch = facts["scratch"]

    def mount() -> None:
        check(libc.mount(b"x", os.fsencode(scratch), b"tmpfs", 0, None))
        for name in ("upper", "work"):
            Path(scratch, name).mkdir()
        options = f"lowerdir=/usr,upperdir={scratch}/upper,workdir={scratch}/work,userxattr"
        check(libc.mount(b"x", b"/usr", b"overlay", 0, options.encode()))

    as_root_of_a_namespace(mount, NEW_MOUNT)


def mounts_another_proc(facts: Facts) -> None:
    """A new one has neither the masks nor the read-only parts of the container's."""

    def mount() -> None:
        in_a_child(lambda: check(libc.mount(b"x", os.fsencode(facts["scratch"]), b"proc", 0, None)))

    as_root_of_a_namespace(mount, NEW_MOUNT | NEW_PID)


def puts_a_file_over_the_list_of_users(facts: Facts) -> None:
    own = Path(facts["scratch"]) / "passwd"
    own.write_text("root::0:0::/:/bin/sh\n")
    mount = (os.fsencode(own), b"/etc/passwd", None, MS_BIND, None)
    as_root_of_a_namespace(lambda: check(libc.mount(*mount)), NEW_MOUNT)


def mounts_without_mount(facts: Facts) -> None:
    """The newer system calls for the same purpose."""
    as_root_of_a_namespace(lambda: os.close(check(libc.syscall(SYS_FSOPEN, b"tmpfs", 0))), NEW_MOUNT)


def copies_a_mount(facts: Facts) -> None:
    path = (-100, b"/", 0x8001)  # AT_FDCWD, AT_RECURSIVE and OPEN_TREE_CLONE
    as_root_of_a_namespace(lambda: os.close(check(libc.syscall(SYS_OPEN_TREE, *path))), NEW_MOUNT)


# Other ids and other namespaces


def reads_the_specification_as_root_of_a_namespace(facts: Facts) -> None:
    as_root_of_a_namespace(lambda: Path(facts["spec"]).read_bytes())


def reads_the_framebuffer_as_root_of_a_namespace(facts: Facts) -> None:
    as_root_of_a_namespace(lambda: Path(facts["framebuffer"]).open("rb").close())


def signals_the_agent_as_root_of_a_namespace(facts: Facts) -> None:
    as_root_of_a_namespace(lambda: os.kill(facts["agent"], signal.SIGCONT))


def gives_itself_the_ids_of_others(facts: Facts) -> None:
    """Maps more ids than its own into a new namespace. The parent, which has the right, does it."""
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        libc.unshare(NEW_USER)
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os._exit(0)
    try:
        os.read(ready[0], 1)
        Path(f"/proc/{child}/uid_map").write_text("0 0 1\n1000 1000 2")
    finally:
        os.write(go[1], b"x")
        os.waitpid(child, 0)


def enters_the_network_of_the_supervisor(facts: Facts) -> None:
    """Only the network, so that a namespace of its own would help if setns were allowed."""

    def enter() -> None:
        with Path("/proc/self/ns/net").open() as namespace:
            check(libc.unshare(NEW_NETWORK))
            check(libc.setns(namespace.fileno(), 0))

    in_a_child(enter)


def changes_the_host_name_of_a_namespace(facts: Facts) -> None:
    as_root_of_a_namespace(lambda: check(libc.sethostname(b"x", 1)), NEW_UTS)


def makes_more_namespaces_than_the_limit(facts: Facts) -> None:
    def many() -> None:
        held = []
        for _ in range(facts["namespaces"]):
            check(libc.unshare(NEW_NETWORK))
            held.append(os.open("/proc/self/ns/net", os.O_RDONLY))

    as_root_of_a_namespace(many)


# The kernel's network, of which the program is root


def makes_a_network_interface(facts: Facts) -> None:
    """A pair of virtual interfaces, by Netlink."""

    def make() -> None:
        kind = attribute(1, b"veth\0")  # IFLA_INFO_KIND
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(18, kind)  # ifinfomsg and IFLA_LINKINFO
        request = struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NEW_LINK_FLAGS, 1, 0) + body
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as netlink:
            netlink.bind((0, 0))
            netlink.send(request)
            error = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
        if error:
            raise OSError(-error, os.strerror(-error))

    as_root_of_a_namespace(make, NEW_NETWORK)


def configures_a_network_interface(facts: Facts) -> None:
    """Switches the loopback interface on, without Netlink."""

    def switch() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            request = struct.pack("16sH14x", b"lo", 0)
            flags = struct.unpack_from("H", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request), 16)[0]
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))

    as_root_of_a_namespace(switch, NEW_NETWORK)


def opens_the_packet_filter(facts: Facts) -> None:
    """The socket through which nftables is configured."""
    as_root_of_a_namespace(
        lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER).close(), NEW_NETWORK
    )


def opens_a_raw_socket_in_its_own_network(facts: Facts) -> None:
    as_root_of_a_namespace(
        lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(), NEW_NETWORK
    )


def opens_a_packet_socket_in_its_own_network(facts: Facts) -> None:
    as_root_of_a_namespace(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close(), NEW_NETWORK)


# Other parts of the kernel


def adds_a_key_as_root_of_a_namespace(facts: Facts) -> None:
    as_root_of_a_namespace(
        lambda: check(libc.syscall(SYS_ADD_KEY, b"user", b"lightbox-hostile", b"x", 1, -2))
    )


def uses_io_uring_as_root_of_a_namespace(facts: Facts) -> None:
    parameters = ctypes.create_string_buffer(120)
    as_root_of_a_namespace(lambda: os.close(check(libc.syscall(SYS_IO_URING_SETUP, 1, parameters))))


def measures_itself_as_root_of_a_namespace(facts: Facts) -> None:
    """Opens a software counter of its own process, which needs the fewest rights."""
    attributes = ctypes.create_string_buffer(struct.pack("<IIQ", 1, 112, 0) + bytes(24) + b"\x60" + bytes(71))
    as_root_of_a_namespace(
        lambda: os.close(check(libc.syscall(SYS_PERF_EVENT_OPEN, attributes, 0, -1, -1, 0)))
    )


def attribute(kind: int, value: bytes) -> bytes:
    """Returns an attribute of a Netlink message."""
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(-length % 4)


PROGRAMS: dict[str, Callable[[Facts], None]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value)
    and getattr(value, "__module__", None) == __name__
    and name not in ("check", "as_root_of_a_namespace", "in_a_child", "attribute")
}

if __name__ == "__main__":
    signal.alarm(60)  # a refused step must not leave a process behind
    try:
        PROGRAMS[sys.argv[1]](json.loads(sys.argv[2]))
    except OSError as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(1)
    print("succeeded")
