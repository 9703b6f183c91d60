"""`lightbox token`: creates, lists and revokes tokens of the administration API."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from display_server.broker.api_tokens import ApiTokens, TokenInfo
    from display_server.broker.store import Store

#: Days for which a token is valid unless a number is given.
DAYS = 90.0

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of the token.")]

app = typer.Typer(help="Manage tokens with which programs use the administration API.", no_args_is_help=True)


@app.command()
def create(
    name: NameArgument,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="What the token may be used for, as sessions.read. May be repeated.",
        ),
    ] = None,
    days: Annotated[
        float, typer.Option("--days", help="How long the token is valid, at most 366 days.")
    ] = DAYS,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Refuse scopes that change anything, now and in every version."),
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Create a token, and print its secret, which is shown only now. Without a scope it may do nothing."""
    from display_server.broker.api_tokens import scopes_named

    scopes = scopes_named(scope or [])
    made: list[tuple[TokenInfo, str]] = []

    async def make(tokens: ApiTokens) -> None:
        made.append(await tokens.create(name, scopes, expires_days=days, read_only=read_only))

    _with_tokens(state_folder(state, config), make, config)
    info, secret = made[0]
    if json_output:
        print(json.dumps({**_as_dict(info), "secret": secret}))
        return
    print(secret)
    print(
        f"The token {info.name} is valid until {_local(info.expires_s)}. It is not shown again.",
        file=sys.stderr,
    )
    if not scopes:
        print("It has no scope and may do nothing: add --scope.", file=sys.stderr)


@app.command("list")
def list_tokens(
    state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """List the tokens that have not expired, without their secrets."""
    found: list[TokenInfo] = []

    async def read(tokens: ApiTokens) -> None:
        found.extend(await tokens.list_all())

    _with_tokens(state_folder(state, config), read, config)
    if json_output:
        print(json.dumps([_as_dict(info) for info in found]))
        return
    if not found:
        print("There is no token. `lightbox token create NAME --scope SCOPE` creates one.")
    for info in found:
        used = f"used {_local(info.used_s)}" if info.used_s is not None else "never used"
        kind = "  (only reads)" if info.read_only else ""
        print(f"{info.name}  {' '.join(_scopes(info)) or 'no scope'}{kind}")
        print(f"  by {info.created_by}, until {_local(info.expires_s)}, {used}")


@app.command()
def revoke(name: NameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Make a token useless, at once."""

    async def end(tokens: ApiTokens) -> None:
        await tokens.revoke(name)

    _with_tokens(state_folder(state, config), end, config)
    print(f"The token {name} is revoked.", file=sys.stderr)


def _with_tokens(folder: Path, use: Callable[[ApiTokens], Awaitable[None]], config: Path | None) -> None:
    from display_server.broker.api_tokens import ApiTokens

    async def work(store: Store) -> None:
        await use(ApiTokens(store, operator=operator_name()))

    with_store(folder, work, config)


def _as_dict(info: TokenInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "name": info.name,
        "scopes": _scopes(info),
        "read_only": info.read_only,
        "created_by": info.created_by,
        "created_s": info.created_s,
        "expires_s": info.expires_s,
        "used_s": info.used_s,
    }


def _scopes(info: TokenInfo) -> list[str]:
    return sorted(scope.value for scope in info.scopes)


def _local(at_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))
