"""What a host needs for isolated desktops, for `lightbox doctor` and before a start."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from display_server.errors import ConfigurationError
from display_server.spawner import layout
from display_server.spawner.bundle import INIT
from display_server.spawner.runtime import CGROUPS, SEARCH_PATH, choose_runtime
from display_server.spawner.system_calls import ARCHITECTURES
from display_server.spawner.trial import try_container

#: Controllers of cgroups that limit a desktop.
CONTROLLERS = ("memory", "pids", "cpu")
#: What root may lack in a container: the numbers of capabilities(7).
CAPABILITIES = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SYS_ADMIN": 21,
}
#: Files that container engines create.
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
IN_A_CONTAINER = "A container of Lightbox needs `docker run --privileged` (docs/install.md)."
_MAX_USER_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
_UID_MAP = Path("/proc/self/uid_map")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class HostFact:
    """One thing that isolation needs: what was found, and how to get it if it is missing."""

    name: str
    ok: bool
    found: str
    hint: str = ""
    packages: tuple[str, ...] = ()


def examine_host(id_base: int, id_count: int) -> list[HostFact]:
    """Returns everything that isolated desktops need, in the order in which an operator would provide it.

    If nothing is missing, a container is started on trial.
    """
    facts = [
        _root(),
        _runtime(),
        _program("init of containers", INIT[0], "catatonit"),
        _program("setpriv", "setpriv", "util-linux"),
        _user_namespaces(),
        _cgroups(),
        _ids(id_base, id_count),
        _filter(),
    ]
    if all(fact.ok for fact in facts):
        facts.append(_trial(id_base + id_count - layout.IDS_PER_DESKTOP))
    return facts


def _root() -> HostFact:
    if os.geteuid() != 0:
        hint = "Start Lightbox as root: it starts the process that needs root, and no desktop runs as root."
        return HostFact("root", False, f"user {os.geteuid()}", hint)
    [effective] = [
        int(line.split()[1], 16) for line in _STATUS.read_text().splitlines() if line.startswith("CapEff:")
    ]
    lacking = [name for name, number in CAPABILITIES.items() if not effective >> number & 1]
    hint = "Give Lightbox these capabilities." if not _in_container() else IN_A_CONTAINER
    return HostFact("root", not lacking, f"without {', '.join(lacking)}" if lacking else "yes", hint)


def _in_container() -> bool:
    return "container" in os.environ or any(mark.exists() for mark in CONTAINER_MARKS)


def _trial(first_id: int) -> HostFact:
    reason = try_container(choose_runtime(), first_id)
    hint = "The reason is the container runtime's own. " + (
        IN_A_CONTAINER if _in_container() else "docs/isolation.md lists what the kernel has to allow."
    )
    return HostFact("container on trial", not reason, reason.rstrip(".") or "it runs", hint)


def _runtime() -> HostFact:
    try:
        return HostFact("container runtime", True, choose_runtime()[-1])
    except ConfigurationError as error:
        return HostFact("container runtime", False, "missing", error.hint, ("crun",))


def _program(name: str, program: str, package: str) -> HostFact:
    path = shutil.which(program, path=SEARCH_PATH)
    return HostFact(name, path is not None, path or "missing", f"apt install {package}", (package,))


def _user_namespaces() -> HostFact:
    try:
        most = int(_MAX_USER_NAMESPACES.read_text())
    except (OSError, ValueError):
        most = 0
    found = f"up to {most}" if most else "the kernel has none, or they are disabled"
    return HostFact("user namespaces", most > 0, found, "Set the sysctl user.max_user_namespaces to 10000.")


def _cgroups() -> HostFact:
    unified = CGROUPS / "cgroup.controllers"
    try:
        if unified.exists():
            available, version = set(unified.read_text().split()), "v2"
        else:
            available, version = {path.name for path in CGROUPS.iterdir()}, "v1"
    except OSError:
        available, version = set(), "none"
    missing = [name for name in CONTROLLERS if name not in available]
    roots = [CGROUPS] if version == "v2" else [CGROUPS / name for name in CONTROLLERS if name not in missing]
    writable = all(os.access(root, os.W_OK) for root in roots)
    found = f"cgroup {version}" + (f" without {', '.join(missing)}" if missing else "")
    return HostFact(
        "limits of desktops",
        not missing and writable,
        found if writable else f"{found}, read-only",
        IN_A_CONTAINER if _in_container() else "Enable these controllers of the kernel, and mount them.",
    )


def _ids(base: int, count: int) -> HostFact:
    """Inside a user namespace, such as that of a container, only some ids exist."""
    ranges = [tuple(map(int, line.split())) for line in _UID_MAP.read_text().splitlines()]
    ok = any(inside <= base and base + count <= inside + length for inside, _, length in ranges)
    return HostFact(
        "user ids for desktops",
        ok,
        f"{base} to {base + count - 1}" + ("" if ok else " do not exist here"),
        "Choose others with `isolation.id_base` and `isolation.id_count`.",
    )


def _filter() -> HostFact:
    machine = os.uname().machine
    ok = machine in ARCHITECTURES
    hint = "Isolation is built for x86_64 and aarch64."
    return HostFact("filter of system calls", ok, machine if ok else f"none for {machine}", hint)
