"""`lightbox gateway`: runs the gateway of a server without root, as a user of its own."""

from __future__ import annotations

import os

from display_server.cli.options import ConfigOption
from display_server.errors import ConfigurationError


def gateway(config: ConfigOption = None) -> None:
    """Run the process that the network reaches, for a server that runs as a user without privileges.

    A server that is root starts it by itself.
    """
    from display_server.config import load
    from display_server.server.serve import serve_gateway
    from display_server.telemetry.logs import configure_logs

    if config is None:
        raise ConfigurationError(
            "`lightbox gateway` needs a configuration file.",
            hint="Name that of the server with --config FILE.",
        )
    configure_logs("gateway")
    serve_gateway(load(config, os.environ), lambda: print("The gateway accepts connections.", flush=True))
