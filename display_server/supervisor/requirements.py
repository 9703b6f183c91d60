"""What desktops need on this host: whether it is installed, and which Debian package contains it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from display_server.desktop.profiles import profile, studies
from display_server.errors import DesktopError
from display_server.supervisor.environment import PROGRAM_PATH

#: Scripts that desktops must be able to show: fontconfig's pattern for them, and a package with a good font.
FONTS = {
    "ko": (":lang=ko", "fonts-nanum"),
    "rare Hanja": (":charset=9f3e", "fonts-droid-fallback"),  # 鼾 is not one of the 4888 Hanja of KS X 1001
}
#: How long `fc-list` may take, s.
FONT_QUERY_TIMEOUT_S = 5.0

#: The theme that `profiles/settings/gtkrc-2.0` names.
THEME = "Adwaita-dark"
THEME_PACKAGES = "gnome-themes-extra gtk2-engines-pixbuf"

#: Programs that no profile names: (program, Debian package, mandatory).
PROGRAMS = (
    ("Xvfb", "xvfb", True),
    ("xkbcomp", "x11-xkb-utils", True),  # the X server has no keyboard without it
    ("dbus-daemon", "dbus", False),
    ("ibus-daemon", "ibus-hangul ibus-gtk ibus-gtk3", False),  # started by profiles/settings/input-method.sh
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that desktops need.

    `found` says where it is, or what is missing; `hint` is the command that installs it. No desktop starts
    without a `mandatory` one.
    """

    name: str
    ok: bool
    found: str
    hint: str
    mandatory: bool


def check() -> list[Requirement]:
    """Returns all requirements; those that are not met come first."""
    requirements = [_program(name, package, mandatory, "") for name, package, mandatory in PROGRAMS]
    programs: dict[str, tuple[str, list[str]]] = {}
    for name in profile.names():
        for program in profile.load(name).programs:
            command = profile.substitute(program.command[0], Path("/"))
            _, profiles = programs.setdefault(command, (program.package, []))
            profiles.append(name)
    for command, (package, profiles) in sorted(programs.items()):
        used_by = f" (profile {', '.join(dict.fromkeys(profiles))})"
        requirements.append(_program(command, package, False, used_by))
    requirements += [_font(name, pattern, package) for name, (pattern, package) in FONTS.items()]
    requirements += [_theme(), _studies()]
    return sorted(requirements, key=lambda requirement: requirement.ok)


def _program(command: str, package: str, mandatory: bool, used_by: str) -> Requirement:
    path = shutil.which(command) or shutil.which(command, path=PROGRAM_PATH)
    found = path or f"missing{used_by}"
    return Requirement(command, path is not None, found, f"apt-get install {package}", mandatory)


def _font(name: str, pattern: str, package: str) -> Requirement:
    hint = f"apt-get install {package}"
    try:
        answer = subprocess.run(
            ["fc-list", pattern, "family"],
            capture_output=True,
            text=True,
            timeout=FONT_QUERY_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Requirement(f"font ({name})", False, "unknown: fc-list does not run", hint, False)
    families = sorted({line.split(",")[0] for line in answer.stdout.splitlines() if line})
    return Requirement(f"font ({name})", bool(families), ", ".join(families[:3]) or "missing", hint, False)


def _theme() -> Requirement:
    """Without this theme GTK 2 programs are light grey beside the dark ones of GTK 3."""
    path = Path("/usr/share/themes", THEME, "gtk-2.0", "gtkrc")
    found = str(path) if path.is_file() else "missing"
    return Requirement("theme", path.is_file(), found, f"apt-get install {THEME_PACKAGES}", False)


def _studies() -> Requirement:
    try:
        found, ok = str(studies.source_folder()), True
    except DesktopError as error:
        found, ok = str(error), False
    return Requirement("sample studies", ok, found, "pip install pydicom-data", False)
