"""The environment variables of a desktop's processes."""

from __future__ import annotations

import locale
import os
import pwd
from pathlib import Path

from display_server.desktop.session_processes import SESSION_VARIABLE
from display_server.desktop.spec import DesktopSpec
from display_server.supervisor.places import Places
from display_server.supervisor.x_server import XServer

#: Variables that programs inherit from the supervisor; programs get nothing else of its environment.
INHERITED = ("TZ", "LD_LIBRARY_PATH")
#: Where programs of a profile are searched.
PROGRAM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
#: Used when the host lacks the configured locale. Every host has it, and it is UTF-8.
FALLBACK_LOCALE = "C.UTF-8"


def available_locale(wanted: str) -> str:
    """Returns `wanted` if the host has this locale, else FALLBACK_LOCALE."""
    try:
        locale.setlocale(locale.LC_ALL, wanted)
    except locale.Error:
        return FALLBACK_LOCALE
    finally:
        locale.setlocale(locale.LC_ALL, "C")
    return wanted


def service_environment(spec: DesktopSpec) -> dict[str, str]:
    """The variables of Lightbox's own processes: those of the supervisor and the session's id."""
    return {**os.environ, SESSION_VARIABLE: spec.session}


def program_environment(
    spec: DesktopSpec, places: Places, server: XServer, bus: Path | None
) -> dict[str, str]:
    """The variables of the person's programs.

    `bus` is the socket of the session bus, None if there is none.
    """
    home = places.home
    user = pwd.getpwuid(places.person.uid if places.person else os.geteuid())
    language = available_locale(spec.locale)
    environment = {name: value for name in INHERITED if (value := os.environ.get(name))}
    environment |= {
        "PATH": PROGRAM_PATH,
        "HOME": str(home),
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
        "LANG": language,
        "LC_ALL": language,
        "DISPLAY": server.display,
        "XAUTHORITY": str(places.program_authority if server.child else server.xauthority),
        "XDG_RUNTIME_DIR": str(places.runtime),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_SESSION_TYPE": "x11",
        # The accessibility bus and GVfs would start daemons that no program of a desktop needs.
        "NO_AT_BRIDGE": "1",
        "GTK_A11Y": "none",
        "GIO_USE_VFS": "local",
        # XTEST sends no touch events, and Xvfb's pointer scrolls by notches only.
        "MOZ_USE_XINPUT2": "0",
        SESSION_VARIABLE: spec.session,
    }
    if bus is not None:
        environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
    return environment
