"""Runs the server: starts its two processes, gateway and broker, and starts them again if they die or hang.

The process that runs this code does nothing else. It owns what has to outlive the other two: the listening
socket, so that no connection is refused while a gateway is started again, and the run folder. Where a service
manager starts the gateway, there are two such processes, one for the broker and one for the gateway.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from display_server.broker.folders import RunFolder, StateFolder, register_instance, unregister_instance
from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker.lasting_folder import LastingFolder
from display_server.broker.launchers.launcher import Launcher
from display_server.config import Config
from display_server.errors import ConfigurationError
from display_server.gateway.https_server import listen
from display_server.gateway.static_client import require_built
from display_server.server.child_process import ChildProcess, Parent
from display_server.server.demo import Demo
from display_server.server.gateway_process import GatewayTask, run_gateway
from display_server.server.gateway_user import gateway_user
from display_server.server.process_tree import EndedBySignalError, ProcessTree
from display_server.server.ready import Ready

log = structlog.get_logger(__name__)

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
    user = gateway_user(config.isolation) if launcher is None else None
    gateway_is_service = user is not None and config.isolation.spawner == "service"
    state = StateFolder.open(config.state)
    with contextlib.ExitStack() as stack:  # shuts down what follows in reverse order
        listening: socket.socket | None = None
        if gateway_is_service:
            port = _port_of_service(config)
        else:
            listening = stack.enter_context(listen(config.host, config.port))
            port = listening.getsockname()[1]
        run_folder = RunFolder.create()
        stack.callback(run_folder.remove)
        if user is None:
            sockets = GatewaySockets(run_folder.path)
        else:
            sockets = GatewaySockets(LastingFolder.of(state.path).gateway, user.uid)

        def broker(parent: Parent) -> None:
            # The gateway's process must not even load the code of the broker.
            from display_server.server.broker_process import BrokerTask, run_broker

            if listening is not None:
                listening.close()
            run_broker(
                BrokerTask(config, state, run_folder, sockets, port, demo, launcher, read_config), parent
            )

        children = {"broker": ChildProcess("broker", broker)}
        if listening is not None:
            task = GatewayTask(listening, config.web_client, sockets, user, config.patience)

            def gateway(parent: Parent) -> None:
                run_folder.leave()
                run_gateway(task, parent)

            children["gateway"] = ChildProcess("gateway", gateway)
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


def serve_gateway(config: Config, on_ready: Callable[[], None]) -> None:
    """Runs the gateway of an unprivileged server until SIGINT or SIGTERM, as the user of this process.

    Calls `on_ready` once it accepts connections, for which it waits until the broker answers. Raises
    LightboxError when it cannot start. Must be called without threads, because it forks.
    """
    os.umask(0o077)
    _raise_open_files_limit()
    require_built(config.web_client)
    user = gateway_user(config.isolation)
    if user is None or config.isolation.spawner != "service":
        raise ConfigurationError(
            "The server starts its gateway by itself.",
            hint='Run `lightbox gateway` only where `isolation.spawner` is "service" (docs/systemd.md).',
        )
    if os.geteuid() != user.uid:
        raise ConfigurationError(
            f"Only the user {config.isolation.gateway_user!r} runs the gateway, and this is user "
            f"{os.geteuid()}.",
            hint="Start it as that user, or change `isolation.gateway_user` for both services.",
        )
    _port_of_service(config)
    sockets = GatewaySockets(LastingFolder.of(config.state).gateway)
    with listen(config.host, config.port) as listening:
        task = GatewayTask(listening, config.web_client, sockets, patience=config.patience)
        child = ChildProcess("gateway", lambda parent: run_gateway(task, parent))
        tree = ProcessTree([child], patience=config.patience)
        with contextlib.suppress(EndedBySignalError), tree.running():
            on_ready()
            tree.watch(lambda: False)  # the broker sends what a reload changes


def _port_of_service(config: Config) -> int:
    """Returns the port, which broker and gateway have to know before they know each other."""
    if config.port == 0:
        raise ConfigurationError(
            "A gateway that is a service of its own needs a port that does not change.",
            hint="Set `port` in the configuration, for example to 8443.",
        )
    return config.port


def _raise_open_files_limit() -> None:
    """Raises the soft limit of open files to OPEN_FILES, or to the hard limit if that is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
