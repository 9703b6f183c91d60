"""`lightbox pools`: shows the floating pools of running servers, and takes them out of service and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from display_server.broker.folders import Instance
    from display_server.server.operator_requests import PoolStatus

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The desktop's name in the configuration.")]

app = typer.Typer(help="Show the floating pools of running servers, and take them out of service.")


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of a pool, and what is printed when it is done."""

    name: Literal["maintain", "resume", "retry"]
    done: str


@app.callback(invoke_without_command=True)
def list_pools(
    context: typer.Context,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the floating pools: how many desktops wait, start, belong to people, and may exist.

    A pool is `restrained` if its desktops fail again and again. It tries again by itself after pauses.
    """
    if context.invoked_subcommand is not None:
        if state is not None or config is not None or json_output:
            raise ConfigurationError(
                "Options of a subcommand follow its name.",
                hint=f"For example: lightbox pools {context.invoked_subcommand} NAME --state DIR",
            )
        return
    from display_server.server.operator_requests import ListPools, PoolList, ask, refusal

    pools: list[PoolStatus] = []
    for server in _servers(state, config):
        answer = ask(server, ListPools())
        if not isinstance(answer, PoolList):
            raise refusal(answer)
        pools += answer.pools
    if json_output:
        print(json.dumps([{name: getattr(pool, name) for name in pool.__struct_fields__} for pool in pools]))
    elif not pools:
        print("There is no floating pool. docs/pools.md explains how a desktop becomes one.")
    for pool in () if json_output else pools:
        print(_as_text(pool))


@app.command()
def maintain(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Take a pool out of service: spare desktops end, and nobody gets another one. People go on."""
    done = f"The pool {name} is in maintenance. `lightbox pools resume {name}` ends that."
    _change(name, _Change("maintain", done), state, config)


@app.command()
def resume(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Take a pool back into service."""
    _change(name, _Change("resume", f"The pool {name} is in service."), state, config)


@app.command()
def retry(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Let a restrained pool start desktops again at once, because the cause was mended."""
    _change(name, _Change("retry", f"The pool {name} starts desktops again."), state, config)


def _change(name: str, change: _Change, state: Path | None, config: Path | None) -> None:
    from display_server.server.operator_requests import ChangePool, PoolList, ask, refusal

    for server in _servers(state, config):
        answer = ask(server, ChangePool(name, change.name, operator_name()))
        if not isinstance(answer, PoolList):
            raise refusal(answer)
    print(change.done)


def _servers(state: Path | None, config: Path | None) -> list[Instance]:
    from display_server.cli.sessions import running_instances

    found = running_instances(state, config)
    if not found:
        raise ConfigurationError(
            "No server is running.",
            hint="Start one with `lightbox serve`, or name its state folder with --state or --config.",
        )
    return found


def _as_text(pool: PoolStatus) -> str:
    counts = (
        f"{pool.waiting} of {pool.spare} waiting, {pool.starting} starting, {pool.assigned} in use, "
        f"{pool.ending} ending, at most {pool.maximum}"
    )
    line = f"{pool.name}  {pool.state}  {counts}"
    if pool.error is not None and pool.state != "normal":
        line += f"\n  The last failure: {pool.error}"
    if pool.retry_in_s is not None:
        line += (
            f"\n  The next attempt is in {pool.retry_in_s:.0f} s, or now: lightbox pools retry {pool.name}"
        )
    return line
