"""The images of desktops: the contract, and the one of today, whose versions are files of profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import structlog

from display_server.desktop.profiles import folders, profile
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: Where Debian keeps which packages are installed.
PACKAGES = Path("/var/lib/dpkg/status")
#: The fingerprint of an image that does not exist, or has a mistake. Starting it says what is wrong.
MISSING = "missing"


class Images(Protocol):
    """What desktops can be started from. A version is a plain text, which says nothing about its order."""

    def versions(self, name: str) -> list[str]:
        """Returns the versions of a profile that desktops of this server can have; none if it is unknown."""

    def profile(self, name: str, version: str) -> str:
        """Returns the name under which a launcher knows this version of a profile."""

    def fingerprint(self, name: str, version: str) -> str:
        """Returns a text that differs when a desktop which was started before is not as it would be now.

        Called often, so it is kept until `forget`. It never raises: an image that does not exist has one too.
        """

    def forget(self) -> None:
        """The configuration was loaded again: what is known of images may have changed."""


class ProfileImages:
    """The images of a single host: a version is a file of a profile, and all share the installed packages.

    So a roll back returns to former programs and settings, but not to former packages.
    """

    def __init__(self, packages: Path = PACKAGES) -> None:
        self._packages = packages
        self._known: dict[tuple[str, str], str] = {}

    def versions(self, name: str) -> list[str]:
        return folders.versions(name)

    def profile(self, name: str, version: str) -> str:
        return folders.with_version(name, version)

    def fingerprint(self, name: str, version: str) -> str:
        key = name, version
        if key not in self._known:
            self._known[key] = self._fingerprint(self.profile(name, version))
        return self._known[key]

    def forget(self) -> None:
        self._known.clear()

    def _fingerprint(self, name: str) -> str:
        try:
            names = {program.package for program in profile.load(name).programs}
            return "-".join((profile.digest_of(name), *installed(self._packages, names)))
        except (ConfigurationError, OSError) as error:
            log.error("profile cannot be used", profile=name, error=str(error))
            return MISSING


def installed(status: Path, names: set[str]) -> list[str]:
    """Returns the installed versions of Debian packages, in the order of their names. Raises OSError.

    A host without that file, such as one of another distribution, has none.
    """
    if not status.is_file():
        return []
    found: dict[str, str] = {}
    package = ""
    for line in status.read_text("utf-8", errors="replace").splitlines():
        key, _, value = line.partition(": ")
        if key == "Package":
            package = value
        elif key == "Version" and package in names:
            found[package] = value
    return [found[name] for name in sorted(found)]
