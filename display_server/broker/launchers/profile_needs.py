"""What a launcher has to know of a desktop's profile before it starts the desktop."""

from __future__ import annotations

from display_server.desktop.profiles import profile
from display_server.errors import ConfigurationError, DesktopError


def names_a_browser(profile_name: str) -> bool:
    """Returns whether programs of the profile make namespaces, for the sandbox of a browser.

    Raises DesktopError when there is no such profile, or it has a mistake.
    """
    try:
        return profile.load(profile_name).nested_namespaces
    except ConfigurationError as error:
        raise DesktopError(error.cause, next_step=error.hint) from error
