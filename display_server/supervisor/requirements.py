"""What desktops need of this host, what of it is there, and which Debian package brings what is missing."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from display_server.desktop.profiles import profile, studies
from display_server.errors import DesktopError
from display_server.supervisor.environment import PATH

#: What a desktop must be able to write: fontconfig's pattern for it, and the package with a good font.
FONTS = {
    "ko": (":lang=ko", "fonts-nanum"),
    "rare Hanja": (":charset=9f3e", "fonts-droid-fallback"),  # 鼾, to snore: not of the 4888 of KS X 1001
}
FONT_QUESTION_S = 5.0

#: As `profiles/settings/gtkrc-2.0` names it.
THEME, THEME_PACKAGES = "Adwaita-dark", "gnome-themes-extra gtk2-engines-pixbuf"

#: (program, package, mandatory): what the keeper itself starts. Without xkbcomp the X server has no keyboard.
PROGRAMS = (
    ("Xvfb", "xvfb", True),
    ("xkbcomp", "x11-xkb-utils", True),
    ("dbus-daemon", "dbus", False),
    ("ibus-daemon", "ibus-hangul ibus-gtk ibus-gtk3", False),  # started by a script of the profiles
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing and whether it is there. Mandatory: no desktop starts without it."""

    name: str
    ok: bool
    found: str
    cure: str
    mandatory: bool


def check() -> list[Requirement]:
    """Everything, what is missing first."""
    everything = [_program(name, package, mandatory, "") for name, package, mandatory in PROGRAMS]
    needed: dict[str, tuple[str, list[str]]] = {}
    for name in profile.names():
        for program in profile.load(name).programs:
            needed.setdefault(profile.fill(program.command[0], Path("/")), (program.package, []))[1].append(
                name
            )
    for command, (package, profiles) in sorted(needed.items()):
        everything.append(
            _program(command, package, False, f" (profile {', '.join(dict.fromkeys(profiles))})")
        )
    everything += [_font(name, pattern, package) for name, (pattern, package) in FONTS.items()]
    everything += [_theme(), _studies()]
    return sorted(everything, key=lambda requirement: requirement.ok)


def _program(command: str, package: str, mandatory: bool, where: str) -> Requirement:
    path = shutil.which(command) or shutil.which(command, path=PATH)
    return Requirement(
        command, path is not None, path or f"missing{where}", f"apt-get install {package}", mandatory
    )


def _font(name: str, pattern: str, package: str) -> Requirement:
    cure = f"apt-get install {package}"
    try:
        answer = subprocess.run(
            ["fc-list", pattern, "family"],
            capture_output=True,
            text=True,
            timeout=FONT_QUESTION_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Requirement(f"font ({name})", False, "unknown: fc-list does not run", cure, False)
    families = sorted({line.split(",")[0] for line in answer.stdout.splitlines() if line})
    return Requirement(f"font ({name})", bool(families), ", ".join(families[:3]) or "missing", cure, False)


def _theme() -> Requirement:
    """Without it older programs come up light grey beside dark ones."""
    place = Path("/usr/share/themes", THEME, "gtk-2.0", "gtkrc")
    found = str(place) if place.is_file() else "missing"
    return Requirement("theme", place.is_file(), found, f"apt-get install {THEME_PACKAGES}", False)


def _studies() -> Requirement:
    try:
        found, ok = str(studies.source_folder()), True
    except DesktopError as error:
        found, ok = str(error), False
    return Requirement("sample studies", ok, found, "pip install pydicom-data", False)
