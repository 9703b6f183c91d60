"""`lightbox checks`: lists the results of display checks."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import state_folder, with_store

if TYPE_CHECKING:
    from display_server.broker.display_checks import StoredCheck
    from display_server.broker.store import Store


def checks(
    username: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="List only the results of this person.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the results of display checks, with the newest first."""
    from display_server.broker.display_checks import DisplayChecks, as_dict

    found: list[StoredCheck] = []

    async def read(store: Store) -> None:
        found.extend(await DisplayChecks(store).list_newest(username.lower() if username else None))

    with_store(state_folder(state, config), read, config)
    if json_output:
        print(json.dumps([as_dict(check) for check in found]))
        return
    if not found:
        print("No display has been checked yet.")
    for check in found:
        print(_as_line(check))


def _as_line(check: StoredCheck) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(check.checked_s))
    device = check.result.device
    size = f"{device.screen_width}x{device.screen_height}"
    thresholds = "/".join("-" if level is None else str(level) for level in check.result.thresholds())
    verdict = "passed" if check.passed else "failed"
    return f"{when}  {check.username}  {verdict}  {device.name}  {size}  thresholds {thresholds}"
