"""What desktops need on this host: whether it is installed, and which Debian packages contain it."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from display_server.desktop.profiles import profile, studies
from display_server.errors import ConfigurationError, DesktopError
from display_server.supervisor.environment import PROGRAM_PATH

#: Fonts that desktops need: fontconfig's pattern for them, and a Debian package with a good font.
FONTS = {
    "ko": (":lang=ko", "fonts-nanum"),
    "rare Hanja": (":charset=9f3e", "fonts-droid-fallback"),  # 鼾 is not one of the 4888 Hanja of KS X 1001
    "terminal": ("DejaVu Sans Mono", "fonts-dejavu-core"),  # profiles/settings/lxterminal.conf names it
}
#: How long `fc-list` may take, s.
FONT_QUERY_TIMEOUT_S = 5.0

#: Programs that no profile names: (program, Debian package, mandatory).
PROGRAMS = (
    ("Xvfb", "xvfb", True),
    ("xkbcomp", "x11-xkb-utils", True),  # the X server has no keyboard without it
    ("dbus-daemon", "dbus", False),
    ("ibus-daemon", "ibus", False),  # started by profiles/settings/input-method.sh
    ("fc-list", "fontconfig", False),
)


def _release() -> dict[str, str]:
    """Returns what /etc/os-release says; nothing if this host has none."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def toolbar_icons(release: Mapping[str, str]) -> str:
    """Returns the Debian package with the icons of toolbars. `release` is what /etc/os-release says."""
    return "adwaita-icon-theme" if release.get("VERSION_ID") in ("11", "12") else "adwaita-icon-theme-legacy"


#: Parts that are no programs on PATH: (name, glob pattern below the root folder, Debian package).
PARTS = (
    ("keyboard layouts", "usr/share/X11/xkb/rules/evdev", "xkb-data"),
    ("Hangul engine", "usr/libexec/ibus-engine-hangul", "ibus-hangul"),
    ("input method in GTK 2", "usr/lib/*/gtk-2.0/*/immodules/im-ibus.so", "ibus-gtk"),
    ("input method in GTK 3", "usr/lib/*/gtk-3.0/*/immodules/im-ibus.so", "ibus-gtk3"),
    # Without this theme and this engine, GTK 2 programs are light grey next to the dark ones of GTK 3. The
    # theme is the one that profiles/settings/gtkrc-2.0 names.
    ("theme", "usr/share/themes/Adwaita-dark/gtk-2.0/gtkrc", "gnome-themes-extra"),
    ("theme engine of GTK 2", "usr/lib/*/gtk-2.0/*/engines/libpixmap.so", "gtk2-engines-pixbuf"),
    ("icons", "usr/share/icons/Adwaita/index.theme", "adwaita-icon-theme"),
    ("toolbar icons", "usr/share/icons/Adwaita*/24x24/legacy/go-up.png", toolbar_icons(_release())),
    # Icons are SVG files since Debian 13. The loader's name has a hyphen or an underscore.
    ("loader of SVG", "usr/lib/*/gdk-pixbuf-2.0/*/loaders/libpixbufloader?svg.so", "librsvg2-common"),
)
#: The folder that the patterns of PARTS are relative to.
ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that desktops need.

    `found` says where it is, or what is missing; `packages` are the Debian packages that contain it, and
    `hint` is the command that installs it. No desktop starts without a `mandatory` one.
    """

    name: str
    ok: bool
    found: str
    hint: str
    mandatory: bool
    packages: tuple[str, ...] = ()


def check() -> list[Requirement]:
    """Returns all requirements; those that are not met come first."""
    requirements = [_program(name, package, mandatory, "") for name, package, mandatory in PROGRAMS]
    programs: dict[str, tuple[str, list[str]]] = {}
    for name in profile.names():
        try:
            loaded = profile.load(name)
        except ConfigurationError as error:
            requirements.append(Requirement(f"profile {name}", False, error.cause, error.hint, False))
            continue
        for program in loaded.programs:
            command = profile.substitute(program.command[0], Path("/"))
            _, profiles = programs.setdefault(command, (program.package, []))
            profiles.append(name)
    for command, (package, profiles) in sorted(programs.items()):
        used_by = f" (profile {', '.join(dict.fromkeys(profiles))})"
        requirements.append(_program(command, package, False, used_by))
    requirements += [_part(name, pattern, package) for name, pattern, package in PARTS]
    requirements += [_font(name, pattern, package) for name, (pattern, package) in FONTS.items()]
    requirements.append(_studies())
    return sorted(requirements, key=lambda requirement: requirement.ok)


def _packaged(name: str, ok: bool, found: str, package: str, mandatory: bool = False) -> Requirement:
    packages = tuple(package.split())
    return Requirement(name, ok, found, f"apt-get install {package}", mandatory, packages)


def _program(command: str, package: str, mandatory: bool, used_by: str) -> Requirement:
    path = shutil.which(command) or shutil.which(command, path=PROGRAM_PATH)
    return _packaged(command, path is not None, path or f"missing{used_by}", package, mandatory)


def _part(name: str, pattern: str, package: str) -> Requirement:
    path = next(ROOT.glob(pattern), None)
    return _packaged(name, path is not None, str(path or "missing"), package)


def _font(name: str, pattern: str, package: str) -> Requirement:
    try:
        answer = subprocess.run(
            ["fc-list", pattern, "family"],
            capture_output=True,
            text=True,
            timeout=FONT_QUERY_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return _packaged(f"font ({name})", False, "unknown: fc-list does not run", package)
    families = sorted({line.split(",")[0] for line in answer.stdout.splitlines() if line})
    return _packaged(f"font ({name})", bool(families), ", ".join(families[:3]) or "missing", package)


def _studies() -> Requirement:
    try:
        found, ok = str(studies.source_folder()), True
    except DesktopError as error:
        found, ok = str(error), False
    return Requirement("sample studies", ok, found, "pip install pydicom-data", False)
