"""`python -m display_server.supervisor FOLDER` supervises the desktop that `FOLDER/spec.json` describes.

The supervisor ends on SIGTERM, SIGINT and SIGHUP, and when its standard input closes, so that a desktop never
outlives the process that started it. It writes each change of its status to `FOLDER/status.json` and, as one
line of the same JSON, to standard output. It exits with 0 when the desktop was stopped, 1 when the desktop
failed, and 2 when the specification cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from display_server.desktop.spec import DesktopSpec, read_spec
from display_server.errors import DesktopError
from display_server.supervisor.agent_process import AGENT_COMMAND
from display_server.supervisor.desktop_supervisor import DesktopSupervisor


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m display_server.supervisor",
        description="Supervises one desktop: its X server, its agent and its programs.",
    )
    parser.add_argument("folder", type=Path, help="the desktop's folder, which contains spec.json")
    parser.add_argument(
        "--agent-command",
        type=shlex.split,
        default=list(AGENT_COMMAND),
        help="the command that starts the agent, instead of Lightbox's own",
    )
    options = parser.parse_args(arguments)
    try:
        spec = read_spec(options.folder)
    except DesktopError as error:
        print(error, file=sys.stderr)
        return 2
    return asyncio.run(_run(spec, options.agent_command))


async def _run(spec: DesktopSpec, agent_command: Sequence[str]) -> int:
    return await DesktopSupervisor(spec, agent_command=agent_command).run()


if __name__ == "__main__":
    sys.exit(main())
