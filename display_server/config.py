"""The operator's configuration: a TOML file, whose values `LIGHTBOX_…` environment variables override.

The whole configuration is checked before anything starts. `deploy/lightbox.example.toml` shows every key.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.network_access import parse_entries
from display_server.desktop.video_settings import (
    DEFAULT_PORTS,
    PortRange,
    VideoNetworkSettings,
    VideoPolicy,
    VideoSettings,
    monitor_policies,
)
from display_server.errors import ConfigurationError
from display_server.spawner.network_messages import DEFAULT_NETWORK_RANGE

DEFAULT_PORT = 8443
#: Addresses that RFC 6598 reserves for translation by carriers. They are not in the Internet.
SHARED_ADDRESSES = ipaddress.IPv4Network("100.64.0.0/10")
#: Smallest width and height of a desktop, pixels.
SIZE_MIN_PX = 64
#: Largest width and height of a desktop, pixels. Larger canvases fail in some browsers.
SIZE_MAX_PX = 8192
#: Size of a desktop before its first viewer connects, if the configuration gives none.
INITIAL_SIZE = "1920x1080"
#: Largest `patience`.
PATIENCE_MAX = 100
#: Largest `limits.connections`. Each takes up to three of the 8192 file descriptors that the server asks for.
CONNECTIONS_MAX = 2500
#: Connections that no reserve may take: people who are not signed in need some in order to sign in.
UNRESERVED_MIN = 16
#: Allowed names of desktops. They appear in URLs and folder names.
DESKTOP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: An unknown environment variable that is at least this similar to a known one (difflib's ratio, 0 to 1) is
#: reported as a misspelling; others are ignored.
MISSPELLING_RATIO = 0.75
#: The folder of the X servers' sockets; `X0` belongs to display :0.
X_SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - fixed by X
ENVIRONMENT_PREFIX = "LIGHTBOX_"
#: Variables with the same prefix that are not part of the configuration. They belong to the setup script, the
#: logs and the desktops.
OTHER_VARIABLES = frozenset({"LIGHTBOX_PYTHON", "LIGHTBOX_MOTION", "LIGHTBOX_LOG_LEVEL", "LIGHTBOX_SESSION"})
#: What msgspec calls the types of TOML, in plain words.
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_WRONG_TYPE = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`")
_MISSING_KEY = re.compile(r"Object missing required field `(\w+)`")


S = TypeVar("S", bound=msgspec.Struct)


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
    """

    idle_minutes: float = 30
    absolute_hours: float = 14
    shared_networks: list[str] = []


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


class DesktopConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desktop that `users` may open. `*` stands for everybody who has an account."""

    name: str
    profile: str
    title: str = ""
    size: str | None = None  # None: the desktop follows the size of the viewer's window
    users: list[str] = []
    attach: str | None = None
    share: bool = False
    clipboard: ClipboardPolicy | None = None  # None: the profile's policy
    #: What programs may reach over the network if desktops are isolated; None: the profile's list.
    network: list[str] | None = None
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
    state: Path = msgspec.field(default_factory=lambda: default_state_folder(os.environ))
    web_client: Path = msgspec.field(default_factory=lambda: default_web_client())
    locale: str = "ko_KR.UTF-8"
    #: Multiplies the times after which parts of a desktop count as silent and input as late. More than 1 is
    #: for hosts that are overloaded on purpose.
    patience: float = 1.0
    tls: TlsConfig = msgspec.field(default_factory=TlsConfig)
    sign_in: SignInConfig = msgspec.field(default_factory=SignInConfig)
    limits: LimitsConfig = msgspec.field(default_factory=LimitsConfig)
    screen_lock: ScreenLockConfig = msgspec.field(default_factory=ScreenLockConfig)
    browser: BrowserConfig = msgspec.field(default_factory=BrowserConfig)
    unattended: UnattendedConfig = msgspec.field(default_factory=UnattendedConfig)
    video: VideoConfig = msgspec.field(default_factory=VideoConfig)
    isolation: IsolationConfig = msgspec.field(default_factory=IsolationConfig)
    metrics: MetricsConfig = msgspec.field(default_factory=MetricsConfig)
    desktops: list[DesktopConfig] = []


#: The tables of the file, except the list `desktops`.
SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "tls": TlsConfig,
    "sign_in": SignInConfig,
    "limits": LimitsConfig,
    "screen_lock": ScreenLockConfig,
    "browser": BrowserConfig,
    "unattended": UnattendedConfig,
    "video": VideoConfig,
    "isolation": IsolationConfig,
    "metrics": MetricsConfig,
}


def default_state_folder(environment: Mapping[str, str]) -> Path:
    """Returns `LIGHTBOX_STATE`, or else the folder that the XDG base directory specification prescribes."""
    if chosen := environment.get("LIGHTBOX_STATE"):
        return Path(chosen)
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else Path("~/.local/state").expanduser()) / "lightbox"


def default_web_client() -> Path:
    """Returns the web client's folder: in an installed wheel, or else where `make setup` builds it."""
    package = Path(__file__).resolve().parent
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


def check_display(display: str) -> None:
    """Raises ConfigurationError when `display` is not an X display of this host, written as `:N`."""
    match = re.fullmatch(r":(\d{1,5})(\.\d+)?", display)
    if match is None:
        raise ConfigurationError(f"{display!r} is not an X display.", hint="Write :N, for example :0.")
    if not (X_SOCKETS / f"X{match[1]}").exists():
        raise ConfigurationError(
            f"There is no X display {display} on this host.",
            hint=f"To see the existing displays, run `ls {X_SOCKETS}`.",
        )


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Reads the configuration from the file and the environment; without a file, from the environment alone.

    Relative paths in the file are relative to the file's folder. Raises ConfigurationError, which names the
    key and the next step.
    """
    table = _read(path) if path else {}
    origin = str(path) if path else "environment"
    _override_from_environment(table, environment)
    _reject_unknown_keys(table, Config, origin, "")
    try:
        config = msgspec.convert(table, Config, dec_hook=_to_path, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"{origin}: {_in_words(error)}.", hint="deploy/lightbox.example.toml shows every key."
        ) from error
    if path:
        config = _resolve_paths(config, path.absolute().parent)
    _check(config, origin)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o022:
            raise ConfigurationError(
                f"{path} can be changed by other users (mode {stat.S_IMODE(mode):04o}).",
                hint=f"chmod go-w {path}",
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.",
            hint="Check the path, or start from a copy of deploy/lightbox.example.toml.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not valid TOML: {error}.",
            hint="Correct that line; deploy/lightbox.example.toml shows the form of every key.",
        ) from error


def _override_from_environment(table: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Overrides values of the file with environment variables such as LIGHTBOX_TLS_CERTIFICATE.

    Every key except `desktops` has a variable. The items of a list are separated by commas.
    """
    known: dict[str, tuple[str | None, msgspec.structs.FieldInfo]] = {}
    for field in msgspec.structs.fields(Config):
        known[field.name.upper()] = (None, field)
    for name, struct in SECTIONS.items():
        del known[name.upper()]
        for field in msgspec.structs.fields(struct):
            known[f"{name}_{field.name}".upper()] = (name, field)
    del known["DESKTOPS"]
    for variable, value in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in OTHER_VARIABLES:
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name not in known:
            if not difflib.get_close_matches(name, known, n=1, cutoff=MISSPELLING_RATIO):
                continue  # the variable belongs to another program
            raise ConfigurationError(
                f"There is no configuration key for the environment variable {variable}.",
                hint=_suggestion(name, known, prefix=ENVIRONMENT_PREFIX),
            )
        section, field = known[name]
        target = table.setdefault(section, {}) if section else table
        if isinstance(target, dict):
            target[field.name] = _from_text(variable, value, field.type)


def _from_text(variable: str, value: str, kind: Any) -> Any:
    try:
        if kind is int:
            return int(value)
        if kind is float:
            return float(value)
        if kind is bool:
            return {"true": True, "false": False}[value.lower()]
    except ValueError:
        raise ConfigurationError(
            f"{variable} must be a number, not {value!r}.", hint="Set it to digits, or unset it."
        ) from None
    except KeyError:
        raise ConfigurationError(
            f"{variable} must be true or false, not {value!r}.", hint="Set it to one of them, or unset it."
        ) from None
    if kind == list[str]:
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _reject_unknown_keys(
    table: Mapping[str, Any], struct: type[msgspec.Struct], origin: str, where: str
) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in table.items():
        if key not in fields:
            raise ConfigurationError(
                f"{origin}: there is no key `{where}{key}`.", hint=_suggestion(key, fields)
            )
        inner = SECTIONS.get(key) if not where else None
        if inner and isinstance(value, dict):
            _reject_unknown_keys(value, inner, origin, f"{key}.")
        if key == "desktops" and isinstance(value, list):
            for number, desktop in enumerate(value):
                if isinstance(desktop, dict):
                    _reject_unknown_keys(desktop, DesktopConfig, origin, f"desktops[{number}].")


def _suggestion(key: str, known: Mapping[str, Any], *, prefix: str = "") -> str:
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f"Did you mean `{prefix}{near[0]}`?"
    return "The known names are: " + ", ".join(prefix + name for name in known) + "."


def _in_words(error: msgspec.ValidationError) -> str:
    """Says in plain words which key is wrong and why: "`port` must be a whole number, not text"."""
    text, _, place = str(error).partition(" - at `$")
    key = place.rstrip("`").lstrip(".") or "the configuration"
    if wrong := _WRONG_TYPE.fullmatch(text):
        return f"`{key}` must be {_KINDS.get(wrong[1], wrong[1])}, not {_KINDS.get(wrong[2], wrong[2])}"
    if missing := _MISSING_KEY.fullmatch(text):
        return f"`{key}` lacks the key `{missing[1]}`"
    return f"`{key}` is wrong: {text[:1].lower()}{text[1:]}"


def _to_path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise TypeError(f"expected a path, got {type(value).__name__}")


def _resolve_paths(config: Config, base: Path) -> Config:
    """Makes the paths absolute that are relative to the folder `base`."""

    def resolved(path: Path | None) -> Path | None:
        return base / path if path else None

    replace = msgspec.structs.replace
    return replace(
        config,
        state=base / config.state,
        web_client=base / config.web_client,
        tls=TlsConfig(resolved(config.tls.certificate), resolved(config.tls.key), resolved(config.tls.root)),
        video=replace(config.video, turn_secret_file=resolved(config.video.turn_secret_file)),
        metrics=replace(config.metrics, token_file=resolved(config.metrics.token_file)),
    )


def video_settings(config: Config) -> VideoSettings:
    """Returns the video settings for the agents. Raises ConfigurationError when they are wrong."""
    video = config.video
    fields = {
        "addresses": _video_addresses(config),
        "max_mbps": video.max_mbps,
        "economy_mbps": video.economy_mbps,
        "relays": bool(video.turn_urls),
    }
    return _convert_video(fields, VideoSettings)


def video_network_settings(config: Config) -> VideoNetworkSettings:
    """Returns the settings of the gateway's VideoNetwork, which no agent gets.

    Raises ConfigurationError when they are wrong or the secret of the TURN server can be read by other users.
    """
    video = config.video
    turn: dict[str, Any] | None = None
    try:
        ports = PortRange.parse(video.ports)
    except ValueError as error:
        raise ConfigurationError(
            f"`video.ports`: {error}.",
            hint="Each viewer with video needs one port. Open the range in the firewall (docs/network.md).",
        ) from error
    if bool(video.turn_urls) != bool(video.turn_secret_file):
        raise ConfigurationError(
            "`video.turn_urls` and `video.turn_secret_file` belong together.",
            hint="Set both, or neither. The file contains the `static-auth-secret` of coturn.",
        )
    if video.turn_secret_file is not None:
        turn = {"urls": video.turn_urls, "secret": read_secret(video.turn_secret_file)}
    fields = {"addresses": _video_addresses(config), "ports": msgspec.to_builtins(ports), "turn": turn}
    return _convert_video(fields, VideoNetworkSettings)


def network_range(isolation: IsolationConfig) -> ipaddress.IPv4Network:
    """Returns the addresses of desktops. Raises ConfigurationError when they are wrong."""
    try:
        own_range = ipaddress.IPv4Network(isolation.network_range)
    except ValueError as error:
        raise ConfigurationError(
            f"`isolation.network_range`: {error}.", hint=f"For example {DEFAULT_NETWORK_RANGE}."
        ) from error
    if not own_range.is_private and not own_range.subnet_of(SHARED_ADDRESSES):
        raise ConfigurationError(
            f"`isolation.network_range`: {own_range} has addresses of other hosts in the Internet.",
            hint=f"Choose a private range that nobody uses, for example {DEFAULT_NETWORK_RANGE}.",
        )
    return own_range


def check_network(texts: Sequence[str], own_range: ipaddress.IPv4Network) -> None:
    """Checks the list of what a desktop may reach. Raises ValueError."""
    for entry in parse_entries(texts):
        if isinstance(entry.host, ipaddress.IPv4Network) and entry.host.subnet_of(own_range):
            raise ValueError(f"{entry.host} belongs to desktops, which never reach each other")


def _video_addresses(config: Config) -> list[str]:
    return config.video.addresses or ([config.host] if _is_one_address(config.host) else [])


def _convert_video(fields: Mapping[str, Any], kind: type[S]) -> S:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"video: {error}", hint="deploy/lightbox.example.toml shows every key."
        ) from error


def _is_one_address(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def read_secret(path: Path) -> str:
    """Returns the text of a file. Raises ConfigurationError when other users can read it as well."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigurationError(f"{path} can be read by other users.", hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.", hint="Check the path and the permissions of the file."
        ) from error


def _check(config: Config, origin: str) -> None:
    """Checks what the types do not express. Raises ConfigurationError; `origin` names the source."""
    if not 0 <= config.port <= 65535:
        raise ConfigurationError(
            f"{origin}: `port` must be from 0 to 65535, not {config.port}.",
            hint="Choose one above 1023; 0 selects a free one.",
        )
    if (config.tls.certificate is None) != (config.tls.key is None):
        raise ConfigurationError(
            f"{origin}: `tls.certificate` and `tls.key` belong together.",
            hint="Set both, or neither to use Lightbox's local authority.",
        )
    if config.tls.root is not None and config.tls.certificate is None:
        raise ConfigurationError(
            f"{origin}: `tls.root` needs `tls.certificate` and `tls.key`.",
            hint="Set all three to the files that `lightbox certificate issue` writes, or none.",
        )
    for key, value in (
        ("sign_in.idle_minutes", config.sign_in.idle_minutes),
        ("sign_in.absolute_hours", config.sign_in.absolute_hours),
        ("screen_lock.after_minutes", config.screen_lock.after_minutes),
    ):
        if value <= 0:
            raise ConfigurationError(
                f"{origin}: `{key}` must be more than 0, not {value:g}.", hint="Leave it out for the default."
            )
    for key in ("warning_seconds", "take_back_seconds", "blank_seconds"):
        seconds: float = getattr(config.screen_lock, key)
        if seconds < 0:
            raise ConfigurationError(
                f"{origin}: `screen_lock.{key}` must not be less than 0, not {seconds:g}.",
                hint="0 means at once; leave it out for the default.",
            )
    if config.browser.cookies == "cross-site" and not config.browser.frame_ancestors:
        raise ConfigurationError(
            f'{origin}: `browser.cookies` must not be "cross-site" without `browser.frame_ancestors`.',
            hint="Name the portals that show Lightbox in a frame, or leave both out.",
        )
    _check_limits(config.limits, origin)
    if config.unattended.end_after_hours < 0:
        raise ConfigurationError(
            f"{origin}: `unattended.end_after_hours` must not be less than 0, not "
            f"{config.unattended.end_after_hours:g}.",
            hint="0 lets unattended desktops run on; leave it out for the default.",
        )
    if config.unattended.report_busy_after_minutes <= 0:
        raise ConfigurationError(
            f"{origin}: `unattended.report_busy_after_minutes` must be more than 0, not "
            f"{config.unattended.report_busy_after_minutes:g}.",
            hint="Leave it out for the default.",
        )
    if not 1 <= config.patience <= PATIENCE_MAX:
        raise ConfigurationError(
            f"{origin}: `patience` must be from 1 to {PATIENCE_MAX}, not {config.patience:g}.",
            hint="Leave it out, unless the host is overloaded on purpose.",
        )
    video_settings(config)
    video_network_settings(config)
    own_range = network_range(config.isolation)
    seen = set()
    for desktop in config.desktops:
        if not DESKTOP_NAME.fullmatch(desktop.name):
            raise ConfigurationError(
                f"{origin}: {desktop.name!r} cannot be a desktop's name.",
                hint="Use 1 to 40 of the characters a-z 0-9 - and begin with a letter or digit.",
            )
        if desktop.name in seen:
            raise ConfigurationError(
                f"{origin}: there are two desktops named {desktop.name!r}.",
                hint="Give each desktop a name of its own.",
            )
        seen.add(desktop.name)
        try:
            parse_size(desktop.size or INITIAL_SIZE)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: {error.cause}", hint=error.hint
            ) from error
        try:
            check_network(desktop.network or [], own_range)
        except ValueError as error:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: `network`: {error}.",
                hint="docs/network.md explains the list of what a desktop may reach.",
            ) from error
        try:
            monitor_policies(desktop.video_monitors)
        except ValueError as error:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: `video_monitors`: {error}",
                hint='For example: video_monitors = { 0 = "exact" }',
            ) from error


def _check_limits(limits: LimitsConfig, origin: str) -> None:
    for key in limits.__struct_fields__:
        number: int = getattr(limits, key)
        if number < (0 if key == "reserved_connections" else 1):
            raise ConfigurationError(
                f"{origin}: `limits.{key}` is too small: {number}.", hint="Leave it out for the default."
            )
    if limits.connections > CONNECTIONS_MAX:
        raise ConfigurationError(
            f"{origin}: `limits.connections` must be at most {CONNECTIONS_MAX}, not {limits.connections}.",
            hint="Distribute more people over several servers.",
        )
    if limits.reserved_connections > limits.connections - UNRESERVED_MIN:
        raise ConfigurationError(
            f"{origin}: `limits.reserved_connections` must be at least {UNRESERVED_MIN} less than "
            f"`limits.connections`, which is {limits.connections}.",
            hint="People who are not signed in need connections to sign in. Reserve fewer, or allow more.",
        )
