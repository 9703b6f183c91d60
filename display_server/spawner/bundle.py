"""Describes the container of one desktop as an OCI bundle: `config.json` and the folder of its root.

The description is pure data, and any OCI runtime runs it. The root is read-only. It consists of named folders
of the host; `/home`, `/root`, `/var` and `/run` of the host are never among them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from display_server.spawner import layout
from display_server.spawner.messages import MEBIBYTE, Limits
from display_server.spawner.system_calls import seccomp_filter

#: Reaps orphans, and does nothing else (`-P`: pause). It is PID 1, so the desktop ends when it ends.
INIT = ("/usr/bin/catatonit", "-P")
#: Where programs and libraries are. Newer distributions have symbolic links to /usr here.
PROGRAM_FOLDERS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt")
#: Parts of /etc that programs read and that say nothing about people, secrets or the network.
# fmt: off
CONFIGURATION = (
    "X11", "alternatives", "bash.bashrc", "ca-certificates", "chromium", "chromium.d", "dcmtk", "dconf",
    "default/locale", "emacs", "firefox", "firefox-esr", "fonts", "ghostscript", "glvnd", "gtk-2.0",
    "gtk-3.0", "gtk-4.0", "inputrc", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "libreoffice",
    "locale.alias", "locale.conf", "localtime", "magic", "mime.types", "openal", "papersize", "pki",
    "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone", "vulkan", "xdg",
)
# fmt: on
#: Those that are copied instead, if the profile names a browser.
BROWSER_CONFIGURATION = ("chromium", "firefox", "firefox-esr")
_BROWSER_FOLDERS = frozenset(f"etc/{name}" for name in BROWSER_CONFIGURATION)
#: Parts of the kernel's pseudo files that are hidden or read-only, as container engines do it.
MASKED = [
    f"/proc/{name}"
    for name in ("acpi", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi", "timer_list")
]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
#: Empty folders of the root, as mount points and for programs that expect them.
FOLDERS = ("dev", "etc", "home", "mnt", "proc", "root", "run", "srv", "sys", "tmp", "var/lib", "var/cache")
#: Memory file systems, on which mount points are created when the container starts.
MEMORY_FOLDERS = ("/dev", "/run", "/tmp", layout.HOMES_FOLDER)  # noqa: S108 - inside the container
#: Size of memory file systems that hold only mount points and sockets, MiB.
SMALL_MB = 16
#: Terminals that a desktop may have open. The kernel has 4096 for all desktops together.
TERMINALS = 256
#: Processes and threads of a desktop that its programs cannot use.
RESERVED_PROCESSES = 64
#: Period over which the limit of processor time counts, µs.
CPU_PERIOD_US = 100_000
#: Options of a shared folder and of everything that is mounted below it.
_SHARED_TREE = ("rro", "rnosuid", "rnodev")
#: Options of memory file systems that belong to the person.
_OF_PERSON = (f"uid={layout.PERSON_ID}", f"gid={layout.PERSON_ID}")


@dataclass(frozen=True, slots=True)
class Container:
    """What the description depends on. All folders are on the host."""

    session: str
    person_name: str
    hostname: str
    first_id: int
    limits: Limits
    home: Path | None  # None: in memory alone
    folder: Path  # the desktop's folder, which becomes layout.DESKTOP_FOLDER
    product: tuple[Path, ...]  # where Lightbox and its Python are installed
    command: tuple[str, ...]  # starts the supervisor
    environment: Mapping[str, str]
    nested_namespaces: bool = False  # for a browser and its own sandbox
    profiles: Path | None = None  # the operator's own

    @property
    def home_inside(self) -> str:
        return layout.home_folder(self.person_name)


def configuration(container: Container, host: Path = Path("/")) -> dict[str, Any]:
    """Returns the content of config.json. `host` is the root of the host's files."""
    return {
        "ociVersion": "1.0.2",
        "hostname": container.hostname,
        "root": {"path": "rootfs", "readonly": True},
        "process": _process(INIT, {"PATH": container.environment["PATH"]}, capabilities=()),
        "mounts": [
            *_memory_mounts(container.limits),
            *_home_in_memory(container),
            *_host_mounts(container, host),
        ],
        "linux": {
            "namespaces": [
                {"type": kind} for kind in ("user", "pid", "ipc", "uts", "mount", "network", "cgroup")
            ],
            "uidMappings": _mappings(container.first_id),
            "gidMappings": _mappings(container.first_id),
            "cgroupsPath": f"/lightbox/{container.session}",
            "resources": _resources(container.limits),
            "seccomp": seccomp_filter(nested_namespaces=container.nested_namespaces),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    }


def supervisor_process(container: Container) -> dict[str, Any]:
    """Returns the description of the supervisor's process, which starts in the running container.

    Everything that the supervisor starts inherits the limit of processes, which the kernel counts for each
    user alone: programs leave some processes to X server, agent and supervisor.
    """
    most = max(container.limits.processes - RESERVED_PROCESSES, container.limits.processes // 2)
    process = _process(
        container.command,
        container.environment,
        capabilities=layout.SUPERVISOR_CAPABILITIES,
        groups=[layout.DISPLAY_ID],  # the supervisor connects to the agent's socket
    )
    return process | {"rlimits": [{"type": "RLIMIT_NPROC", "soft": most, "hard": most}]}


def write_root(container: Container, root: Path, host: Path = Path("/")) -> None:
    """Creates the folder of the container's root: mount points, links, and files about its users."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)  # runc gives the mode of a mount point to what is mounted there
    (root / "var/tmp").symlink_to("/tmp")  # noqa: S108 - inside the container
    for name in PROGRAM_FOLDERS:
        if (host / name).is_symlink():
            (root / name).symlink_to((host / name).readlink())
    for source, target in _sources(container, host):
        if not target.startswith(MEMORY_FOLDERS):
            _create_mount_point(source, root / target.lstrip("/"))
    if container.nested_namespaces:
        _write_browser_configuration(root / "etc", host / "etc")
    files = {
        "passwd": _passwd(container),
        "group": _groups(container),
        "hosts": f"127.0.0.1 localhost {container.hostname}\n::1 localhost {container.hostname}\n",
        "hostname": f"{container.hostname}\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "machine-id": f"{container.first_id:032x}\n",
        "os-release": "",
    }
    for name, text in files.items():
        (root / "etc" / name).write_text(text)
    release = host / "etc/os-release"
    if release.exists():
        (root / "etc/os-release").write_bytes(release.read_bytes())


def _process(
    command: Iterable[str],
    environment: Mapping[str, str],
    *,
    capabilities: Iterable[str],
    groups: Iterable[int] = (),
) -> dict[str, Any]:
    granted = {kind: list(capabilities) for kind in ("bounding", "effective", "permitted")}
    # Programs that the process starts as other users get none of them.
    granted |= {"inheritable": [], "ambient": []}
    return {
        "terminal": False,
        "user": {
            "uid": layout.ROOT_ID,
            "gid": layout.ROOT_ID,
            "umask": 0o077,
            "additionalGids": list(groups),
        },
        "args": list(command),
        "env": [f"{name}={value}" for name, value in environment.items()],
        "cwd": "/",
        "capabilities": granted,
        "noNewPrivileges": True,
    }


def _mappings(first_id: int) -> list[dict[str, int]]:
    return [
        {"containerID": inside, "hostID": first_id + offset, "size": 1}
        for offset, inside in enumerate(layout.INSIDE_IDS)
    ]


def _resources(limits: Limits) -> dict[str, Any]:
    memory = limits.memory_mb * MEBIBYTE
    resources: dict[str, Any] = {
        "devices": [{"allow": False, "access": "rwm"}],
        "memory": {"limit": memory},
        "pids": {"limit": limits.processes},
    }
    if limits.cpu_percent:
        quota = CPU_PERIOD_US * limits.cpu_percent // 100
        resources["cpu"] = {"quota": quota, "period": CPU_PERIOD_US}
    return resources


def _memory(target: str, mode: str, size_mb: int, *options: str) -> dict[str, Any]:
    common = ["nosuid", "nodev", f"mode={mode}", f"size={size_mb}m", *options]
    return {"destination": target, "type": "tmpfs", "source": "tmpfs", "options": common}


def _home_in_memory(container: Container) -> list[dict[str, Any]]:
    if container.home is not None:
        return []
    return [_memory(container.home_inside, "0700", container.limits.temporary_mb // 2, *_OF_PERSON)]


def _memory_mounts(limits: Limits) -> list[dict[str, Any]]:
    return [
        {
            "destination": "/proc",
            "type": "proc",
            "source": "proc",
            "options": ["nosuid", "noexec", "nodev"],
        },
        # Device nodes are bind mounts of the host's, so the option nodev would disable them.
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", f"size={SMALL_MB}m"],
        },
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", f"max={TERMINALS}"],
        },
        _memory("/dev/shm", "1777", limits.temporary_mb),  # noqa: S108 - inside the container
        _memory("/run", "0755", SMALL_MB),
        _memory(layout.RUNTIME_FOLDER, "0700", SMALL_MB, *_OF_PERSON),
        _memory("/tmp", "1777", limits.temporary_mb),  # noqa: S108 - inside the container
        _memory(layout.HOMES_FOLDER, "0755", SMALL_MB),
    ]


def _host_mounts(container: Container, host: Path) -> list[dict[str, Any]]:
    # crun applies options of the tree (with `r`) to folders alone, and others to read-only mounts alone.
    shared = [
        _bind(source, target, "ro", *(_SHARED_TREE if source.is_dir() else ("nosuid", "nodev")))
        for source, target in _sources(container, host)
    ]
    return [
        *shared,
        _bind(container.folder, layout.DESKTOP_FOLDER, "rnosuid", "rnodev", "rnoexec"),
        *([_bind(container.home, container.home_inside, "rnosuid", "rnodev")] if container.home else []),
    ]


def _bind(source: Path, target: str, *options: str) -> dict[str, Any]:
    """Returns a mount with all mounts below it."""
    return {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", *options]}


def _sources(container: Container, host: Path) -> list[tuple[Path, str]]:
    """Returns the parts of the host that all desktops share: the source, and the target inside."""
    named = [*PROGRAM_FOLDERS, *(f"etc/{name}" for name in CONFIGURATION)]
    sources = []
    for name in named:
        source = host / name
        if container.nested_namespaces and name in _BROWSER_FOLDERS:
            continue  # a copy of it has a link to the policies of the profile
        # A link of the root leads into /usr; in /etc it may lead anywhere, and its target is mounted.
        if source.exists() and not (name in PROGRAM_FOLDERS and source.is_symlink()):
            sources.append((source.resolve(), f"/{name}"))
    inside = [path for path in container.product if not path.is_relative_to(host / "usr")]
    if container.profiles is not None:
        sources.append((container.profiles.resolve(), layout.PROFILES_FOLDER))
    return [*sources, *((path, str(path)) for path in inside)]


def _write_browser_configuration(target: Path, source: Path) -> None:
    """Copies the host's configuration of browsers, and adds links to the policies that the supervisor writes.

    Policies of the administrator remain: Chromium reads ours before them, and Firefox knows one file alone.
    """
    for name in BROWSER_CONFIGURATION:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
    for link, file in layout.POLICY_LINKS.items():
        path = target / link
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.symlink_to(f"{layout.POLICIES_FOLDER}/{file}")


def _create_mount_point(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


def _passwd(container: Container) -> str:
    person = f"{container.person_name}:x:{layout.PERSON_ID}:{layout.PERSON_ID}"
    return (
        f"{layout.ROOT_NAME}:x:{layout.ROOT_ID}:{layout.ROOT_ID}:root:/root:/usr/sbin/nologin\n"
        f"{person}:{container.person_name}:{container.home_inside}:/bin/bash\n"
        f"{layout.DISPLAY_NAME}:x:{layout.DISPLAY_ID}:{layout.DISPLAY_ID}:display:/:/usr/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )


def _groups(container: Container) -> str:
    return (
        f"{layout.ROOT_NAME}:x:{layout.ROOT_ID}:\n"
        f"{container.person_name}:x:{layout.PERSON_ID}:\n"
        f"{layout.DISPLAY_NAME}:x:{layout.DISPLAY_ID}:\n"
        "tty:x:5:\n"
        "nogroup:x:65534:\n"
    )


def memory_file_systems_mb(temporary_mb: int) -> int:
    """Returns how much all memory file systems of a desktop can hold together, MiB."""
    mounts = _memory_mounts(Limits(temporary_mb=temporary_mb))
    sizes = [option for mount in mounts for option in mount["options"] if option.startswith("size=")]
    return sum(int(size.removeprefix("size=").removesuffix("m")) for size in sizes)
