"""The token that lets a monitoring program read `/metrics`."""

from __future__ import annotations

import secrets

from display_server.broker.folders import StateFolder
from display_server.config import Config, read_secret
from display_server.desktop.spec import write_private
from display_server.errors import ConfigurationError

#: Random bytes of a token that Lightbox creates.
TOKEN_BYTES = 32
#: Shortest token that is accepted, characters.
TOKEN_MIN = 16


def provide_metrics_token(config: Config, state: StateFolder) -> str:
    """Returns the token of `metrics.token_file`, or else that of the state folder, which it creates once.

    Raises ConfigurationError when the file cannot be used, can be read by others or has a short token.
    """
    path = config.metrics.token_file or state.metrics_token
    if path == state.metrics_token and not path.exists():
        write_private(path, secrets.token_urlsafe(TOKEN_BYTES).encode() + b"\n")
    token = read_secret(path)
    if len(token) < TOKEN_MIN:
        raise ConfigurationError(
            f"{path} has a token of {len(token)} characters, which could be guessed.",
            hint=f"Write at least {TOKEN_MIN} random characters into it: openssl rand -hex 32 > {path}",
        )
    return token
