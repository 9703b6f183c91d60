"""`lightbox reload`: lets running servers read their configuration and certificate again."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from display_server.cli.options import EXIT_FAILED, ConfigOption, JsonOption, StateOption
from display_server.cli.storage import state_folder
from display_server.errors import ConfigurationError, Malfunction

if TYPE_CHECKING:
    from display_server.broker.folders import Instance
    from display_server.server.reload_result import ReloadResult

#: A server has to answer within this time, s. It may have to renew its certificate first.
ANSWER_TIMEOUT_S = 120.0
#: Interval between two looks for the answer, s.
POLL_INTERVAL_S = 0.1


def reload(state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Apply the changed configuration and certificate. No desktop ends and no connection is dropped.

    Without --state and --config all servers of this user are reloaded; for root, those of all users. A
    configuration with a mistake is refused, and the previous one stays in force.
    """
    try:
        servers = running_servers(state, config)
    except ConfigurationError as error:
        kept = "A running server keeps its previous configuration."
        raise ConfigurationError(error.cause, hint=f"{error.hint}\n  {kept}") from error
    if not servers:
        raise ConfigurationError(
            "No server that can be reloaded is running.",
            hint="Only `lightbox serve` can be reloaded. `lightbox sessions` lists the desktops of running "
            "servers; --state or --config selects another state folder.",
        )
    outcomes = [(server, _reload(server)) for server in servers]
    if json_output:
        print(json.dumps([_as_dict(server, result) for server, result in outcomes]))
    else:
        for server, result in outcomes:
            print(_as_text(server, result))
    if any(result.cause is not None for _, result in outcomes):
        sys.exit(EXIT_FAILED)


def running_servers(state: Path | None, config: Path | None) -> list[Instance]:
    """Returns the running servers that can be reloaded: those of a folder, of this user, or for root all."""
    from display_server.broker.folders import StateFolder, find_instances, list_instances

    limited = state is not None or config is not None or "LIGHTBOX_STATE" in os.environ
    found = (
        list_instances(StateFolder(state_folder(state, config).expanduser().absolute()))
        if limited
        else find_instances()
    )
    return [instance for instance in found if instance.reloadable]


def _reload(server: Instance) -> ReloadResult:
    """Asks one server to reload, and waits for the result."""
    from display_server.server.reload_result import read_result

    folder = Path(server.run_folder)
    before = read_result(folder)
    try:
        os.kill(server.pid, signal.SIGHUP)
    except ProcessLookupError:
        raise Malfunction("The server ended meanwhile.", next_step="Start it again.") from None
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline and server.alive:
        result = read_result(folder)
        if result is not None and (before is None or result.serial > before.serial):
            return result
        time.sleep(POLL_INTERVAL_S)
    raise Malfunction(
        f"The server {server.url} did not say within {ANSWER_TIMEOUT_S:g} s whether it has reloaded.",
        next_step="Its log has the reason.",
    )


def _as_dict(server: Instance, result: ReloadResult) -> dict[str, object]:
    return {
        "url": server.url,
        "ok": result.cause is None,
        "applied": result.applied,
        "need_restart": result.need_restart,
        "certificate_changed": result.certificate_changed,
        "cause": result.cause,
        "next_step": result.next_step,
    }


def _as_text(server: Instance, result: ReloadResult) -> str:
    if result.cause is not None:
        return f"{server.url}  refused; the previous configuration stays in force\n  {result.cause}\n  " + (
            result.next_step.replace("\n", "\n  ")
        )
    lines = [f"{server.url}  reloaded"]
    if result.applied:
        lines.append(f"  in force now: {', '.join(result.applied)}")
    if result.certificate_changed:
        lines.append("  new connections get the new certificate")
    if not result.applied and not result.certificate_changed:
        lines.append("  nothing else had changed" if result.need_restart else "  nothing had changed")
    if result.need_restart:
        lines.append(
            f"  need a restart, which ends desktops without isolation: {', '.join(result.need_restart)}"
        )
    return "\n".join(lines)
