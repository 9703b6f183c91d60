"""Reads the configuration from a file and the environment, and says in plain words what is wrong with it."""

from __future__ import annotations

import difflib
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from display_server.config.checks import check
from display_server.config.sections import SECTIONS, Config, DesktopConfig, TlsConfig
from display_server.errors import ConfigurationError
from display_server.oidc_config import OidcConfig

#: An unknown environment variable that is at least this similar to a known one (difflib's ratio, 0 to 1) is
#: reported as a misspelling; others are ignored.
MISSPELLING_RATIO = 0.75
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
#: The lists of tables.
_LISTS: Mapping[str, type[msgspec.Struct]] = {"desktops": DesktopConfig, "oidc": OidcConfig}
_WRONG_TYPE = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`")
_MISSING_KEY = re.compile(r"Object missing required field `(\w+)`")


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
    check(config, origin)
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

    Every key except `desktops`, `networks` and `oidc` has a variable. The items of a list are separated by
    commas.
    """
    known: dict[str, tuple[str | None, msgspec.structs.FieldInfo]] = {}
    for field in msgspec.structs.fields(Config):
        known[field.name.upper()] = (None, field)
    for name, struct in SECTIONS.items():
        del known[name.upper()]
        for field in msgspec.structs.fields(struct):
            known[f"{name}_{field.name}".upper()] = (name, field)
    del known["DESKTOPS"], known["NETWORKS"], known["OIDC"]
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
        if key in _LISTS and isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    _reject_unknown_keys(item, _LISTS[key], origin, f"{key}[{number}].")


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
        profiles=resolved(config.profiles),
        tls=TlsConfig(resolved(config.tls.certificate), resolved(config.tls.key), resolved(config.tls.root)),
        directory=replace(
            config.directory,
            ca_file=resolved(config.directory.ca_file),
            bind_password_file=resolved(config.directory.bind_password_file),
        ),
        video=replace(config.video, turn_secret_file=resolved(config.video.turn_secret_file)),
        metrics=replace(config.metrics, token_file=resolved(config.metrics.token_file)),
        database=replace(config.database, password_file=resolved(config.database.password_file)),
        audit=replace(config.audit, checkpoint_file=resolved(config.audit.checkpoint_file)),
        oidc=[
            replace(
                provider,
                ca_file=resolved(provider.ca_file),
                client_secret_file=resolved(provider.client_secret_file),
            )
            for provider in config.oidc
        ],
    )
