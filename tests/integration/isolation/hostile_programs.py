"""Programs that a malicious program inside a desktop might be, one function each.

A function that returns has succeeded in its attack. It fails by raising OSError, or by being killed. The file
is also a program without dependencies, which runs inside a desktop: `hostile_programs.py NAME FACTS`.
`FACTS` is a JSON object: what an attacker could know at best, such as paths and pids on the host.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
libc = ctypes.CDLL(None, use_errno=True)
#: Numbers of system calls on x86-64 for which the C library has no function.
SYS_ADD_KEY, SYS_KEYCTL, SYS_IO_URING_SETUP, SYS_PERF_EVENT_OPEN, SYS_BPF = 248, 250, 425, 298, 321
SYS_OPEN_BY_HANDLE_AT, SYS_PIDFD_GETFD, SYS_MEMFD_SECRET, SYS_CLONE3 = 304, 438, 447, 435
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWNS = 0x10000000, 0x40000000, 0x20000000, 0x00020000
PTRACE_ATTACH, PTRACE_DETACH = 16, 17


def check(result: int) -> int:
    """Raises OSError when a function of the C library has failed."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


# Files of other people and of the host


def reads_another_home(facts: Facts) -> None:
    Path(facts["neighbour_secret"]).read_text()


def lists_other_homes(facts: Facts) -> None:
    assert list(Path(facts["homes"]).iterdir())


def writes_into_another_home(facts: Facts) -> None:
    file = Path(facts["neighbour_secret"]).with_name("planted")
    file.write_text("planted")
    file.unlink()


def reads_the_database(facts: Facts) -> None:
    Path(facts["database"]).read_bytes()


def reads_the_key_of_the_authority(facts: Facts) -> None:
    Path(facts["authority_key"]).read_bytes()


def changes_the_product(facts: Facts) -> None:
    os.close(os.open(facts["product_file"], os.O_WRONLY | os.O_APPEND))


def writes_to_usr(facts: Facts) -> None:
    file = Path("/usr/lib/lightbox-hostile-program")
    file.touch()
    file.unlink()


def changes_a_configuration_file(facts: Facts) -> None:
    os.close(os.open("/etc/passwd", os.O_WRONLY | os.O_APPEND))


def reads_the_shadow_passwords(facts: Facts) -> None:
    Path("/etc/shadow").read_bytes()


def reaches_the_host_through_the_root_of_a_process(facts: Facts) -> None:
    Path(f"/proc/{facts['host_process']}/root{facts['database']}").read_bytes()


def opens_a_file_by_handle(facts: Facts) -> None:
    handle = ctypes.create_string_buffer(struct.pack("<Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    check(libc.name_to_handle_at(-100, b"/usr", handle, ctypes.byref(mount), 0))
    folder = os.open("/usr", os.O_RDONLY)
    os.close(check(libc.syscall(SYS_OPEN_BY_HANDLE_AT, folder, handle, os.O_RDONLY)))


def makes_a_device_node(facts: Facts) -> None:
    path = Path(facts["scratch"]) / "null"
    os.mknod(path, 0o666 | 0o020000, os.makedev(1, 3))
    path.unlink()


def opens_the_disk(facts: Facts) -> None:
    os.close(os.open(facts["disk"], os.O_RDONLY))


# The framebuffer, the X server and the agent, of this desktop and of others


def reads_another_framebuffer(facts: Facts) -> None:
    with Path(facts["neighbour_framebuffer"]).open("rb") as file:
        assert file.read(1)


def reads_its_own_framebuffer_file(facts: Facts) -> None:
    with Path(facts["framebuffer"]).open("rb") as file:
        assert file.read(1)


def reads_the_specification(facts: Facts) -> None:
    Path(facts["spec"]).read_bytes()


def reads_the_cookie_of_the_agent(facts: Facts) -> None:
    Path(facts["authority"]).read_bytes()


def connects_to_its_agent(facts: Facts) -> None:
    connect_unix(facts["agent_socket"])


def connects_to_another_agent(facts: Facts) -> None:
    connect_unix(facts["neighbour_agent_socket"])


def orders_the_supervisor(facts: Facts) -> None:
    connect_unix(facts["control_socket"])


def connects_to_another_x_server(facts: Facts) -> None:
    """Offers the neighbour's cookie, which is all that its X server asks for."""
    cookie = Path(facts["neighbour_authority"]).read_bytes()[-16:]
    connection = connect_unix(facts["neighbour_x_socket"], keep=True)
    name = b"MIT-MAGIC-COOKIE-1"
    connection.sendall(struct.pack("<BxHHHH2x", ord("l"), 11, 0, len(name), 16) + name + b"\0\0" + cookie)
    if connection.recv(1) != b"\1":
        raise ConnectionRefusedError(111, "the X server refused the cookie")


# Other processes


def sees_processes_of_the_host(facts: Facts) -> None:
    if facts["host_command"] not in commands():
        raise ProcessLookupError(3, "there is no process of the host")


def sees_processes_of_another_desktop(facts: Facts) -> None:
    if facts["neighbour_command"] not in commands():
        raise ProcessLookupError(3, "there is no process of the other desktop")


def reads_the_environment_of_the_agent(facts: Facts) -> None:
    assert Path(f"/proc/{facts['agent']}/environ").read_bytes()


def reads_the_descriptors_of_the_supervisor(facts: Facts) -> None:
    assert os.listdir(f"/proc/{facts['supervisor']}/fd")  # noqa: PTH208 - the first failure counts


def reads_the_memory_of_the_x_server(facts: Facts) -> None:
    os.close(os.open(f"/proc/{facts['x_server']}/mem", os.O_RDONLY))


def traces_the_agent(facts: Facts) -> None:
    check(libc.ptrace(PTRACE_ATTACH, facts["agent"], None, None))
    os.waitpid(facts["agent"], 0x40000000)
    check(libc.ptrace(PTRACE_DETACH, facts["agent"], None, None))


def traces_a_process_of_its_own(facts: Facts) -> None:
    """Needs no right of another user: only the filter of system calls refuses it."""
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    try:
        check(libc.ptrace(PTRACE_ATTACH, child, None, None))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def steals_a_descriptor_of_the_supervisor(facts: Facts) -> None:
    process = os.pidfd_open(facts["supervisor"])
    os.close(check(libc.syscall(SYS_PIDFD_GETFD, process, 2, 0)))


def signals_the_agent(facts: Facts) -> None:
    os.kill(facts["agent"], signal.SIGCONT)  # harmless, and allowed exactly if SIGKILL is


def signals_the_supervisor(facts: Facts) -> None:
    os.kill(facts["supervisor"], signal.SIGCONT)


def signals_the_init(facts: Facts) -> None:
    os.kill(1, signal.SIGCONT)


def signals_the_x_server_of_another_desktop(facts: Facts) -> None:
    if facts["neighbour_command"] not in commands():
        raise ProcessLookupError(3, "there is no process of the other desktop")
    os.kill(facts["neighbour_x_server"], signal.SIGCONT)


def lowers_its_nice_value(facts: Facts) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, -10)


def runs_in_real_time(facts: Facts) -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


# Namespaces, privileges and the kernel


def becomes_root(facts: Facts) -> None:
    os.setuid(0)


def gains_privileges_from_a_program(facts: Facts) -> None:
    """`su` is installed with the set-user-ID bit."""
    shell = subprocess.run(["/usr/bin/su", "-c", "id -u"], stdin=subprocess.DEVNULL, capture_output=True)
    if shell.stdout.strip() != b"0":
        raise PermissionError(1, "no privilege was gained")


def makes_a_user_namespace(facts: Facts) -> None:
    in_a_child(lambda: check(libc.unshare(CLONE_NEWUSER)))


def makes_a_user_namespace_with_clone3(facts: Facts) -> None:
    """The flags are in memory, where a filter of system calls cannot see them."""
    arguments = ctypes.create_string_buffer(
        struct.pack("<8Q", CLONE_NEWUSER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    )
    pid = check(libc.syscall(SYS_CLONE3, arguments, 64))
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def makes_a_pid_namespace(facts: Facts) -> None:
    in_a_child(lambda: check(libc.unshare(CLONE_NEWPID)))


def makes_a_network_namespace(facts: Facts) -> None:
    in_a_child(lambda: check(libc.unshare(CLONE_NEWNET)))


def enters_the_namespaces_of_a_process_of_the_host(facts: Facts) -> None:
    def enter() -> None:
        with Path(f"/proc/{facts['host_process']}/ns/net").open() as namespace:
            check(libc.setns(namespace.fileno(), 0))

    in_a_child(enter)


def mounts_a_file_system(facts: Facts) -> None:
    target = Path(facts["scratch"])
    check(libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", 0, None))
    check(libc.umount2(os.fsencode(target), 0))


def changes_its_root(facts: Facts) -> None:
    in_a_child(lambda: os.chroot("/"))


def changes_the_host_name(facts: Facts) -> None:
    name = socket.gethostname().encode()
    check(libc.sethostname(name, len(name)))


def writes_a_kernel_setting(facts: Facts) -> None:
    file = Path("/proc/sys/kernel/core_pattern")
    file.write_text(file.read_text())


def reads_the_log_of_the_kernel(facts: Facts) -> None:
    check(libc.klogctl(10, None, 0))


def loads_a_bpf_program(facts: Facts) -> None:
    """Creates a map: the smallest thing that bpf(2) can do."""
    attributes = ctypes.create_string_buffer(struct.pack("<5I", 2, 4, 4, 1, 0) + bytes(100))
    os.close(check(libc.syscall(SYS_BPF, 0, attributes, 120)))


def measures_the_whole_host(facts: Facts) -> None:
    """Opens a performance counter of all processes on processor 0."""
    attributes = ctypes.create_string_buffer(struct.pack("<IIQ", 1, 112, 0) + bytes(96))
    os.close(check(libc.syscall(SYS_PERF_EVENT_OPEN, attributes, -1, 0, -1, 0)))


def uses_io_uring(facts: Facts) -> None:
    parameters = ctypes.create_string_buffer(120)
    os.close(check(libc.syscall(SYS_IO_URING_SETUP, 1, parameters)))


def adds_a_key_to_a_keyring(facts: Facts) -> None:
    check(libc.syscall(SYS_ADD_KEY, b"user", b"lightbox-hostile", b"x", 1, -3))


def joins_a_keyring_of_the_session(facts: Facts) -> None:
    check(libc.syscall(SYS_KEYCTL, 1, b"lightbox-hostile"))


# Memory that is shared between processes


def attaches_the_shared_memory_of_another_desktop(facts: Facts) -> None:
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(facts["neighbour_shm"], None, 0o10000)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "shmat failed")


def opens_posix_shared_memory_of_the_host(facts: Facts) -> None:
    os.close(os.open(f"/dev/shm/{facts['posix_shm']}", os.O_RDONLY))


# The network


def connects_to_a_port_of_the_host(facts: Facts) -> None:
    socket.create_connection(("127.0.0.1", facts["host_port"]), timeout=5).close()


def connects_to_a_port_of_the_host_by_ipv6(facts: Facts) -> None:
    socket.create_connection(("::1", facts["host_port_v6"]), timeout=5).close()


def connects_to_an_address_of_the_host(facts: Facts) -> None:
    socket.create_connection((facts["host_address"], facts["host_any_port"]), timeout=5).close()


def sends_a_datagram_to_the_host(facts: Facts) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((facts["host_address"], facts["host_datagram_port"]))
        sender.send(b"hostile")


def connects_to_another_host(facts: Facts) -> None:
    socket.create_connection((facts["other_host"], facts["other_host_port"]), timeout=5).close()


def connects_to_a_port_of_another_desktop(facts: Facts) -> None:
    socket.create_connection(("127.0.0.1", facts["neighbour_port"]), timeout=5).close()


def connects_to_an_abstract_socket_of_the_host(facts: Facts) -> None:
    connect_unix("\0" + facts["abstract_socket"])


def connects_to_an_abstract_socket_of_another_desktop(facts: Facts) -> None:
    connect_unix("\0" + facts["neighbour_abstract_socket"])


def opens_a_raw_socket(facts: Facts) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def opens_a_packet_socket(facts: Facts) -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


def connects_to_the_hypervisor(facts: Facts) -> None:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()


# What a desktop may use


def forks_too_often(facts: Facts) -> None:
    children: list[int] = []
    try:
        for _ in range(facts["processes"]):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def takes_too_much_memory(facts: Facts) -> None:
    size = facts["memory_mb"] * 2**20
    memory = mmap.mmap(-1, size)
    for offset in range(0, size, resource.getpagesize()):
        memory[offset] = 1
    memory.close()


def fills_the_folder_of_temporary_files(facts: Facts) -> None:
    fill(Path("/tmp/lightbox-hostile-file"), facts["temporary_mb"])


def fills_shared_memory(facts: Facts) -> None:
    fill(Path("/dev/shm/lightbox-hostile-file"), facts["temporary_mb"])


# Parts of the programs above


def connect_unix(path: str, *, keep: bool = False) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(5)
    connection.connect(path)
    if not keep:
        connection.close()
    return connection


def commands() -> str:
    """Returns the command lines of all processes that can be seen."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue  # it has ended
    return "\n".join(found)


def in_a_child(attack: Callable[[], object]) -> None:
    """Attacks in a child, because success would change the process itself."""
    child = os.fork()
    if child == 0:
        try:
            attack()
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        raise OSError(code, os.strerror(code))


def fill(file: Path, size_mb: int) -> None:
    try:
        with file.open("wb") as output:
            for _ in range(size_mb):
                output.write(bytes(2**20))
    finally:
        file.unlink(missing_ok=True)


PROGRAMS: dict[str, Callable[[Facts], None]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value)
    and getattr(value, "__module__", None) == __name__
    and name not in ("check", "connect_unix", "commands", "in_a_child", "fill")
}

if __name__ == "__main__":
    try:
        PROGRAMS[sys.argv[1]](json.loads(sys.argv[2]))
    except OSError as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(1)
    print("succeeded")
