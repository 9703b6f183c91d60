"""`python -m display_server.supervisor FOLDER` supervises the desktop that `FOLDER/spec.json` describes.

The supervisor ends its desktop on SIGTERM, SIGINT and SIGHUP and, with `--end-with-stdin`, when its standard
input closes. When it is killed, the desktop goes on, and the next supervisor that is started with the same
folder continues it. It writes each change of its status to `FOLDER/status.json` and, as one line of the same
JSON, to standard output and to the clients of its control socket. It exits with 0 when the desktop was
stopped, 1 when the desktop failed, and 2 when the specification cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from display_server.desktop.spec import DesktopSpec, read_spec
from display_server.errors import DesktopError
from display_server.supervisor.agent_process import AGENT_COMMAND
from display_server.supervisor.children import limit_resources
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
    parser.add_argument(
        "--end-with-stdin", action="store_true", help="end the desktop when standard input closes"
    )
    options = parser.parse_args(arguments)
    os.umask(0o077)
    try:
        spec = read_spec(options.folder)
    except DesktopError as error:
        print(error, file=sys.stderr)
        return 2
    limit_resources()
    return asyncio.run(_run(spec, options.agent_command, options.end_with_stdin))


async def _run(spec: DesktopSpec, agent_command: Sequence[str], ends_with_stdin: bool) -> int:
    return await DesktopSupervisor(spec, agent_command=agent_command, ends_with_stdin=ends_with_stdin).run()


if __name__ == "__main__":
    sys.exit(main())
