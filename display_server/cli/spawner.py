"""`lightbox spawner`: becomes the process that starts containers of desktops, for a server without root."""

from __future__ import annotations

import os
import pwd
from typing import Annotated

import typer

from display_server.cli.options import ConfigOption
from display_server.errors import ConfigurationError


def spawner(
    user: Annotated[str, typer.Option(metavar="NAME", help="The user of the server, who alone is served.")],
    config: ConfigOption = None,
) -> None:
    """Run, as root, the process that starts the containers of desktops.

    It is for a server that runs as a user without privileges. Everything else starts it by itself.
    """
    from display_server.broker.folders import StateFolder
    from display_server.broker.gateway_sockets import provide_folder
    from display_server.broker.lasting_folder import LastingFolder
    from display_server.config import load
    from display_server.server.isolation import spawner_command

    loaded = load(config, os.environ)
    if loaded.isolation.spawner != "service":
        raise ConfigurationError(
            'The server starts its spawner by itself, because `isolation.spawner` is "server".',
            hint='Set it to "service" to run the server without root.',
        )
    state, folder = StateFolder(loaded.state.absolute()), LastingFolder.of(loaded.state)
    uid = _uid_of(user)
    provide_folder(folder.gateway, uid)
    command = spawner_command(
        loaded.isolation, folder.path, folder.desktops, state.service_homes, uid, loaded.profiles
    )
    # The privileged process itself imports next to nothing.
    os.execv(command[0], command)  # noqa: S606 - an argument list, without a shell


def _uid_of(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise ConfigurationError(
            f"There is no user {user!r} on this host.", hint="Run systemd-sysusers, or create the user."
        ) from None
