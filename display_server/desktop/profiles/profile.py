"""Profiles: what runs on a desktop. One TOML file of `profiles/` each; programs' settings lie beside it."""

from __future__ import annotations

import sys
import tomllib
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.x11.monitors import SCREEN_MAX
from display_server.errors import ConfigurationError

FOLDER = Path(__file__).parent


Side = Annotated[int, msgspec.Meta(ge=320, le=32_767)]


class Restart(Enum):
    """When a program is started again after it ended."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`command` may hold {settings}, the profile folder, {home}, and {python}, our own interpreter.

    A part with `*` stands for the files that it matches in the home.
    """

    name: str
    command: list[str]
    package: str  # of Debian, for whoever misses the program
    restart: Restart = Restart.NEVER
    window_manager: bool = False  # the others wait for it, so that it places their windows
    delay_s: float = 0.0
    environment: dict[str, str] = {}


class Placed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is copied into the home. With `keep`, what is there stays: a person may have changed it."""

    source: str
    target: str
    keep: bool = True


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file that a profile's `settings` names."""

    files: list[Placed]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: dict[str, str]  # by language: en, ko
    programs: list[Program] = []
    settings: str | None = None  # a file beside the profile: what is copied into the home
    folders: list[str] = []  # made in the home
    environment: dict[str, str] = {}
    studies: bool = False  # the sample studies are laid into the home
    session_bus: bool = True
    #: What the screen can grow to by monitors, px. It takes memory for what it shows, not for this.
    screen_max: tuple[Side, Side] = SCREEN_MAX
    #: What may cross the clipboard, unless the configuration says otherwise.
    clipboard: ClipboardPolicy = ClipboardPolicy()


def names() -> list[str]:
    """All profiles there are."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, folder: Path = FOLDER) -> Profile:
    """Raises ConfigurationError that names file, key and cure."""
    path = folder / f"{name}.toml"
    if not path.is_file() or path.parent != folder:
        raise ConfigurationError(
            f"There is no profile {name!r}.", hint=f"Choose one of: {', '.join(names())}."
        )
    try:
        profile = msgspec.convert(_read(path), Profile)
        files = placed_files(profile, folder)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            f"{path}: {error}", hint="profiles/radiology.toml shows every key."
        ) from error
    _check(profile, files, path)
    return profile


def placed_files(profile: Profile, folder: Path = FOLDER) -> list[Placed]:
    """What `settings` names."""
    return msgspec.convert(_read(folder / profile.settings), Settings).files if profile.settings else []


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _check(profile: Profile, files: list[Placed], path: Path) -> None:
    if not {"en", "ko"} <= profile.title.keys():
        raise ConfigurationError(f"{path}: title needs both en and ko.")
    seen: set[str] = set()
    for program in profile.programs:
        if not program.command or not program.command[0]:
            raise ConfigurationError(f"{path}: the program {program.name!r} has no command.")
        if program.name in seen:
            raise ConfigurationError(f"{path}: two programs are named {program.name!r}.")
        seen.add(program.name)
    if sum(program.window_manager for program in profile.programs) > 1:
        raise ConfigurationError(f"{path}: there can be only one window manager.")
    for place in [placed.target for placed in files] + profile.folders:
        if Path(place).is_absolute() or ".." in Path(place).parts:
            raise ConfigurationError(f"{path}: {place!r} is not inside the home.")
    for placed in files:
        if not (path.parent / placed.source).is_file():
            raise ConfigurationError(f"{path}: there is no file {placed.source!r} beside it.")


def fill(text: str, home: Path) -> str:
    """The text with its places filled in."""
    places = {"{settings}": str(FOLDER), "{home}": str(home), "{python}": sys.executable}
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def expand(command: list[str], home: Path) -> list[str]:
    """The command with its places filled in. A pattern that matches nothing is left out."""
    result: list[str] = []
    for part in command:
        filled = fill(part, home)
        if "*" in filled and filled.startswith(str(home)):
            result += sorted(str(path) for path in home.glob(filled[len(str(home)) + 1 :]))
        else:
            result.append(filled)
    return result
