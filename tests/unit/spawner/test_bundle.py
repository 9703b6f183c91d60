from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from display_server.spawner import layout
from display_server.spawner.bundle import Container, configuration, supervisor_process, write_root
from display_server.spawner.messages import Limits
from display_server.spawner.system_calls import seccomp_filter

FIRST_ID = 0x7000_0000
REFUSED_CALLS = """
mount umount2 unshare setns pivot_root chroot ptrace process_vm_readv keyctl add_key request_key bpf
perf_event_open io_uring_setup userfaultfd open_by_handle_at init_module kexec_load reboot swapon
clock_settime settimeofday sethostname syslog quotactl open_tree fsopen
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host with merged /usr, as all newer distributions have it, and with secrets outside of it."""
    root = tmp_path / "host"
    for folder in (
        "usr/bin",
        "usr/lib",
        "etc/fonts",
        "etc/ssl/private",
        "etc/ssl/certs",
        "home",
        "root",
        "var",
    ):
        (root / folder).mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    (root / "etc/shadow").write_text("root:secret")
    (root / "etc/localtime").symlink_to("../usr/lib")
    return root


def container(tmp_path: Path, **changes: Any) -> Container:
    fields: dict[str, Any] = {
        "session": "abc",
        "person_name": "kim",
        "hostname": "office",
        "first_id": FIRST_ID,
        "limits": Limits(),
        "home": tmp_path / "homes/kim/office",
        "folder": tmp_path / "desktops/abc",
        "product": (tmp_path / "product",),
        "command": ("python", "-m", "display_server.supervisor"),
        "environment": {"PATH": "/usr/bin"},
    }
    return Container(**(fields | changes))


def mounts(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {mount["destination"]: mount for mount in description["mounts"]}


def test_only_the_home_and_the_desktops_folder_are_writable_parts_of_the_host(
    tmp_path: Path, host: Path
) -> None:
    binds = {
        target: mount
        for target, mount in mounts(configuration(container(tmp_path), host)).items()
        if mount["type"] == "bind"
    }
    writable = {target for target, mount in binds.items() if "ro" not in mount["options"]}
    assert writable == {"/home/kim", layout.DESKTOP_FOLDER}
    assert {"/usr", "/etc/fonts", "/etc/ssl/certs"} <= binds.keys()
    for mount in binds.values():
        options = {option.removeprefix("r") for option in mount["options"]}
        assert {"nosuid", "nodev"} <= options


def test_no_secret_of_the_host_is_shared(tmp_path: Path, host: Path) -> None:
    shared = {
        target
        for target, mount in mounts(configuration(container(tmp_path), host)).items()
        if mount["type"] == "bind"
    }
    own = {"/home/kim", layout.DESKTOP_FOLDER}
    for target in shared - own:
        assert not target.startswith(("/home", "/root", "/var", "/run", "/proc", "/sys", "/dev")), target
    for secret in ("/etc", "/etc/shadow", "/etc/ssl", "/etc/ssl/private", "/etc/passwd"):
        assert secret not in shared


def test_users_inside_are_users_of_the_desktops_range_outside(tmp_path: Path, host: Path) -> None:
    linux = configuration(container(tmp_path), host)["linux"]
    expected = [
        {"containerID": 0, "hostID": FIRST_ID, "size": 1},
        {"containerID": layout.PERSON_ID, "hostID": FIRST_ID + 1, "size": 1},
        {"containerID": layout.DISPLAY_ID, "hostID": FIRST_ID + 2, "size": 1},
    ]
    assert linux["uidMappings"] == linux["gidMappings"] == expected
    assert len(expected) <= layout.IDS_PER_DESKTOP


def test_every_namespace_is_a_new_one(tmp_path: Path, host: Path) -> None:
    namespaces = configuration(container(tmp_path), host)["linux"]["namespaces"]
    assert all(namespace.keys() == {"type"} for namespace in namespaces)
    assert {namespace["type"] for namespace in namespaces} >= {
        "user",
        "pid",
        "ipc",
        "uts",
        "mount",
        "network",
    }


def test_init_has_no_capability_and_the_supervisor_the_named_ones(tmp_path: Path, host: Path) -> None:
    init = configuration(container(tmp_path), host)["process"]
    assert set(map(tuple, init["capabilities"].values())) == {()}
    supervisor = supervisor_process(container(tmp_path))
    assert supervisor["capabilities"]["bounding"] == list(layout.SUPERVISOR_CAPABILITIES)
    assert supervisor["capabilities"]["ambient"] == []
    assert init["noNewPrivileges"]
    assert supervisor["noNewPrivileges"]


def test_limits_reach_the_description(tmp_path: Path, host: Path) -> None:
    limits = Limits(memory_mb=512, processes=100, cpu_percent=150, temporary_mb=64)
    description = configuration(container(tmp_path, limits=limits), host)
    resources = description["linux"]["resources"]
    assert resources["memory"]["limit"] == 512 * 2**20
    assert resources["pids"]["limit"] == 100
    assert resources["cpu"] == {"quota": 150_000, "period": 100_000}
    for target in ("/tmp", "/dev/shm"):
        assert "size=64m" in mounts(description)[target]["options"]


@pytest.mark.parametrize(("processes", "of_programs"), [(1024, 960), (64, 32)])
def test_programs_leave_processes_to_the_display(tmp_path: Path, processes: int, of_programs: int) -> None:
    [limit] = supervisor_process(container(tmp_path, limits=Limits(processes=processes)))["rlimits"]
    assert limit == {"type": "RLIMIT_NPROC", "soft": of_programs, "hard": of_programs}


def test_the_root_has_links_mount_points_and_users_of_its_own(tmp_path: Path, host: Path) -> None:
    product = tmp_path / "opt/lightbox"
    product.mkdir(parents=True)
    root = tmp_path / "rootfs"
    write_root(container(tmp_path, product=(product,)), root, host)
    assert (root / "bin").readlink() == Path("usr/bin")
    assert (root / "usr").is_dir()
    assert not (root / "etc/shadow").exists()
    assert "kim:x:1000:1000:kim:/home/kim:/bin/bash" in (root / "etc/passwd").read_text()
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    if not str(product).startswith("/tmp"):  # mount points below /tmp are made when the container starts
        assert (root / str(product).lstrip("/")).is_dir()


def test_names_that_are_no_unix_names_are_replaced() -> None:
    assert layout.person_name("kim") == "kim"
    for name in ("kim@hospital.example", "1kim", "root", "display", "nobody"):
        assert layout.person_name(name) == "person"
        assert layout.home_folder(name) == "/home/person"


def rules(name: str) -> list[dict[str, Any]]:
    return [rule for rule in seccomp_filter()["syscalls"] if name in rule["names"]]


def test_refuses_calls_that_reach_beyond_the_desktop() -> None:
    assert seccomp_filter()["defaultAction"] == "SCMP_ACT_ERRNO"
    assert [name for name in REFUSED_CALLS.split() if rules(name)] == []


def test_refuses_new_namespaces_and_other_sockets() -> None:
    [clone] = rules("clone")
    [flags] = clone["args"]
    assert flags["valueTwo"] == 0
    for namespace in (0x0002_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000):
        assert flags["value"] & namespace
    [clone3] = rules("clone3")
    assert clone3["action"] == "SCMP_ACT_ERRNO"
    families = {rule["args"][0]["value"] for rule in rules("socket")}
    assert families == {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}


def nested(name: str) -> list[dict[str, Any]]:
    return [rule for rule in seccomp_filter(nested_namespaces=True)["syscalls"] if name in rule["names"]]


def allows(name: str, *arguments: int) -> bool:
    """Decides a call as the kernel does, where programs may make namespaces."""
    for rule in nested(name):
        values = [
            arguments[check["index"]] & check["value"] == check["valueTwo"]
            if check["op"] == "SCMP_CMP_MASKED_EQ"
            else arguments[check["index"]] == check["value"]
            for check in rule.get("args", [])
        ]
        if all(values) and rule["action"] == "SCMP_ACT_ALLOW":
            return True
    return False


USER, PID, NET, IPC, MOUNT, UTS, CGROUP, TIME = (
    *(0x1000_0000, 0x2000_0000, 0x4000_0000, 0x0800_0000),
    *(0x0002_0000, 0x0400_0000, 0x0200_0000, 0x80),
)
SIGCHLD = 17


def test_a_browser_makes_the_namespaces_of_its_sandbox_and_no_others() -> None:
    for flags in (SIGCHLD, USER | SIGCHLD, USER | PID | NET | SIGCHLD, PID | SIGCHLD, USER | NET | IPC):
        assert allows("clone", flags), hex(flags)
    for flags in (USER, PID, NET, 0x400):
        assert allows("unshare", flags), hex(flags)
    for other in (MOUNT, UTS, CGROUP):
        assert not allows("clone", USER | other | SIGCHLD)
        assert not allows("unshare", USER | other)
    assert not allows("unshare", TIME)
    still_refused = set(REFUSED_CALLS.split()) - {"unshare", "chroot"}
    assert [name for name in still_refused if nested(name)] == []


def test_no_socket_of_a_nested_namespace_configures_a_network() -> None:
    stream, datagram, raw, flags = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_CLOEXEC
    for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6):
        for kind in (stream, datagram, stream | flags, datagram | socket.SOCK_NONBLOCK | flags):
            assert allows("socket", family, kind)
    for family in (socket.AF_INET, socket.AF_INET6):
        assert not allows("socket", family, raw)
        assert not allows("socket", family, raw | flags)
    for family in (socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK):
        assert not allows("socket", family, datagram)


@pytest.mark.parametrize(
    ("request_number", "allowed"),
    [
        (0x5401, True),  # TCGETS
        (0x541B, True),  # FIONREAD
        (0xC0106400, True),  # of a graphics card
        (0x8912, True),  # SIOCGIFCONF
        (0x8914, False),  # SIOCSIFFLAGS
        (0x89A0, False),  # SIOCBRADDBR
        (0x89F1, False),  # SIOCADDTUNNEL
        (0x1_0000_89A0, False),  # the kernel reads 32 bits
    ],
)
def test_requests_that_configure_an_interface_are_refused(request_number: int, allowed: bool) -> None:
    assert allows("ioctl", 3, request_number) is allowed
    assert seccomp_filter()["syscalls"][0]["names"].count("ioctl") == 1, "elsewhere the kernel refuses them"


@pytest.mark.parametrize(
    ("level", "option", "allowed"),
    [
        (socket.SOL_SOCKET, 67, True),  # SO_SNDTIMEO_NEW
        (socket.SOL_TCP, socket.TCP_NODELAY, True),
        (socket.SOL_UDP, 103, True),  # UDP_SEGMENT
        (socket.IPPROTO_IP, socket.IP_TOS, True),
        (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, True),
        (socket.IPPROTO_IP, 64, False),  # IPT_SO_SET_REPLACE
        (socket.IPPROTO_IP, 0x1_0000_0040, False),
        (socket.IPPROTO_IPV6, 64, False),  # IP6T_SO_SET_REPLACE
        (socket.IPPROTO_IP, 96, False),  # ARPT_SO_SET_REPLACE
        (socket.IPPROTO_IP, 128, False),  # EBT_SO_SET_ENTRIES
        (socket.IPPROTO_IP, 200, False),  # MRT_INIT
        (socket.IPPROTO_RAW, 1, False),
    ],
)
def test_socket_options_that_reach_the_packet_filter_are_refused(
    level: int, option: int, allowed: bool
) -> None:
    assert allows("setsockopt", 3, level, option) is allowed
    assert allows("getsockopt", 3, level, option) is allowed


def test_policies_of_a_browser_stand_before_those_of_the_administrator(tmp_path: Path, host: Path) -> None:
    managed = host / "etc/chromium/policies/managed"
    managed.mkdir(parents=True)
    (managed / "hospital.json").write_text("{}")
    (host / "etc/firefox/policies").mkdir(parents=True)
    (host / "etc/firefox/policies/policies.json").write_text("{}")
    with_browser = container(tmp_path, nested_namespaces=True)
    write_root(with_browser, tmp_path / "rootfs", host)
    etc = tmp_path / "rootfs/etc"
    names = sorted(path.name for path in (etc / "chromium/policies/managed").iterdir())
    assert names == ["00-lightbox.json", "hospital.json"]
    ours = Path(layout.POLICIES_FOLDER)
    assert (etc / f"chromium/policies/managed/{names[0]}").readlink() == ours / layout.CHROMIUM_POLICIES
    assert not (etc / "firefox/policies/policies.json").is_symlink()
    assert (etc / "firefox-esr/policies/policies.json").readlink() == ours / layout.FIREFOX_POLICIES
    binds = mounts(configuration(with_browser, host))
    assert "/etc/chromium" not in binds, "it would hide the link"
    assert "/etc/chromium" in mounts(configuration(container(tmp_path), host))
