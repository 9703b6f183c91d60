"""`lightbox break-glass`: who has, or had, emergency access."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import state_folder, with_store

if TYPE_CHECKING:
    from display_server.broker.audit.chain import Row
    from display_server.broker.store import Store

#: Largest number of acts that are listed.
LISTED = 200

app = typer.Typer(help="Show who has, or had, emergency access to desktops.", no_args_is_help=True)


@app.command("list")
def list_access(
    days: Annotated[int, typer.Option("--days", metavar="N", help="Of the last N days.")] = 31,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List when emergency access began and ended, with the reasons, the newest first."""
    from display_server.broker.audit.chain import US_PER_S
    from display_server.broker.audit.entry import Action
    from display_server.broker.audit.reading import Filter, newest
    from display_server.broker.break_glass.break_glass import BreakGlass

    from_us = int((time.time() - days * 24 * 3600) * US_PER_S)

    async def show(store: Store) -> None:
        rows: list[Row] = []
        async with store.reading() as db:
            for action in (Action.BREAK_GLASS_BEGUN, Action.BREAK_GLASS_ENDED):
                rows += await newest(db, Filter(action=action.value, from_us=from_us), LISTED)
        rows.sort(key=lambda row: row.seq, reverse=True)
        current = await BreakGlass(store).current()
        if json_output:
            lasting = [
                {"person": one.username, "desktop": one.desktop, "until_s": one.until_s} for one in current
            ]
            print(
                json.dumps({"current": lasting, "acts": [_as_dict(row) for row in rows]}, ensure_ascii=False)
            )
            return
        for one in current:
            print(f"now: {one.username}  {one.desktop}  until {_time(one.until_s)}")
        if not rows:
            print(f"Nobody took emergency access in the last {days} days.")
        for row in rows:
            print(
                f"{_time(row.at_us / US_PER_S)}  {row.action}  {row.account}  {row.object}  "
                f"{row.reason or '-'}"
            )

    with_store(state_folder(state, config), show, config)


def _as_dict(row: Row) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at_s": row.at_us / 1_000_000,
        "action": row.action,
        "person": row.account,
        "object": row.object,
        "address": row.address,
        "device": row.device,
        "reason": row.reason,
    }


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
