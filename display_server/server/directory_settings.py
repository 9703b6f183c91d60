"""Makes the settings of the directory from the configuration and the files that it names."""

from __future__ import annotations

from display_server.broker.directory.settings import DirectorySettings
from display_server.config import Config, read_secret
from display_server.errors import ConfigurationError


def directory_settings(config: Config) -> DirectorySettings | None:
    """Returns the settings; None if the configuration names no server of a directory.

    Raises ConfigurationError when a key is wrong, or when others can read the file with the password.
    """
    directory = config.directory
    if not directory.servers:
        return None
    if directory.bind_password_file is None:
        raise ConfigurationError(
            "`directory.bind_password_file` is missing.",
            hint="Write the password of the account of `directory.bind_dn` into a file of mode 0600.",
        )
    return DirectorySettings.of(directory, read_secret(directory.bind_password_file))
