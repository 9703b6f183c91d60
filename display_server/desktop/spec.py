"""What launcher, keeper and agent tell each other: `spec.json` and `status.json` of a desktop's folder."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.video_settings import VideoSettings
from display_server.errors import DesktopError


class DesktopState(Enum):
    """`starting` → `ready` → `ended`, or `failed` from either of the first two."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    ENDED = "ended"


class DesktopSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One desktop as ordered by the launcher. Paths are absolute."""

    session: str
    user: str
    desktop: str
    profile: str
    width_px: int
    height_px: int
    home: str
    folder: str
    log_folder: str
    locale: str = "ko_KR.UTF-8"
    attach: str | None = None  # serve this X display instead of starting one
    share: bool = False  # several devices of the person may show it at once
    fixed: bool = False  # the size is the operator's; else windows give theirs
    clipboard: ClipboardPolicy = ClipboardPolicy()
    video: VideoSettings = VideoSettings()

    @property
    def socket(self) -> Path:
        """Where the agent listens."""
        return Path(self.folder) / "agent.sock"

    @property
    def framebuffer_folder(self) -> Path:
        """Xvfb's `-fbdir`, 0700."""
        return Path(self.folder) / "framebuffer"


class Pids(msgspec.Struct, frozen=True):
    keeper: int
    x_server: int | None = None
    agent: int | None = None


class DesktopStatus(msgspec.Struct, frozen=True):
    """One desktop as the keeper sees it."""

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
        raise DesktopError(f"{folder / 'spec.json'} cannot be used: {error}") from error


def write_spec(spec: DesktopSpec) -> None:
    write_private(Path(spec.folder) / "spec.json", msgspec.json.encode(spec))


def read_status(folder: Path) -> DesktopStatus | None:
    """None until the keeper has written it. Raises DesktopError when it is malformed."""
    try:
        return msgspec.json.decode((folder / "status.json").read_bytes(), type=DesktopStatus)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DesktopError(f"{folder / 'status.json'} cannot be used: {error}") from error


def write_status(folder: Path, status: DesktopStatus) -> None:
    write_private(folder / "status.json", msgspec.json.encode(status))


def write_private(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600 at once: a reader sees the old one or the new one, never half."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    scratch.replace(path)
