"""Runs the server: starts its two processes, gateway and broker, and starts them again if they die or hang.

The process that runs this code does nothing else. It owns what has to outlive the other two: the listening
socket, so that no connection is refused while a gateway is started again, and the run folder.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from display_server.broker.folders import RunFolder, StateFolder, register_instance, unregister_instance
from display_server.broker.launchers.launcher import Launcher
from display_server.config import Config
from display_server.gateway.https_server import listen
from display_server.gateway.static_client import require_built
from display_server.server.child_process import ChildProcess, Parent
from display_server.server.demo import Demo
from display_server.server.gateway_process import GatewayTask, run_gateway
from display_server.server.process_tree import EndedBySignalError, ProcessTree
from display_server.server.ready import Ready

log = structlog.get_logger(__name__)

#: The broker's Unix sockets in the run folder: for requests, and for the links of gateways.
REQUESTS_SOCKET, LINKS_SOCKET = "broker.sock", "gateways.sock"
#: Limit of open file descriptors that each process asks for. A viewer takes three; the usual limit of 1024
#: would be reached before the gateway's own limit of connections.
OPEN_FILES = 8192


def serve(
    config: Config,
    on_ready: Callable[[Ready], None],
    *,
    demo: Demo | None = None,
    launcher: Launcher | None = None,
    read_config: Callable[[], Config] | None = None,
) -> None:
    """Runs the server until SIGINT or SIGTERM, and calls `on_ready` once it accepts connections.

    SIGHUP reloads the configuration with `read_config`. Without it, as in the demo, SIGHUP ends the server,
    too: its terminal was closed. Raises LightboxError when it cannot start. Ends everything that it has
    started in any case. Must be called without threads, because it forks.
    """
    os.umask(0o077)
    _raise_open_files_limit()
    require_built(config.web_client)
    state = StateFolder.open(config.state)
    with contextlib.ExitStack() as stack:  # shuts down what follows in reverse order
        listening = stack.enter_context(listen(config.host, config.port))
        run_folder = RunFolder.create()
        stack.callback(run_folder.remove)
        requests, links = run_folder.path / REQUESTS_SOCKET, run_folder.path / LINKS_SOCKET

        def broker(parent: Parent) -> None:
            # The gateway's process must not even load the code of the broker.
            from display_server.server.broker_process import BrokerTask, run_broker

            port: int = listening.getsockname()[1]
            listening.close()
            run_broker(
                BrokerTask(config, state, run_folder, requests, links, port, demo, launcher, read_config),
                parent,
            )

        def gateway(parent: Parent) -> None:
            run_folder.leave()
            run_gateway(GatewayTask(listening, config.web_client, requests, links, config.patience), parent)

        children = {"broker": ChildProcess("broker", broker), "gateway": ChildProcess("gateway", gateway)}
        tree = ProcessTree(list(children.values()), patience=config.patience)
        try:
            started = stack.enter_context(tree.running())
        except EndedBySignalError:
            return
        facts = started["broker"]
        ready = msgspec.convert(facts, Ready)
        reloadable = read_config is not None
        entry = register_instance(
            state, run_folder, ready.url, reloadable=reloadable, desktops=Path(facts["desktops"])
        )
        stack.callback(unregister_instance, entry)
        on_ready(ready)

        def on_hangup() -> bool:
            if reloadable:
                children["broker"].send(signal.SIGHUP)
            return not reloadable

        tree.watch(on_hangup)


def _raise_open_files_limit() -> None:
    """Raises the soft limit of open files to OPEN_FILES, or to the hard limit if that is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
