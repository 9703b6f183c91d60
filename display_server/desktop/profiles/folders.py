"""Where profiles are: in the operator's folder, if there is one, and in this package.

`NAME.toml` is a profile, and `NAME@VERSION.toml` a version of it, to which a pool can be recomposed. A
profile of the operator replaces the packaged one of the same name. Files that a profile names are searched in
its own folder first and then in this package, so that a copy of a packaged profile is a good start.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from display_server.errors import ConfigurationError
from display_server.spawner.layout import PROFILES_VARIABLE

PROFILES_FOLDER = Path(__file__).parent
#: The version of a profile whose file names none.
DEFAULT_VERSION = "default"
#: What may be the name of a profile or its version. It becomes a part of paths.
_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_NAME = re.compile(rf"{_WORD}(@{_WORD})?")


def operator_folder() -> Path | None:
    """Returns the operator's folder, or None."""
    chosen = os.environ.get(PROFILES_VARIABLE)
    return Path(chosen) if chosen else None


def use_operator_folder(folder: Path | None) -> None:
    """Has this process, and all that it starts, search profiles in this folder first."""
    if folder is not None:
        os.environ[PROFILES_VARIABLE] = str(folder)
    else:
        os.environ.pop(PROFILES_VARIABLE, None)


def names() -> list[str]:
    """Returns the names of all profiles, without their versions."""
    return sorted({name.partition("@")[0] for name in _all()})


def find(name: str) -> Path:
    """Returns the file of a profile. Raises ConfigurationError if there is none."""
    path = _all().get(name)
    if path is None:
        base, _, version = name.partition("@")
        known = versions(base)
        raise ConfigurationError(
            f"There is no version {version!r} of the profile {base!r}."
            if version and known
            else f"There is no profile {name!r}.",
            hint=f"Choose one of: {', '.join(known if version and known else names())}.",
        )
    return path


def versions(name: str) -> list[str]:
    """Returns the versions of a profile, in the order of their names; the one without a name comes first."""
    found = [stem for stem in _all() if stem.partition("@")[0] == name]
    return [stem.partition("@")[2] or DEFAULT_VERSION for stem in sorted(found)]


def with_version(name: str, version: str) -> str:
    """Returns the name under which `find` knows a version of a profile."""
    return name if version == DEFAULT_VERSION else f"{name}@{version}"


def operator_profiles() -> list[str]:
    """Returns the names of all profiles of the operator, with their versions.

    Raises ConfigurationError if the folder cannot be read, or has a file that can be no profile.
    """
    folder = operator_folder()
    if folder is None:
        return []
    try:
        found = sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise ConfigurationError(
            f"The folder of profiles {folder} cannot be read: {error.strerror}.",
            hint="Correct `profiles` in the configuration, or the permissions of the folder.",
        ) from error
    for name in found:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{folder / name}.toml: this cannot be the name of a profile.",
                hint="Use NAME.toml or NAME@VERSION.toml, each of at most 32 letters, digits, dots, hyphens "
                "and underscores.",
            )
    return found


def source_file(folder: Path, name: str) -> Path:
    """Returns the path of a file that a profile in `folder` names."""
    own = folder / name
    return own if own.is_file() or not (PROFILES_FOLDER / name).is_file() else PROFILES_FOLDER / name


def digest(paths: list[Path]) -> str:
    """Returns a text that differs when the content of one of these files does. Raises OSError."""
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def _all() -> dict[str, Path]:
    """Returns the files of all profiles by name and version."""
    found: dict[str, Path] = {}
    for folder in (PROFILES_FOLDER, operator_folder()):
        if folder is not None and folder.is_dir():
            found |= {path.stem: path for path in folder.glob("*.toml") if _NAME.fullmatch(path.stem)}
    return found
