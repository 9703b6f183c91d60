"""Attacks on a server by a program that runs as the user of its gateway."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.integration.isolation.servers import PATIENCE_S, Server

PROGRAM = Path(__file__).with_name("gateway_programs.py")
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
#: What even the broker's own user may not do where the kernel limits tracing (Yama).
TRACING = ("memory", "copied_memory", "descriptor", "trace")


def targets(server: Server, session: str, other_gateway: Path) -> dict[str, Any]:
    """Returns what belongs to the broker of a server, to a desktop and to the gateway of another server."""
    run_folder = Path(json.loads(next(server.state.glob("instances/*.json")).read_text())["run_folder"])
    desktop = server.lasting.desktops / session
    kept = ("lightbox.db", "tls/ca.key", "tls/server.key", "audit-key", "second-factor-key", "metrics-token")
    return {
        "files": [
            *(str(server.state / name) for name in kept),
            str(desktop / "spec.json"),
            str(run_folder / "instance.json"),
        ],
        "folders": [str(server.state), str(run_folder), str(server.lasting.desktops), str(desktop)],
        "sockets": [
            str(server.lasting.socket),
            str(run_folder / "operator.sock"),
            *(str(desktop / name) for name in ("supervisor.sock", "agent.sock", "host.sock")),
            str(other_gateway),
        ],
        "processes": {"broker": server.parts()["broker"].pid},
    }


def attack(ids: tuple[int, int], facts: dict[str, Any]) -> dict[str, str]:
    """Runs the program as this user and group. Returns the result of each attempt."""
    done = subprocess.run(
        [
            *("setpriv", f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups"),
            *("/usr/bin/python3", "-I", "-c", PROGRAM.read_text(), json.dumps(facts)),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, str] = json.loads(done.stdout)
    return results


def assert_out_of_reach(gateway: tuple[int, int], broker: tuple[int, int], facts: dict[str, Any]) -> None:
    """Everything succeeds for the broker's user and is refused to the gateway's."""
    limited = YAMA.exists() and YAMA.read_text().strip() != "0" and broker[0] != 0
    for name, result in attack(broker, facts).items():
        if not (limited and name.split()[0] in TRACING):
            assert result == "succeeded", f"{name}: the test would show nothing"
    refused = attack(gateway, facts)
    assert {name: result for name, result in refused.items() if result != "PermissionError"} == {}
