"""`lightbox doctor`: examines the host and says what is missing and how to get it."""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from display_server.broker.folders import SHARED_MEMORY, StateFolder
from display_server.broker.lasting_folder import LastingFolder
from display_server.config import Config, network_range
from display_server.desktop.network_access import parse_entry
from display_server.desktop.profiles.folders import use_operator_folder
from display_server.errors import ConfigurationError
from display_server.gateway.https_server import listen
from display_server.gateway.static_client import is_built
from display_server.server.definitions import desktop_definitions
from display_server.server.gateway_user import gateway_user
from display_server.server.isolation import homes_of, wait_for_service
from display_server.server.isolation_rules import WITHOUT
from display_server.server.storage_findings import examine_storage
from display_server.spawner.host import examine_host
from display_server.spawner.network_host import examine_network
from display_server.supervisor import requirements
from display_server.telemetry.clock import ClockState, read_clock

PYTHON_MIN = (3, 11)
#: How long the spawner may take to answer the doctor, s.
SERVICE_TIMEOUT_S = 5.0
#: What to do when a part of Lightbox itself is missing.
REINSTALL = "Run `make setup` in the source tree, or install the wheel again."
#: How the names of findings about isolation begin.
_ISOLATION = "isolation: "
_ROOT = f"{_ISOLATION}root"
#: Free space that framebuffers need on the memory file system, bytes.
SHM_FREE_BYTES = 512 * 1024 * 1024
#: Free space that the state folder needs for the database, logs and homes, bytes.
STATE_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    name: str
    ok: bool
    found: str  # what the check found, in words
    hint: str = ""  # what the operator has to do if it is not ok
    mandatory: bool = True  # without it no desktop can start
    packages: tuple[str, ...] = ()  # the Debian packages that contain it

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_line(self) -> str:
        mark = "ok     " if self.ok else "MISSING" if self.mandatory else "advice "
        line = f"{mark}  {self.name}: {self.found}"
        return line if self.ok or not self.hint else f"{line}\n         → {self.hint}"


def require_mandatory(config: Config, command: str) -> None:
    """Runs the quick checks before a start. Raises ConfigurationError, which names everything that is
    missing, and how to get it together with what is only advised. `command` is what the person started.
    """
    use_operator_folder(config.profiles)
    findings = [_web_client(config), *_programs()]
    if config.isolation.enabled and config.isolation.spawner == "server":
        findings += _isolation(config)
    missing = [finding for finding in findings if not finding.ok and finding.mandatory]
    if missing:
        hints = [_as_root(command) if finding.name == _ROOT else finding.hint for finding in missing]
        hints = [hint for hint, finding in zip(hints, missing, strict=True) if not finding.packages]
        if any(finding.packages for finding in missing):
            hints.append(install_command(findings))
        if any(finding.name.startswith(_ISOLATION) for finding in missing):
            hints.append(f"`lightbox doctor` shows all that isolation needs. {WITHOUT}")
        raise ConfigurationError(
            "Lightbox cannot start because this host lacks: "
            + "; ".join(f"{finding.name} ({finding.found})" for finding in missing)
            + ".",
            hint="\n  ".join(dict.fromkeys(hints)),
        )


def _as_root(command: str) -> str:
    """Says how to start the same as root."""
    return f"sudo {command}" if shutil.which("sudo") else f"As root: {command}"


def install_command(findings: Iterable[Finding]) -> str:
    """Returns the command that installs all Debian packages that are missing, or an empty text.

    Recommended packages are left out, as `make setup` does: desktops need none of them.
    """
    missing = dict.fromkeys(package for finding in findings if not finding.ok for package in finding.packages)
    as_root = "" if os.geteuid() == 0 else "sudo "
    return f"{as_root}apt install --no-install-recommends {' '.join(missing)}" if missing else ""


def examine(config: Config, state: Path) -> list[Finding]:
    """Runs all checks, in the order in which an operator would solve the problems."""
    use_operator_folder(config.profiles)
    return [
        _python(),
        *_programs(),
        _codec(),
        _web_client(config),
        *_video(),
        *_isolation(config),
        *_network(config),
        *_storage(config, state),
        _shared_memory(),
        _state_folder(state),
        *_database(config),
        _port(config),
        _clock(read_clock()),
    ]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    wanted = ".".join(str(part) for part in PYTHON_MIN)
    return Finding("python", sys.version_info >= PYTHON_MIN, version, f"Install Python {wanted} or newer.")


def _codec() -> Finding:
    if importlib.util.find_spec("display_codecs") is None:
        return Finding("codec", False, "the Python package display_codecs is not installed", REINSTALL)
    try:
        import numpy as np
        from display_codecs import TileGrid, digest_tiles

        frame = np.zeros((64, 64, 4), np.uint8)
        digest_tiles(frame, TileGrid(64, 64), np.zeros(1, np.uint16), 0)
    except Exception as error:  # any error is reported, and the other checks still run
        return Finding("codec", False, f"the native library does not work: {error}", REINSTALL)
    return Finding("codec", True, "the native library works")


def _video() -> list[Finding]:
    """Tries every video encoder. None is mandatory, because tiles can carry everything that video can."""
    hint = (
        "Run `make setup` in the source tree, or install the wheel with its extra `motion`. Without a video "
        "encoder, desktops send all changes as tiles."
    )
    if importlib.util.find_spec("av") is None or importlib.util.find_spec("aiortc") is None:
        return [Finding("video", False, "PyAV and aiortc are not installed", hint, mandatory=False)]
    try:
        from display_server.agent.motion.encoders.video_encoder import probe_encoders

        facts = probe_encoders()
    except Exception as error:  # any error is reported, and the other checks still run
        return [Finding("video", False, f"the encoders cannot be loaded: {error}", hint, mandatory=False)]
    working = [f"{fact.name} {fact.chroma.value}" for fact in facts if fact.works]
    unusable = [f"{fact.name}: {fact.problem}" for fact in facts if fact.hardware and not fact.works]
    text = ", ".join(working) or "no encoder works"
    return [
        Finding("video", bool(working), text, hint, mandatory=False),
        *(Finding("video hardware", True, problem, mandatory=False) for problem in dict.fromkeys(unusable)),
    ]


def _isolation(config: Config) -> list[Finding]:
    """Says what isolated desktops lack here. Nothing starts without it if the configuration wants them."""
    isolation = config.isolation
    if isolation.enabled and isolation.spawner == "service":
        return [_spawner_service(config), _user_of_gateway(config)]
    return [
        *(
            Finding(_ISOLATION + fact.name, fact.ok, fact.found, fact.hint, isolation.enabled, fact.packages)
            for fact in examine_host(isolation.id_base, isolation.id_count)
        ),
        _user_of_gateway(config),
    ]


def _user_of_gateway(config: Config) -> Finding:
    """Says as whom the gateway runs, and what it would get of the broker's all the same."""
    name = f"{_ISOLATION}user of the gateway"
    try:
        user = gateway_user(config.isolation)
    except ConfigurationError as error:
        return Finding(name, False, error.cause, error.hint)
    if user is None:
        found = "that of the server, because desktops are not isolated"
        return Finding(name, False, found, "Enable isolation.", mandatory=False)
    inherits = config.isolation.spawner == "server" and config.database.url is not None
    if inherits and "PGPASSWORD" in os.environ:
        return Finding(
            name,
            False,
            f"{user.uid}, which would inherit the database's password in PGPASSWORD",
            "Put it into a file of mode 0600, and name that in `database.password_file`.",
        )
    return Finding(name, True, f"{user.uid}")


def _network(config: Config) -> list[Finding]:
    """Says what desktops with a list of what they may reach lack here. Only those desktops do not start."""
    entries = [parse_entry(text) for desktop in desktop_definitions(config) for text in desktop.network]
    ipv6 = any(isinstance(entry.host, ipaddress.IPv6Network) for entry in entries)
    return [
        Finding(f"network of desktops: {fact.name}", fact.ok, fact.found, fact.hint, False, fact.packages)
        for fact in examine_network(network_range(config.isolation), ipv6=ipv6)
    ]


def _storage(config: Config, state: Path) -> list[Finding]:
    homes = homes_of(StateFolder(state.expanduser().absolute()), config.isolation)
    return [
        Finding(fact.name, fact.ok, fact.found, fact.hint, fact.needed, fact.packages)
        for fact in examine_storage(config.isolation, homes)
    ]


def _spawner_service(config: Config) -> Finding:
    socket = LastingFolder.of(config.state).socket
    try:
        asyncio.run(wait_for_service(socket, SERVICE_TIMEOUT_S))
    except ConfigurationError as error:
        return Finding(f"{_ISOLATION}spawner", False, error.cause, error.hint)
    return Finding(f"{_ISOLATION}spawner", True, f"it answers at {socket}")


def _web_client(config: Config) -> Finding:
    folder = config.web_client
    return Finding(
        "web client",
        is_built(folder),
        str(folder) if is_built(folder) else f"{folder / 'index.html'} is not built",
        f"{REINSTALL} LIGHTBOX_WEB_CLIENT can name the folder of another web client.",
    )


def _shared_memory() -> Finding:
    path = Path(SHARED_MEMORY)
    if not path.is_dir() or not os.access(path, os.W_OK):
        return Finding(
            SHARED_MEMORY,
            False,
            "missing or not writable",
            "Mount a tmpfs at /dev/shm. Without it, framebuffers are kept on disk, which is slower.",
            False,
        )
    free = shutil.disk_usage(path).free
    return Finding(
        SHARED_MEMORY,
        free >= SHM_FREE_BYTES,
        f"{free // 2**20} MiB free",
        f"Make {SHM_FREE_BYTES // 2**20} MiB available (--shm-size=1g for a container). Otherwise "
        "framebuffers are kept on disk, which is slower.",
        mandatory=False,
    )


def _state_folder(state: Path) -> Finding:
    state = state.expanduser().absolute()
    existing = next(path for path in (state, *state.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(
            "state folder",
            False,
            f"{existing} is not writable",
            "Choose another folder with --state or LIGHTBOX_STATE.",
        )
    if existing == state:
        found = state.stat()
        if found.st_uid != os.geteuid():
            return Finding(
                "state folder",
                False,
                f"{state} belongs to another user",
                "Choose another folder with --state.",
            )
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            return Finding("state folder", False, f"{state} has mode {mode:04o}", f"chmod 700 {state}")
    free = shutil.disk_usage(existing).free
    return Finding(
        "state folder",
        free >= STATE_FREE_BYTES,
        f"{state}, {free // 2**20} MiB free",
        f"Free at least {STATE_FREE_BYTES // 2**20} MiB there.",
    )


def _database(config: Config) -> list[Finding]:
    """Connects to the PostgreSQL server, if there is one. An SQLite file is part of the state folder."""
    if config.database.url is None:
        return []
    from display_server.server.database import examine_server

    cause, next_step = examine_server(config.database)
    return [Finding("database", not next_step, cause, next_step)]


def _clock(state: ClockState | None) -> Finding:
    """The audit, codes of authenticator apps and certificates depend on the time."""
    if state is None:
        return Finding("clock", True, "the kernel does not say whether it is right", mandatory=False)
    found = (
        f"kept right, at most {state.error_s:.3f} s off" if state.synchronised else "nobody keeps it right"
    )
    return Finding(
        "clock",
        state.right,
        found,
        "Synchronise it: `apt install chrony`, and name the time servers of the hospital in "
        "/etc/chrony/chrony.conf. Otherwise codes of authenticator apps fail, and the audit has wrong times.",
        mandatory=False,
    )


def _port(config: Config) -> Finding:
    try:
        listen(config.host, config.port).close()
    except ConfigurationError as error:
        message, _, hint = str(error).partition("\n")
        return Finding("port", False, message, hint.strip(), mandatory=False)
    return Finding("port", True, f"{config.host} port {config.port} is free")


def _programs() -> Iterator[Finding]:
    for requirement in requirements.check():
        yield Finding(
            requirement.name,
            requirement.ok,
            requirement.found,
            requirement.hint,
            requirement.mandatory,
            requirement.packages,
        )
