"""What a desktop's programs find around them: home, folders, language, display."""

from __future__ import annotations

import locale
import os
import pwd
from pathlib import Path

from display_server.desktop.spec import DesktopSpec
from display_server.supervisor.leftovers import MARK
from display_server.supervisor.x_server import XServer

#: Taken from the keeper's own environment; everything else of it stays away from the programs.
INHERITED = ("TZ", "LD_LIBRARY_PATH")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
FALLBACK_LOCALE = "C.UTF-8"


def available_locale(wanted: str) -> str:
    """`wanted` if the host has it, else one that every host has; both speak UTF-8."""
    try:
        locale.setlocale(locale.LC_ALL, wanted)
    except locale.Error:
        return FALLBACK_LOCALE
    finally:
        locale.setlocale(locale.LC_ALL, "C")
    return wanted


def bare(spec: DesktopSpec) -> dict[str, str]:
    """For processes of ours: the keeper's environment and the mark by which all of a desktop is found."""
    return {**os.environ, MARK: spec.session}


def for_programs(spec: DesktopSpec, server: XServer, bus: Path | None) -> dict[str, str]:
    """For the person's programs. Makes the folders that it names, 0700."""
    home, runtime = Path(spec.home), Path(spec.folder) / "runtime"
    for place in (home, runtime, home / ".config", home / ".cache", home / ".local" / "share"):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    user = pwd.getpwuid(os.geteuid())
    language = available_locale(spec.locale)
    environment = {name: value for name in INHERITED if (value := os.environ.get(name))}
    environment |= {
        "PATH": PATH,
        "HOME": str(home),
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
        "LANG": language,
        "LC_ALL": language,
        "DISPLAY": server.display,
        "XAUTHORITY": str(server.xauthority),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_SESSION_TYPE": "x11",
        # Assistive technology and remote file systems have daemons that nothing here needs.
        "NO_AT_BRIDGE": "1",
        "GTK_A11Y": "none",
        "GIO_USE_VFS": "local",
        # XTEST has no touch; and scrolling by notches is all that Xvfb's pointer can do.
        "MOZ_USE_XINPUT2": "0",
        MARK: spec.session,
    }
    if bus is not None:
        environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
    return environment
