"""`lightbox account`: adds accounts, lists them and changes passwords."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import state_folder, with_accounts
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from display_server.broker.accounts import Accounts

UsernameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The name that the person types to sign in.")
]

app = typer.Typer(help="Manage the accounts of people who can sign in.", no_args_is_help=True)


@app.command()
def add(
    username: UsernameArgument,
    display_name: Annotated[
        str, typer.Option(metavar="NAME", help="Name that is shown to people. Default: the username.")
    ] = "",
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Add an account. The password is prompted for, or read from standard input."""
    from display_server.broker.accounts import normalise_username

    name = normalise_username(username)
    password = _read_password()

    async def add_account(accounts: Accounts) -> None:
        await accounts.add(name, password, display_name=display_name)

    with_accounts(state_folder(state, config), add_account)
    print(
        f"Account {name} added. It may open the desktops whose `users` in the configuration include it.",
        file=sys.stderr,
    )


@app.command("list")
def list_accounts(
    state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """List the accounts."""

    async def show(accounts: Accounts) -> None:
        found = await accounts.list_all()
        if json_output:
            print(
                json.dumps(
                    [
                        {
                            "username": account.username,
                            "display_name": account.display_name,
                            "disabled": account.disabled,
                        }
                        for account in found
                    ]
                )
            )
            return
        if not found:
            print("There is no account yet. Add one with `lightbox account add NAME`.")
        for account in found:
            print(f"{account.username}  {account.display_name}{'  (disabled)' if account.disabled else ''}")

    with_accounts(state_folder(state, config), show)


@app.command()
def passwd(username: UsernameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Change a password, and sign the person out of every browser."""
    password = _read_password()

    async def change(accounts: Accounts) -> None:
        await accounts.set_password(username, password)

    with_accounts(state_folder(state, config), change)
    print(f"The password of {username.lower()} has been changed.", file=sys.stderr)


def _read_password() -> str:
    """Prompts for a password, or reads it from standard input if that is not a terminal.

    Passwords are never arguments, because every process of the host can read those.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Repeat the password: ") != password:
        raise ConfigurationError("The two passwords differ.", hint="Nothing was changed. Try again.")
    return password
