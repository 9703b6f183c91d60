"""`python -m display_server.agent --folder FOLDER --display :N --xauthority PATH --source fbdir|shm`.

The composition root. Imports are few on purpose: the time from start to listening is what a person waits for
after an agent died.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import struct
import sys
from pathlib import Path

# One thread per core for matrices that nobody multiplies would cost memory and time to start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import structlog
import uvloop

from display_server.agent.agent import Agent
from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.clipboard.x_clipboard import XClipboard
from display_server.agent.cursor.xfixes_cursor import XfixesCursor
from display_server.agent.input.xtest import XtestInput
from display_server.desktop.spec import DesktopSpec, read_spec
from display_server.desktop.x11.randr_layout import RandrLayout
from display_server.errors import CaptureError, LightboxError
from display_server.protocol.close_codes import CloseCode
from display_server.telemetry.logs import configure_logs

log = structlog.get_logger(__name__)

EXIT_FAILED = 1
#: An X server answers a new client within this, s.
ANSWER_S = 1.0
#: X11's connection setup: little-endian, version 11.0, no authority.
_SETUP = struct.pack("<BxHHHH2x", ord("l"), 11, 0, 0, 0)


def main() -> int:
    arguments = _parser().parse_args()
    configure_logs("agent")
    try:
        spec = read_spec(arguments.folder)
        return uvloop.run(_serve(spec, arguments))
    except LightboxError as error:
        log.error("agent ended", error=str(error), kind=type(error).__name__)
        return EXIT_FAILED
    except OSError as error:
        log.error("agent cannot listen", error=str(error))
        return EXIT_FAILED


async def _serve(spec: DesktopSpec, arguments: argparse.Namespace) -> int:
    agent = Agent(
        session=spec.session,
        desktop=spec.desktop,
        socket=spec.socket,
        source=_source(spec, arguments),
        cursor=XfixesCursor(arguments.display, arguments.xauthority),
        device=XtestInput(arguments.display, arguments.xauthority),
        clipboard=XClipboard(arguments.display, arguments.xauthority, spec.clipboard),
        clipboard_policy=spec.clipboard,
        share=spec.share,
        fixed=spec.fixed,
        video=spec.video,
        layout=RandrLayout(
            arguments.display,
            arguments.xauthority,
            spec.framebuffer_folder if spec.attach is None else None,
        ),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    try:
        await agent.run()
    except CaptureError as error:
        # A screen of a new size is served by the next agent; a server that is gone ended the desktop.
        ended = not await _answers(arguments.display)
        await agent.close_viewers(CloseCode.DESKTOP_ENDED if ended else CloseCode.GOING_AWAY, str(error))
        raise
    except BaseException:
        await agent.close_viewers(CloseCode.GOING_AWAY, "The display agent failed.")
        raise
    await agent.close_viewers(CloseCode.GOING_AWAY, "The display agent was told to end.")
    return 0


def _source(spec: DesktopSpec, arguments: argparse.Namespace) -> FrameSource:
    if arguments.source == "shm":
        from display_server.agent.capture.xshm import XshmSource

        return XshmSource(arguments.display, arguments.xauthority)
    from display_server.agent.capture.xvfb import XvfbSource

    return XvfbSource(arguments.display, arguments.xauthority, spec.framebuffer_folder)


async def _answers(display: str) -> bool:
    """Whether a local display's server answers, if only to refuse; those elsewhere are taken to have ended.

    A server that is ending still listens for a moment, so a connection alone says nothing.
    """
    number = display.rpartition(":")[2].partition(".")[0]
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - X's own place
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(_SETUP)
                return bool(await reader.read(1))
            finally:
                writer.close()
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m display_server.agent", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the desktop's folder, with spec.json")
    parser.add_argument("--display", required=True, help="X display, as :N")
    parser.add_argument("--xauthority", type=Path, help="the display's authority file")
    parser.add_argument("--source", choices=("fbdir", "shm"), default="fbdir", help="where pixels come from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
