"""`spec.json` and `status.json` of a desktop's folder: what launcher, supervisor and agent exchange."""

from __future__ import annotations

import os
import secrets
from enum import Enum
from pathlib import Path

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.video_settings import VideoSettings
from display_server.errors import DesktopError

#: Random bytes in the secret of an agent.
SECRET_BYTES = 32


def new_secret() -> str:
    """Returns a secret for one agent, which fits into a header."""
    return secrets.token_hex(SECRET_BYTES)


class DesktopState(Enum):
    """`starting` → `ready` → `ended`; `starting` and `ready` may also become `failed`."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    ENDED = "ended"


class ControlRequest(Enum):
    """What a launcher may ask of a running supervisor on its control socket."""

    STOP = "stop"
    RESTART_DISPLAY = "restart display"


class DesktopSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The desktop that the launcher orders. All paths are absolute."""

    session: str
    user: str
    desktop: str
    profile: str
    width_px: int
    height_px: int
    home: str
    folder: str
    log_folder: str
    #: Whether the home outlives the desktop. Otherwise a container has it in memory, and it ends with it.
    keeps_home: bool = True
    locale: str = "ko_KR.UTF-8"
    #: Multiplies the times after which a part of the desktop counts as silent and input as late.
    patience: float = 1.0
    #: The X display to serve, as `:0`, instead of starting an X server.
    attach: str | None = None
    #: Whether several devices of the person may show the desktop at the same time.
    share: bool = False
    #: Whether the configured size stays; otherwise monitors take the size of the windows that show them.
    fixed: bool = False
    #: Whether the desktop runs in a container of its own, in which its processes have users of their own.
    isolated: bool = False
    #: What programs may reach if the desktop is isolated, as `network_access.py` describes it.
    network: list[str] = []
    clipboard: ClipboardPolicy = ClipboardPolicy()
    video: VideoSettings = VideoSettings()
    #: Whoever connects to the agent must know this. It is in `spec.json`, which programs cannot read where
    #: desktops are isolated, and in no argument and no environment.
    secret: str = msgspec.field(default_factory=new_secret)
    #: User ids that may connect to the agent, as the agent sees them; without any, root and its own user. In
    #: a user namespace, users that are not mapped have the id in /proc/sys/kernel/overflowuid. The agent's
    #: sockets have mode 0666 if another user is among them: who reaches them is then up to the folder.
    peers: list[int] = []

    def __repr__(self) -> str:
        return f"DesktopSpec({self.session!r})"  # a log must not contain the secret

    @property
    def socket(self) -> Path:
        """The Unix socket on which the agent listens."""
        return Path(self.folder) / "agent.sock"

    @property
    def control_socket(self) -> Path:
        """The Unix socket on which the supervisor of an isolated desktop listens."""
        return Path(self.folder) / "supervisor.sock"

    @property
    def host_socket(self) -> Path:
        """The Unix socket on which the agent accepts host channels (`host_channel.py`)."""
        return Path(self.folder) / "host.sock"

    @property
    def framebuffer_folder(self) -> Path:
        """The folder, mode 0700, in which Xvfb keeps its framebuffer (`-fbdir`)."""
        return Path(self.folder) / "framebuffer"


class Pids(msgspec.Struct, frozen=True):
    """The processes of a desktop; None for one that does not run."""

    supervisor: int
    x_server: int | None = None
    agent: int | None = None


class DesktopStatus(msgspec.Struct, frozen=True):
    """The state of a desktop, as its supervisor publishes it."""

    session: str
    state: DesktopState
    pids: Pids
    width_px: int
    height_px: int
    error: str | None = None
    display: str | None = None
    xauthority: str | None = None


def read_spec(folder: Path) -> DesktopSpec:
    """Raises DesktopError when the file is missing or malformed."""
    try:
        return msgspec.json.decode((folder / "spec.json").read_bytes(), type=DesktopSpec)
    except (OSError, msgspec.MsgspecError) as error:
        raise DesktopError(
            f"{folder / 'spec.json'} cannot be read: {error}.", next_step="Open the desktop again."
        ) from error


def write_spec(spec: DesktopSpec) -> None:
    write_private(Path(spec.folder) / "spec.json", msgspec.json.encode(spec))


def read_status(folder: Path) -> DesktopStatus | None:
    """Returns None until the supervisor has written the file. Raises DesktopError when it is malformed."""
    try:
        return msgspec.json.decode((folder / "status.json").read_bytes(), type=DesktopStatus)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DesktopError(
            f"{folder / 'status.json'} cannot be read: {error}.", next_step="Open the desktop again."
        ) from error


def write_status(folder: Path, status: DesktopStatus, mode: int = 0o600) -> None:
    write_private(folder / "status.json", msgspec.json.encode(status), mode)


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replaces the file atomically with one of this mode; readers see the old or the new content."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # whatever the umask is
        file.write(data)
    scratch.replace(path)
