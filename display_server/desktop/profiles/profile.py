"""Reads profiles. Each TOML file of the folders is one; `settings/` has the settings files of the programs.

`folders.py` says where they are, and `docs/guides/add-a-profile.md` shows how to write one.
"""

from __future__ import annotations

import re
import sys
import tomllib
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.network_access import parse_entries
from display_server.desktop.profiles.folders import (
    PROFILES_FOLDER,
    digest,
    find,
    names,
    operator_folder,
    operator_profiles,
    source_file,
)
from display_server.desktop.profiles.glyphs import bitmap
from display_server.desktop.profiles.toml_lines import Place as TomlPlace
from display_server.desktop.profiles.toml_lines import line_of, place_in
from display_server.desktop.x11.monitors import SCREEN_MAX
from display_server.desktop.x11.window_fit import Place, WindowRule
from display_server.errors import ConfigurationError

#: The next step after a mistake in a profile.
GUIDE = "docs/guides/add-a-profile.md lists all keys."

__all__ = ["PROFILES_FOLDER", "Profile", "load", "names"]

#: A width or height of a screen, px. X11 has signed 16-bit coordinates.
ScreenSide = Annotated[int, msgspec.Meta(ge=320, le=32_767)]
#: A part of the work area of a monitor.
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
#: Left edge, upper edge, width and height.
FramePlace = tuple[Fraction, Fraction, Fraction, Fraction]
#: A number of a settings file that grows with the text size, for example `{scaled:40}`. A second number, in
#: `{scaled:5:24}`, is the value at 200 %: fingers need more than twice the room of a mouse.
_SCALED = re.compile(r"\{scaled:([0-9]+)(?::([0-9]+))?\}")
#: The line in a message of tomllib, which has no attribute for it in this version of Python.
_LINE = re.compile(r"at line (\d+)")
#: A settings file's glyph of a title bar, for example `{glyph:close}`.
_GLYPH = re.compile(r"\{glyph:([a-z_]+)\}")

#: Browsers, whose sandboxes make namespaces, and which read the policies that are written for them.
BROWSERS = frozenset({"chromium", "firefox", "firefox-esr"})
#: A home page: its address becomes a part of JSON files.
HOME_PAGE = r"\A(https?|file)://[^\s\"\\]+\Z"
#: Arguments and variables that turn a part of a browser's sandbox off. No profile may have them.
_WITHOUT_SANDBOX = re.compile(r"--(no-.*sandbox|disable-.*sandbox|single-process)|MOZ_DISABLE_.*_SANDBOX")

#: Where the list of desktops shows a profile: among the desktops, among the tools, or not at all. A desktop
#: that is not listed can still be opened by its address.
Kind = Literal["desktop", "tool", "unlisted"]


class Restart(Enum):
    """When a program is restarted after it has ended."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


class ProgramWindow(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"window_class": "class"}
):
    """Where the first window of a program belongs: either `place` or `maximised`."""

    #: The second part of the window's WM_CLASS, as `xprop WM_CLASS` prints it.
    window_class: str
    #: Left edge, upper edge, width and height, in fractions of the monitor's work area.
    place: FramePlace | None = None
    #: The same in a work area that is higher than wide; `place` if it is not given.
    upright: FramePlace | None = None
    maximised: bool = False


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that the supervisor starts.

    Parts of `command` may contain {settings}, the folder of the packaged profiles, {profiles}, that of the
    operator's, {home}, and {python}, the interpreter of Lightbox. A part that contains `*` is replaced by the
    files of the home that match it.
    """

    name: str
    command: list[str]
    #: The Debian package that contains the program, for the hint when the program is missing.
    package: str
    restart: Restart = Restart.NEVER
    #: Whether this is the window manager. The other programs start after it, so that it places their windows.
    window_manager: bool = False
    #: Whether the person starts it, for example in the taskbar, and not the supervisor. The profile then only
    #: says where its window belongs, and that the program has to be installed.
    on_demand: bool = False
    #: Delay of the start, s.
    delay_s: float = 0.0
    environment: dict[str, str] = {}
    window: ProgramWindow | None = None
    #: The signal that makes the program read its settings again after the text size changed.
    text_size_signal: Literal["SIGUSR1", "SIGUSR2", "SIGHUP"] | None = None


class Browser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The browser of a profile, which isolated desktops give the policies of `settings/browser-policies`."""

    #: The name of one of the profile's programs. It is one of BROWSERS.
    program: str
    #: The page with which it starts. May contain {settings}.
    home_page: Annotated[str, msgspec.Meta(pattern=HOME_PAGE)]


class HomeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is copied into the home, from `source` beside the profile to `target` in the home.

    With `keep`, a file that exists is not replaced, because the person may have changed it.
    """

    source: str
    target: str
    keep: bool = True


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file that a profile's `settings` names."""

    files: list[HomeFile]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A profile. The fields are the keys of its TOML file."""

    #: The name that people see, by language: `en` and `ko`.
    title: dict[str, str]
    kind: Kind = "desktop"
    programs: list[Program] = []
    #: A TOML file beside the profile that lists the files to copy into the home (`Settings`).
    settings: str | None = None
    #: Folders that are created in the home.
    folders: list[str] = []
    #: Environment variables of all programs.
    environment: dict[str, str] = {}
    #: Whether the sample studies are copied into the home.
    studies: bool = False
    #: Whether the programs get a D-Bus session bus.
    session_bus: bool = True
    #: The size to which the screen can grow, px. Memory is used only for the part that monitors show.
    screen_max: tuple[ScreenSide, ScreenSide] = SCREEN_MAX
    #: What may cross the clipboard, unless the configuration of the desktop says otherwise.
    clipboard: ClipboardPolicy = ClipboardPolicy()
    browser: Browser | None = None
    #: Whether programs may make namespaces in an isolated desktop. Only the sandbox of `browser` needs that.
    nested_namespaces: bool = False
    #: What programs may reach over the network, unless the configuration of the desktop says otherwise.
    network: list[str] = []


class _MistakeError(Exception):
    """What is wrong with a profile, and where."""

    def __init__(self, cause: str, *place: str | int) -> None:
        super().__init__(cause)
        self.place: TomlPlace = place


def load(name: str, folder: Path | None = None) -> Profile:
    """Reads and checks a profile, with its version as `NAME@VERSION`.

    `folder` replaces the folders where profiles are. Raises ConfigurationError that names the file, the line
    and the remedy.
    """
    path = find(name) if folder is None else folder / f"{name}.toml"
    text = ""
    try:
        text = path.read_text("utf-8")
        profile = msgspec.convert(tomllib.loads(text), Profile)
        files = home_files(profile, path.parent)
        _check(profile, files, path.parent)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, error) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}", hint=GUIDE) from error
    except msgspec.ValidationError as error:
        plain, place = place_in(str(error))
        raise _mistake(path, text, plain, place) from error
    except _MistakeError as error:
        raise _mistake(path, text, str(error), error.place) from error
    return profile


def _mistake(path: Path, text: str, cause: str, place: TomlPlace) -> ConfigurationError:
    """Returns the error that names file and line."""
    line = line_of(text, place) or 1
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    named = f" ({where})" if where and where.rpartition(".")[2] not in cause else ""
    return ConfigurationError(f"{path}:{line}: {cause.rstrip('.')}{named}.", hint=GUIDE)


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> ConfigurationError:
    found = _LINE.search(str(error))
    line = int(found[1]) if found else len(text.splitlines())  # it also says "at end of document"
    return ConfigurationError(f"{path}:{line}: this is not TOML: {error}.", hint=GUIDE)


def load_operator_profiles() -> None:
    """Reads all profiles of the operator. Raises ConfigurationError at the first mistake."""
    for name in operator_profiles():
        load(name)


def digest_of(name: str) -> str:
    """Returns a text that differs when a profile, or a file that it copies into the home, does.

    Raises ConfigurationError.
    """
    path = find(name)
    profile = load(name)
    settings = [source_file(path.parent, profile.settings)] if profile.settings else []
    sources = [source_file(path.parent, file.source) for file in home_files(profile, path.parent)]
    return digest([path, *settings, *sources])


def window_rules(profile: Profile) -> list[WindowRule]:
    """Returns where the windows of the profile's programs belong."""
    return [
        WindowRule(
            window.window_class,
            Place(*window.place) if window.place else None,
            Place(*window.upright) if window.upright else None,
            program.on_demand,
        )
        for program in profile.programs
        if (window := program.window) is not None
    ]


def home_files(profile: Profile, folder: Path = PROFILES_FOLDER) -> list[HomeFile]:
    """Returns the files that the settings of a profile in `folder` copy into the home.

    Raises ConfigurationError, which names the line of a mistake, and OSError.
    """
    if not profile.settings:
        return []
    path = source_file(folder, profile.settings)
    text = path.read_text("utf-8")
    try:
        return msgspec.convert(tomllib.loads(text), Settings).files
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, error) from error
    except msgspec.ValidationError as error:
        plain, place = place_in(str(error))
        raise _mistake(path, text, plain, place) from error


def folder_of(name: str) -> Path:
    """Returns the folder of a profile. Raises ConfigurationError."""
    return find(name).parent


def _check(profile: Profile, files: list[HomeFile], folder: Path) -> None:
    if not {"en", "ko"} <= profile.title.keys():
        raise _MistakeError("title needs both en and ko", "title")
    seen: set[str] = set()
    for number, program in enumerate(profile.programs):
        place = "programs", number
        if not program.command or not program.command[0]:
            raise _MistakeError(f"the program {program.name!r} has no command", *place, "command")
        if program.name in seen:
            raise _MistakeError(f"two programs have the name {program.name!r}", *place, "name")
        if program.on_demand and program.window_manager:
            raise _MistakeError(
                f"the window manager {program.name!r} cannot be started on demand", *place, "on_demand"
            )
        seen.add(program.name)
        _check_window(program, *place, "window")
    _check_browser(profile)
    managers = [number for number, program in enumerate(profile.programs) if program.window_manager]
    if len(managers) > 1:
        raise _MistakeError("only one window manager is allowed", "programs", managers[1], "window_manager")
    try:
        parse_entries(profile.network)
    except ValueError as error:
        raise _MistakeError(f"network: {error}", "network") from error
    for name in profile.folders:
        if _is_outside(name):
            raise _MistakeError(f"{name!r} is not inside the home", "folders")
    for file in files:
        if _is_outside(file.target):
            raise _MistakeError(f"{file.target!r} in {profile.settings} is not inside the home", "settings")
        if not source_file(folder, file.source).is_file():
            raise _MistakeError(f"there is no file {file.source!r} beside it", "settings")


def _is_outside(target: str) -> bool:
    return Path(target).is_absolute() or ".." in Path(target).parts


def _check_browser(profile: Profile) -> None:
    for number, program in enumerate(profile.programs):
        for text in (*program.command, *program.environment, *profile.environment):
            if _WITHOUT_SANDBOX.match(text):
                raise _MistakeError(
                    f"{text!r} turns the sandbox of a browser off, which Lightbox never does",
                    *("programs", number, "command"),
                )
    if profile.nested_namespaces is not (profile.browser is not None):
        raise _MistakeError(
            "nested_namespaces and browser need each other, because only browsers make namespaces",
            "browser" if profile.browser is not None else "nested_namespaces",
        )
    if profile.browser is not None:
        commands = [p.command[0] for p in profile.programs if p.name == profile.browser.program]
        if not commands or Path(commands[0]).name not in BROWSERS:
            raise _MistakeError(
                f"{profile.browser.program!r} is not the name of a program that is one of "
                f"{', '.join(sorted(BROWSERS))}",
                *("browser", "program"),
            )


def _check_window(program: Program, *where: str | int) -> None:
    window = program.window
    if window is None:
        return
    if (window.place is None) is not window.maximised:
        raise _MistakeError(f"the window of {program.name!r} needs either place or maximised", *where)
    if window.upright is not None and window.place is None:
        raise _MistakeError(f"the window of {program.name!r} has upright without place", *where)
    for place in (window.place, window.upright):
        if place is None:
            continue
        x, y, width, height = place
        if min(width, height) <= 0 or x + width > 1 or y + height > 1:
            raise _MistakeError(f"the window of {program.name!r} is not inside the work area", *where)


def substitute(text: str, home: Path, text_percent: int = 100) -> str:
    """Replaces {settings}, {profiles}, {home}, {python}, {glyph:NAME}, and {scaled:N}.

    The last one is N at a text size of 100 %.
    """
    values = {
        "{settings}": str(PROFILES_FOLDER),
        "{profiles}": str(operator_folder() or PROFILES_FOLDER),
        "{home}": str(home),
        "{python}": sys.executable,
    }
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)

    def scale(found: re.Match[str]) -> str:
        one = int(found[1])
        two = int(found[2]) if found[2] else 2 * one
        return str(round(one + (two - one) * (text_percent - 100) / 100))

    text = _SCALED.sub(scale, text)
    return _GLYPH.sub(lambda found: bitmap(found[1], text_percent), text)


def expand_command(command: list[str], home: Path) -> list[str]:
    """Replaces placeholders and patterns of files in the home. A pattern that matches nothing is dropped."""
    result: list[str] = []
    for part in command:
        substituted = substitute(part, home)
        if "*" in substituted and substituted.startswith(str(home)):
            result += sorted(str(path) for path in home.glob(substituted[len(str(home)) + 1 :]))
        else:
            result.append(substituted)
    return result
