"""Reads files whose content nobody else may know."""

from __future__ import annotations

import stat
from pathlib import Path

from display_server.errors import ConfigurationError


def read_secret(path: Path) -> str:
    """Returns the text of a file. Raises ConfigurationError when other users can read it as well."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigurationError(f"{path} can be read by other users.", hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.", hint="Check the path and the permissions of the file."
        ) from error
