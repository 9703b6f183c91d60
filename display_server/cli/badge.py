"""`lightbox badge`: gives badges to people, and revokes lost ones."""

from __future__ import annotations

import dataclasses
import getpass
import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from display_server.broker.audit.actor import Actor
    from display_server.broker.badges.badges import Badges, ListedBadge
    from display_server.broker.store import Store

BadgeArgument = Annotated[
    int, typer.Argument(metavar="ID", help="The badge, as the first column of the list names it.")
]

app = typer.Typer(help="Give badges to people, and revoke lost ones.", no_args_is_help=True)


@app.command()
def add(
    username: Annotated[str, typer.Argument(metavar="USER", help="The person's username.")],
    label: Annotated[
        str, typer.Option("--label", metavar="TEXT", help="What is printed on it, to find it again.")
    ] = "",
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Give a badge to a person. Its number is prompted for, or read from standard input.

    The person chooses a PIN at the first tap, with the password.
    """
    number = getpass.getpass("Hold the badge to the reader: ") if sys.stdin.isatty() else sys.stdin.readline()
    added: list[ListedBadge] = []

    async def change(badges: Badges, actor: Actor) -> None:
        added.append(await badges.add(username, number, label, actor))

    _with_badges(state_folder(state, config), change, config)
    _report(
        added[0],
        f"{added[0].username} has the badge {added[0].id}, and chooses a PIN at its first tap.",
        json_output=json_output,
    )


@app.command("list")
def list_badges(
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only of this person.")] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="Also the badges that were revoked.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the badges. Their numbers are stored only as hashes."""

    async def show(badges: Badges, _actor: Actor) -> None:
        found = await badges.list_all(user, revoked=revoked)
        if json_output:
            print(json.dumps([dataclasses.asdict(badge) for badge in found], ensure_ascii=False))
            return
        if not found:
            print("There is no badge. Give one with `lightbox badge add USER`.")
        for badge in found:
            print(_in_words(badge))

    _with_badges(state_folder(state, config), show, config)


@app.command()
def revoke(
    badge: BadgeArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Make a lost badge useless at once, and sign its person out wherever a badge signed them in."""
    from display_server.broker.folders import StateFolder, list_instances
    from display_server.server.operator_requests import DevicesChanged, ask_all

    folder = state_folder(state, config)
    revoked: list[tuple[ListedBadge, list[bytes]]] = []

    async def change(badges: Badges, actor: Actor) -> None:
        revoked.append(await badges.revoke(badge, actor))

    _with_badges(folder, change, config)
    [(listed, ended)] = revoked
    request = DevicesChanged(
        f"badge {badge} revoked", operator_name(), ended=[id_hash.hex() for id_hash in ended]
    )
    ask_all(list_instances(StateFolder(folder)), request)
    done = f"The badge {badge} of {listed.username} is revoked, and {len(ended)} browsers are signed out."
    _report(listed, done, json_output=json_output)


@app.command("pin-reset")
def pin_reset(
    badge: BadgeArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Forget the PIN of a badge, and unlock it. Its person chooses a new one, with the password."""
    reset: list[ListedBadge] = []

    async def change(badges: Badges, actor: Actor) -> None:
        reset.append(await badges.reset_pin(badge, actor))

    _with_badges(state_folder(state, config), change, config)
    done = f"{reset[0].username} chooses a new PIN at the next tap of the badge {badge}."
    _report(reset[0], done, json_output=json_output)


def _with_badges(folder: Path, use: Callable[[Badges, Actor], Awaitable[None]], config: Path | None) -> None:
    from display_server.broker.audit.actor import operator_actor
    from display_server.broker.badges.badges import Badges
    from display_server.broker.folders import StateFolder
    from display_server.broker.second_factor.factor_key import FactorKey

    async def work(store: Store) -> None:
        key = FactorKey.provide(StateFolder(folder).second_factor_key)
        await use(Badges(store, key), operator_actor(operator_name()))

    with_store(folder, work, config)


def _report(badge: ListedBadge, done: str, *, json_output: bool) -> None:
    if json_output:
        print(json.dumps(dataclasses.asdict(badge), ensure_ascii=False))
    else:
        print(done, file=sys.stderr)


def _in_words(badge: ListedBadge) -> str:
    used = "never used" if badge.used_s is None else f"used {_time(badge.used_s)}"
    parts = [str(badge.id), badge.username, badge.label or "-", used]
    parts.append("has a PIN" if badge.has_pin else "no PIN yet")
    if badge.wrong:
        parts.append(f"{badge.wrong} wrong PINs")
    if badge.revoked_s is not None:
        parts.append(f"revoked {_time(badge.revoked_s)}")
    return "  ".join(parts)


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
