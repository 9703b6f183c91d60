"""Starts the agent: `python -m display_server.agent --folder FOLDER --display :N --source fbdir|shm`.

This is the composition root of the process. It imports little on purpose: after an agent died, a person waits
until the next one listens.
"""

# ruff: noqa: E402 - the process is prepared before the imports that depend on it
from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import struct
import sys
from pathlib import Path

# NumPy would start one thread per core for matrix products, which cost memory and time and are never used.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# structlog imports `rich`, if it finds it, for coloured logs on terminals: 4 MB and 60 ms that nobody needs
# here. None makes that import fail.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # the type of the table does not know None

import structlog
import uvloop

from display_server.agent.agent import Agent
from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.clipboard.x_clipboard import XClipboard
from display_server.agent.cursor.xfixes_cursor import XfixesCursor
from display_server.agent.input.xtest import XtestInput
from display_server.agent.transport.host_channels import HostChannels
from display_server.agent.transport.host_network import HostNetworks
from display_server.agent.transport.peer_check import PeerCheck
from display_server.desktop.profiles import profile
from display_server.desktop.spec import DesktopSpec, read_spec
from display_server.desktop.x11.caret import CaretWatch
from display_server.desktop.x11.randr_layout import RandrLayout
from display_server.desktop.x11.window_fit import WindowRule
from display_server.desktop.x11.window_manager_ping import WindowManagerPing
from display_server.errors import CaptureError, LightboxError
from display_server.protocol.close_codes import CloseCode
from display_server.telemetry.logs import configure_logs

log = structlog.get_logger(__name__)

EXIT_FAILED = 1

#: An X server that does not answer a new client within this time has ended, s.
X_SERVER_ANSWER_S = 1.0

#: A connection setup request of the X11 protocol: little-endian, version 11.0, no authorization.
X_SETUP_REQUEST = struct.pack("<BxHHHH2x", ord("l"), 11, 0, 0, 0)


def main() -> int:
    arguments = _parser().parse_args()
    configure_logs("agent")
    try:
        spec = read_spec(arguments.folder)
        structlog.contextvars.bind_contextvars(session=spec.session)
        return uvloop.run(_serve(spec, arguments))
    except LightboxError as error:
        detail = repr(error.__cause__) if error.__cause__ else None
        log.error("agent failed", error=str(error), kind=type(error).__name__, detail=detail)
        return EXIT_FAILED
    except OSError as error:
        log.error("agent cannot listen", error=str(error))
        return EXIT_FAILED


async def _serve(spec: DesktopSpec, arguments: argparse.Namespace) -> int:
    peers = PeerCheck(spec.secret, spec.peers)
    channels = HostChannels(spec.host_socket, peers)
    channels.start()
    try:
        return await _run(spec, arguments, peers, channels)
    finally:
        channels.stop()


async def _run(
    spec: DesktopSpec, arguments: argparse.Namespace, peers: PeerCheck, networks: HostNetworks
) -> int:
    agent = Agent(
        session=spec.session,
        desktop=spec.desktop,
        socket=spec.socket,
        peers=peers,
        source=_source(spec, arguments),
        cursor=XfixesCursor(arguments.display, arguments.xauthority),
        device=XtestInput(arguments.display, arguments.xauthority, patience=spec.patience),
        clipboard=XClipboard(arguments.display, arguments.xauthority, spec.clipboard),
        clipboard_policy=spec.clipboard,
        window_manager=WindowManagerPing(arguments.display, arguments.xauthority, patience=spec.patience),
        caret=CaretWatch(arguments.display, arguments.xauthority),
        share=spec.share,
        fixed=spec.fixed,
        patience=spec.patience,
        video=spec.video,
        networks=networks,
        layout=RandrLayout(
            arguments.display,
            arguments.xauthority,
            spec.framebuffer_folder if spec.attach is None else None,
            _window_rules(spec),
        ),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    try:
        await agent.run()
    except CaptureError as error:
        await _close_viewers(agent, arguments.display, otherwise=str(error))
        raise
    except BaseException:
        await _close_viewers(
            agent,
            arguments.display,
            otherwise="The display agent failed. It is started again; please wait.",
        )
        raise
    await _close_viewers(
        agent, arguments.display, otherwise="The display agent was stopped. Reconnect in a moment."
    )
    return 0


async def _close_viewers(agent: Agent, display: str, *, otherwise: str) -> None:
    """Tells the viewers that the desktop has ended if its X server is gone, whatever stopped the agent.

    Several things notice the end of an X server: the capture, any other connection to it, and the supervisor,
    which then stops the agent. If the X server still answers, the viewers get `otherwise` and reconnect.
    """
    if await _x_server_answers(display):
        await agent.close_viewers(CloseCode.GOING_AWAY, otherwise)
    else:
        await agent.close_viewers(CloseCode.DESKTOP_ENDED, "The X server of this desktop has ended.")


def _source(spec: DesktopSpec, arguments: argparse.Namespace) -> FrameSource:
    if arguments.source == "shm":
        from display_server.agent.capture.xshm import XshmSource

        return XshmSource(arguments.display, arguments.xauthority)
    from display_server.agent.capture.xvfb import XvfbSource

    return XvfbSource(arguments.display, arguments.xauthority, spec.framebuffer_folder)


def _window_rules(spec: DesktopSpec) -> list[WindowRule]:
    """Returns where windows belong. Programs of an attached display are not those of the profile."""
    return profile.window_rules(profile.load(spec.profile)) if spec.attach is None else []


async def _x_server_answers(display: str) -> bool:
    """Returns whether the X server of a local display answers, even if it refuses the client.

    A server that is about to end still accepts connections for a moment, so a connection proves nothing.
    The server of a remote display counts as ended.
    """
    number = display.rpartition(":")[2].partition(".")[0]
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(X_SERVER_ANSWER_S):
            path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - X servers listen there
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(X_SETUP_REQUEST)
                return bool(await reader.read(1))
            finally:
                writer.close()
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m display_server.agent", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the desktop, with spec.json")
    parser.add_argument("--display", required=True, help="X display, for example :7")
    parser.add_argument("--xauthority", type=Path, help="authority file of the display")
    parser.add_argument(
        "--source",
        choices=("fbdir", "shm"),
        default="fbdir",
        help="how to capture: Xvfb's framebuffer file (fbdir) or X shared memory (shm)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
