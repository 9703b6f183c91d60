"""What may start without isolation: one person on this host alone."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import urlsplit

from display_server.config import Config
from display_server.errors import ConfigurationError
from display_server.gateway.hosts import is_loopback

#: How to leave out isolation, for whoever cannot have it.
WITHOUT = "For one person on this computer alone, `--no-isolation` does without."


def require_sound(config: Config) -> None:
    """Raises ConfigurationError if isolation is on for what cannot be isolated, or off for several people."""
    if config.isolation.enabled:
        _refuse_attached_displays(config)
        _require_readable_profiles(config.profiles)
    elif config.isolation.one_person:
        _require_loopback(config)


def banner(config: Config) -> str:
    """Returns what the terminal says about isolation at the start; an empty text if desktops are isolated."""
    if config.isolation.enabled:
        return ""
    who = (
        "Only one person at a time can use them, and only on this computer."
        if config.isolation.one_person
        else "All people who can sign in, from any address, can read each other's files and screens."
    )
    lists = "\nTheir lists `network` have no effect." if any(d.network for d in config.desktops) else ""
    return (
        "Desktops are NOT ISOLATED: their programs reach all that Lightbox reaches.\n"
        f"Gateway and broker run as one user.\n{who}{lists}"
    )


def _refuse_attached_displays(config: Config) -> None:
    for desktop in config.desktops:
        if desktop.attach is not None:
            raise ConfigurationError(
                f"The desktop {desktop.name!r} shows the display {desktop.attach}, which runs already and "
                "cannot be isolated.",
                hint=f"Leave out `attach`. {WITHOUT}",
            )


def _require_readable_profiles(folder: Path | None) -> None:
    """The users of desktops read the operator's profiles, and nobody but their owner may change them."""
    if folder is None or not folder.is_dir():
        return
    for path in (folder, *sorted(folder.rglob("*"))):
        wanted = 0o005 if path.is_dir() else 0o004
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & wanted != wanted or mode & 0o022:
            raise ConfigurationError(
                f"{path} is among the profiles of isolated desktops, and its mode is {mode:04o}.",
                hint=f"Their users have to read it, and only its owner may change it: "
                f"chmod -R go=rX {folder}",
            )


def _require_loopback(config: Config) -> None:
    public = urlsplit(config.public_url).hostname if config.public_url else None
    for setting, host in (("host", config.host), ("public_url", public)):
        if host is not None and not is_loopback(host):
            raise ConfigurationError(
                f"Desktops that are not isolated are for one person on this computer, and `{setting}` opens "
                f"them to others ({host}).",
                hint="Start with isolation, which is the default; `lightbox doctor` says what it needs. Or "
                "listen on 127.0.0.1 alone.",
            )
