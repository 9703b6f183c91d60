"""The sections of the configuration, their keys and defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.pool_settings import PoolSettings
from display_server.desktop.video_settings import DEFAULT_PORTS, VideoPolicy
from display_server.directory_config import DirectoryConfig
from display_server.errors import ConfigurationError
from display_server.oidc_config import OidcConfig
from display_server.spawner.network_messages import DEFAULT_NETWORK_RANGE

DEFAULT_PORT = 8443
#: Smallest width and height of a desktop, pixels.
SIZE_MIN_PX = 64
#: Largest width and height of a desktop, pixels. Larger canvases fail in some browsers.
SIZE_MAX_PX = 8192
#: Size of a desktop before its first viewer connects, if the configuration gives none.
INITIAL_SIZE = "1920x1080"
#: The folder of the package `display_server`.
PACKAGE = Path(__file__).resolve().parents[1]


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's certificate. Without it, a local authority issues the certificate.

    `root` is the certificate that devices install from /ca.crt, if it was `lightbox certificate issue` that
    issued the certificate, with an authority whose key the server cannot read.
    """

    certificate: Path | None = None
    key: Path | None = None
    root: Path | None = None


class SignInConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a browser is signed out: after a time without input, and after a time in any case.

    Limits per address are wide for addresses in `shared_networks`, because many people share each of them.
    `second_factor` says where people have to give a second factor: outside means outside of
    `inside_networks` (docs/second-factor.md).
    """

    idle_minutes: float = 30
    absolute_hours: float = 14
    shared_networks: list[str] = []
    second_factor: Literal["never", "outside", "always"] = "never"
    inside_networks: list[str] = []
    enrol_outside: bool = False  # people without a factor may set one up outside as well
    second_factor_at_unlock: bool = False
    passkey_verification: Literal["required", "preferred", "discouraged"] = "preferred"


class BadgeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people sign in with badges on enrolled devices (docs/devices.md).

    A reader types `prefix`, the digits of the number, and Enter. A right PIN counts for `pin_hours`.
    """

    enabled: bool = False
    prefix: str = ";"
    digits_min: int = 6
    digits_max: int = 20
    pin_hours: float = 8  # 0: each tap needs the PIN
    pin_tries: int = 5


class BreakGlassConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may open any desktop in an emergency, with a reason, and for how long (docs/devices.md)."""

    groups: list[str] = []  # empty: nobody
    minutes: float = 60


class LimitsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The largest numbers of connections and of one person's viewers (docs/limits.md)."""

    connections: int = 1024
    reserved_connections: int = 256  # for people who are signed in
    connections_per_address: int = 64  # of people who are not signed in
    connections_per_person: int = 128
    connections_per_device: int = 48
    viewers_per_person: int = 24


class ScreenLockConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the screen of a browser is locked, and when the page blanks the picture."""

    after_minutes: float = 10
    warning_seconds: float = 60
    take_back_seconds: float = 60
    blank_seconds: float = 10


class BrowserConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What browsers allow the page: devices and sensors, and frames of other sites. Nothing by default."""

    permissions: list[str] = []
    frame_ancestors: list[str] = []
    #: "same-site", or "cross-site" for portals whose site is another one than the gateway's.
    cookies: Literal["same-site", "cross-site"] = "same-site"


class UnattendedConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to desktops that nobody displays.

    They end after a time, unless it is 0, and programs that keep using the processor there are reported.
    """

    end_after_hours: float = 24
    report_busy_after_minutes: float = 10


class VideoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Video over WebRTC for motion.

    `addresses` are the addresses of this host that browsers try by UDP. If there are none, `host` is used,
    provided that it is a single address. Each viewer with video has one of the UDP `ports` on all of them.
    """

    addresses: list[str] = []
    ports: str = str(DEFAULT_PORTS)
    max_mbps: float = 20.0
    economy_mbps: float = 8.0
    turn_urls: list[str] = []
    turn_secret_file: Path | None = None


class IsolationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Containers of desktops: whether there are any, the host ids of their users, and their limits."""

    enabled: bool = True
    #: Without containers, Lightbox serves one person on this host alone. This lifts both limits, for tests:
    #: all people who can sign in can then read each other's files and screens.
    trust_everybody: bool = False
    #: Who starts the process that needs root: the server, which then needs root as well, or the service
    #: manager (`lightbox spawner`); the server then runs as a user without privileges.
    spawner: Literal["server", "service"] = "server"
    #: The Unix user of the gateway. Without it, a server that is root uses the last id of the range below.
    #: A gateway that the service manager starts needs a user with a name.
    gateway_user: str | None = None
    #: The first of `id_count` host ids that belong to desktops alone. This range is one that systemd leaves
    #: unused (its document UIDS-GIDS).
    id_base: int = 0x7000_0000
    id_count: int = 262_144
    memory_mb: int = 4096
    processes: int = 1024
    cpu_percent: int = 0  # 0 sets no limit
    temporary_mb: int = 1024
    #: The addresses of desktops that may reach something over the network. No other host uses them.
    network_range: str = str(DEFAULT_NETWORK_RANGE)
    home_gb: float = 0  # 0 sets no limit

    @property
    def one_person(self) -> bool:
        """Whether only one person at a time may have desktops, because they are not isolated."""
        return not self.enabled and not self.trust_everybody


class MetricsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may read `/metrics`: whoever knows the token. Without `token_file`, Lightbox creates one."""

    token_file: Path | None = None


class DatabaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where accounts and records are: an SQLite file of the state folder, or a database of PostgreSQL.

    `url` is a PostgreSQL address without a password, for which there is `password_file`.
    """

    url: str | None = None
    password_file: Path | None = None


class AuditConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long entries of the audit are kept, and where its checkpoints go (docs/audit.md)."""

    retention_years: int = 10
    checkpoint_file: Path | None = None
    checkpoint_minutes: float = 10
    syslog: str = ""  # as SyslogAddress.parse reads it; empty: none


class DesktopConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desktop that `users` and the members of `groups` may open. `*` stands for whoever has an account."""

    name: str
    profile: str
    title: str = ""
    size: str | None = None  # None: the desktop follows the size of the viewer's window
    users: list[str] = []
    groups: list[str] = []
    #: What happens to the desktop of a person who is no longer entitled to it, and after which warning.
    on_removal: Literal["warning", "sign-out", "at-once"] = "warning"
    removal_minutes: float = 5
    attach: str | None = None
    share: bool = False
    clipboard: ClipboardPolicy | None = None  # None: the profile's policy
    #: What programs may reach over the network if desktops are isolated; None: the profile's list.
    network: list[str] | None = None
    #: A floating pool: people get fresh desktops, which were started ahead. None: each has one of their own.
    pool: PoolSettings | None = None
    video: VideoPolicy = "adaptive"
    #: Policies of single monitors, by number. The numbers are text because TOML has no other keys.
    video_monitors: dict[str, VideoPolicy] = {}

    @property
    def size_px(self) -> tuple[int, int]:
        """The width and height that the desktop starts with.

        Without `size`, its first viewer changes them.
        """
        return parse_size(self.size or INITIAL_SIZE)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    names: list[str] = []
    #: The address that browsers use, if a reverse proxy hides it from the gateway.
    public_url: str | None = None
    #: Addresses and networks of reverse proxies whose X-Forwarded headers are believed.
    trusted_proxies: list[str] = []
    #: Networks by name, for policies (docs/policy.md).
    networks: dict[str, list[str]] = {}
    state: Path = msgspec.field(default_factory=lambda: default_state_folder(os.environ))
    web_client: Path = msgspec.field(default_factory=lambda: default_web_client())
    #: The folder of the operator's own profiles, which replace packaged ones of the same name.
    profiles: Path | None = None
    locale: str = "ko_KR.UTF-8"
    #: Multiplies the times after which parts of a desktop count as silent, input as late and processes of the
    #: server, from its start, as hung. More than 1 is for hosts that are overloaded on purpose.
    patience: float = 1.0
    tls: TlsConfig = msgspec.field(default_factory=TlsConfig)
    sign_in: SignInConfig = msgspec.field(default_factory=SignInConfig)
    badge: BadgeConfig = msgspec.field(default_factory=BadgeConfig)
    break_glass: BreakGlassConfig = msgspec.field(default_factory=BreakGlassConfig)
    directory: DirectoryConfig = msgspec.field(default_factory=DirectoryConfig)
    limits: LimitsConfig = msgspec.field(default_factory=LimitsConfig)
    screen_lock: ScreenLockConfig = msgspec.field(default_factory=ScreenLockConfig)
    browser: BrowserConfig = msgspec.field(default_factory=BrowserConfig)
    unattended: UnattendedConfig = msgspec.field(default_factory=UnattendedConfig)
    video: VideoConfig = msgspec.field(default_factory=VideoConfig)
    isolation: IsolationConfig = msgspec.field(default_factory=IsolationConfig)
    metrics: MetricsConfig = msgspec.field(default_factory=MetricsConfig)
    database: DatabaseConfig = msgspec.field(default_factory=DatabaseConfig)
    audit: AuditConfig = msgspec.field(default_factory=AuditConfig)
    oidc: list[OidcConfig] = []
    desktops: list[DesktopConfig] = []


#: The tables of the file, except the lists `oidc` and `desktops`.
SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "tls": TlsConfig,
    "sign_in": SignInConfig,
    "badge": BadgeConfig,
    "break_glass": BreakGlassConfig,
    "directory": DirectoryConfig,
    "limits": LimitsConfig,
    "screen_lock": ScreenLockConfig,
    "browser": BrowserConfig,
    "unattended": UnattendedConfig,
    "video": VideoConfig,
    "isolation": IsolationConfig,
    "metrics": MetricsConfig,
    "database": DatabaseConfig,
    "audit": AuditConfig,
}


def default_state_folder(environment: Mapping[str, str]) -> Path:
    """Returns `LIGHTBOX_STATE`, or else the folder that the XDG base directory specification prescribes."""
    if chosen := environment.get("LIGHTBOX_STATE"):
        return Path(chosen)
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else Path("~/.local/state").expanduser()) / "lightbox"


def default_web_client(package: Path = PACKAGE) -> Path:
    """Returns the web client's folder: in a wheel inside `package`, or else where `make setup` builds it."""
    installed = package / "web_client"
    return installed if installed.is_dir() else package.parent / "clients" / "web" / "dist"


def parse_size(size: str) -> tuple[int, int]:
    """Returns (1920, 1080) for `1920x1080`. Raises ConfigurationError when the text is not a valid size."""
    match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", size.strip().lower())
    if match:
        width, height = int(match[1]), int(match[2])
        if SIZE_MIN_PX <= width <= SIZE_MAX_PX and SIZE_MIN_PX <= height <= SIZE_MAX_PX:
            return width, height
    raise ConfigurationError(
        f"{size!r} is not a size.",
        hint=f"Write WIDTHxHEIGHT in pixels, each {SIZE_MIN_PX} to {SIZE_MAX_PX}, for example 1920x1080.",
    )
