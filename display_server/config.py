"""What the operator decides: a TOML file, then `LIGHTBOX_…` in the environment, checked as a whole before
anything starts.

`deploy/lightbox.example.toml` shows every key.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.video_settings import VideoPolicy, VideoSettings, monitor_policies
from display_server.errors import ConfigurationError

DEFAULT_PORT = 8443
#: What X servers and browsers' canvases take, in pixels.
SIZE_MIN_PX, SIZE_MAX_PX = 64, 8192
START_SIZE = "1920x1080"
DESKTOP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: How alike an unknown variable must be to a known one to be taken for a slip of the pen.
MISTYPED = 0.75
#: Where X servers listen: `X0` is display :0.
X_SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - fixed by X
ENVIRONMENT_PREFIX = "LIGHTBOX_"
#: Variables that share the prefix and belong to other parts (setup, logs, desktops).
NOT_OURS = frozenset({"LIGHTBOX_PYTHON", "LIGHTBOX_LOG_LEVEL", "LIGHTBOX_SESSION"})


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both or neither; with neither a local authority makes a certificate."""

    certificate: Path | None = None
    key: Path | None = None


class SignInConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    idle_minutes: float = 30
    absolute_hours: float = 14


class VideoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Video for what moves, over UDP. Without `addresses` the one of `host` is offered, if it is one."""

    addresses: list[str] = []
    max_mbps: float = 20.0
    economy_mbps: float = 8.0
    turn_urls: list[str] = []
    turn_secret_file: Path | None = None


class DesktopConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desktop that `users` may open; `*` stands for everybody with an account."""

    name: str
    profile: str
    title: str = ""
    size: str | None = None  # None: that of the window that shows it
    users: list[str] = []
    attach: str | None = None
    share: bool = False
    clipboard: ClipboardPolicy | None = None  # None: as the profile says
    video: VideoPolicy = "adaptive"
    #: Of monitors that have a policy of their own, by number.
    video_monitors: dict[str, VideoPolicy] = {}

    @property
    def size_px(self) -> tuple[int, int]:
        """At the start, where no size is given: a window's comes with its first viewer."""
        return parse_size(self.size or START_SIZE)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    names: list[str] = []
    state: Path = msgspec.field(default_factory=lambda: default_state_folder(os.environ))
    web_client: Path = msgspec.field(default_factory=lambda: default_web_client())
    locale: str = "ko_KR.UTF-8"
    tls: TlsConfig = msgspec.field(default_factory=TlsConfig)
    sign_in: SignInConfig = msgspec.field(default_factory=SignInConfig)
    video: VideoConfig = msgspec.field(default_factory=VideoConfig)
    desktops: list[DesktopConfig] = []


SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "tls": TlsConfig,
    "sign_in": SignInConfig,
    "video": VideoConfig,
}


def default_state_folder(environment: Mapping[str, str]) -> Path:
    """`LIGHTBOX_STATE`, else as the XDG base directory specification has it."""
    if chosen := environment.get("LIGHTBOX_STATE"):
        return Path(chosen)
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else Path("~/.local/state").expanduser()) / "lightbox"


def default_web_client() -> Path:
    """Where `make setup` builds it."""
    return Path(__file__).resolve().parent.parent / "clients" / "web" / "dist"


def parse_size(size: str) -> tuple[int, int]:
    """`1920x1080` → (1920, 1080). Raises ConfigurationError."""
    match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", size.strip().lower())
    if match:
        width, height = int(match[1]), int(match[2])
        if SIZE_MIN_PX <= width <= SIZE_MAX_PX and SIZE_MIN_PX <= height <= SIZE_MAX_PX:
            return width, height
    raise ConfigurationError(
        f"{size!r} is not a size.",
        hint=f"Write WIDTHxHEIGHT in pixels, each {SIZE_MIN_PX}…{SIZE_MAX_PX}, for example 1920x1080.",
    )


def check_display(display: str) -> None:
    """Whether `:N` is an X display of this host. Raises ConfigurationError."""
    match = re.fullmatch(r":(\d{1,5})(\.\d+)?", display)
    if match is None:
        raise ConfigurationError(f"{display!r} is not an X display.", hint="Write :N, for example :0.")
    if not (X_SOCKETS / f"X{match[1]}").exists():
        raise ConfigurationError(
            f"There is no X display {display} on this host.",
            hint=f"`ls {X_SOCKETS}` shows those there are.",
        )


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """The configuration of `path` (None: only defaults) and the environment. Raises ConfigurationError, which
    names key and cure.

    Relative paths in the file are relative to the file.
    """
    table = _read(path) if path else {}
    origin = str(path) if path else "environment"
    _apply_environment(table, environment)
    _refuse_unknown(table, Config, origin, "")
    try:
        config = msgspec.convert(table, Config, dec_hook=_to_path, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"{origin}: {error}", hint="deploy/lightbox.example.toml shows every key."
        ) from error
    if path:
        config = _anchored(config, path.absolute().parent)
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
            f"{path} cannot be read: {error.strerror}.", hint="deploy/lightbox.example.toml is a start."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error


def _apply_environment(table: dict[str, Any], environment: Mapping[str, str]) -> None:
    """`LIGHTBOX_PORT`, `LIGHTBOX_TLS_CERTIFICATE`, …: every key but `desktops`. Lists are separated by
    commas.
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
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in NOT_OURS:
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name not in known:
            if not difflib.get_close_matches(name, known, n=1, cutoff=MISTYPED):
                continue  # something else's
            raise ConfigurationError(
                f"The environment variable {variable} is not known.",
                hint=_nearest(name, known, prefix=ENVIRONMENT_PREFIX),
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
    except ValueError:
        raise ConfigurationError(f"{variable} must be a number, not {value!r}.") from None
    if kind == list[str]:
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _refuse_unknown(table: Mapping[str, Any], struct: type[msgspec.Struct], origin: str, where: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in table.items():
        if key not in fields:
            raise ConfigurationError(f"{origin}: there is no key `{where}{key}`.", hint=_nearest(key, fields))
        inner = SECTIONS.get(key) if not where else None
        if inner and isinstance(value, dict):
            _refuse_unknown(value, inner, origin, f"{key}.")
        if key == "desktops" and isinstance(value, list):
            for number, desktop in enumerate(value):
                if isinstance(desktop, dict):
                    _refuse_unknown(desktop, DesktopConfig, origin, f"desktops[{number}].")


def _nearest(key: str, known: Mapping[str, Any], *, prefix: str = "") -> str:
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f"Did you mean `{prefix}{near[0]}`?"
    return "Known: " + ", ".join(prefix + name for name in known) + "."


def _to_path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise TypeError(f"expected a path, got {type(value).__name__}")


def _anchored(config: Config, base: Path) -> Config:
    tls = TlsConfig(
        certificate=base / config.tls.certificate if config.tls.certificate else None,
        key=base / config.tls.key if config.tls.key else None,
    )
    secret = config.video.turn_secret_file
    video = msgspec.structs.replace(config.video, turn_secret_file=base / secret if secret else None)
    return msgspec.structs.replace(
        config, state=base / config.state, web_client=base / config.web_client, tls=tls, video=video
    )


def video_settings(config: Config) -> VideoSettings:
    """What agents are told. Raises ConfigurationError, also for a secret that others can read."""
    video = config.video
    addresses = video.addresses or ([config.host] if _is_one_address(config.host) else [])
    turn: dict[str, Any] | None = None
    if bool(video.turn_urls) != bool(video.turn_secret_file):
        raise ConfigurationError(
            "`video.turn_urls` and `video.turn_secret_file` belong together.",
            hint="The file has the secret of coturn's `static-auth-secret`.",
        )
    if video.turn_secret_file is not None:
        turn = {"urls": video.turn_urls, "secret": _read_secret(video.turn_secret_file)}
    wanted = {
        "addresses": addresses,
        "max_mbps": video.max_mbps,
        "economy_mbps": video.economy_mbps,
        "turn": turn,
    }
    try:
        return msgspec.convert(wanted, VideoSettings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"video: {error}", hint="deploy/lightbox.example.toml shows every key."
        ) from error


def _is_one_address(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _read_secret(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigurationError(f"{path} can be read by other users.", hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error


def _check(config: Config, origin: str) -> None:
    """What types alone cannot say."""
    if not 0 <= config.port <= 65535:
        raise ConfigurationError(f"{origin}: `port` must be 0…65535, not {config.port}.")
    if (config.tls.certificate is None) != (config.tls.key is None):
        raise ConfigurationError(
            f"{origin}: `tls.certificate` and `tls.key` belong together.",
            hint="Give both, or neither to use Lightbox's own local authority.",
        )
    for key, value in (
        ("idle_minutes", config.sign_in.idle_minutes),
        ("absolute_hours", config.sign_in.absolute_hours),
    ):
        if value <= 0:
            raise ConfigurationError(f"{origin}: `sign_in.{key}` must be more than 0, not {value:g}.")
    video_settings(config)
    seen = set()
    for desktop in config.desktops:
        if not DESKTOP_NAME.fullmatch(desktop.name):
            raise ConfigurationError(
                f"{origin}: {desktop.name!r} cannot be a desktop's name.",
                hint="Use up to 40 of: a-z 0-9 -, beginning with a letter or digit.",
            )
        if desktop.name in seen:
            raise ConfigurationError(f"{origin}: there are two desktops named {desktop.name!r}.")
        seen.add(desktop.name)
        try:
            parse_size(desktop.size or START_SIZE)
        except ConfigurationError as error:
            raise ConfigurationError(f"{origin}: desktop {desktop.name!r}: {error}") from error
        try:
            monitor_policies(desktop.video_monitors)
        except ValueError as error:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: `video_monitors`: {error}",
                hint='For example video_monitors = { 0 = "exact" }.',
            ) from error
