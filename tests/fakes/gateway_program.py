"""`lightbox demo` with a fake launcher, as a program for tests of signals and of cleaning up.

    python -m tests.fakes.gateway_program STATE WEB_CLIENT echo|never|crashing|supervisor

The last argument selects the launcher. `supervisor` is the real launcher, with a real X server and an agent
that echoes what it receives.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from display_server.broker.launchers.launcher import Launcher
from display_server.broker.launchers.process_launcher import SUPERVISOR_COMMAND, ProcessLauncher
from display_server.config import Config, DesktopConfig
from display_server.errors import LightboxError
from display_server.server.demo import Demo
from display_server.server.ready import Ready
from display_server.server.serve import serve
from display_server.telemetry.logs import configure_logs
from tests.fakes.launchers import CrashingLauncher, EchoLauncher, NeverLauncher

ECHO_AGENT = Path(__file__).with_name("echo_agent_program.py")


def supervisor_launcher() -> ProcessLauncher:
    return ProcessLauncher(
        (*SUPERVISOR_COMMAND, "--agent-command", shlex.join((sys.executable, str(ECHO_AGENT))))
    )


LAUNCHERS: dict[str, Callable[[], Launcher]] = {
    "echo": EchoLauncher,
    "never": NeverLauncher,
    "crashing": CrashingLauncher,
    "supervisor": supervisor_launcher,
}


def main() -> int:
    state, web_client, kind = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    configure_logs("server")
    launcher: Launcher = LAUNCHERS[kind]()
    config = Config(
        port=0,
        state=state,
        web_client=web_client,
        desktops=[DesktopConfig(name="blank", profile="blank", users=["demo"])],
    )

    def on_ready(ready: Ready) -> None:
        print(
            json.dumps({"url": ready.url, "username": ready.username, "password": ready.password}), flush=True
        )

    try:
        serve(config, on_ready, demo=Demo("blank"), launcher=launcher)
    except LightboxError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
