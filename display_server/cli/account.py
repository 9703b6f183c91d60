"""`lightbox account`: adds, lists, changes and removes accounts."""

from __future__ import annotations

import dataclasses
import getpass
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli import second_factor
from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_accounts, with_store
from display_server.errors import ConfigurationError, Malfunction

if TYPE_CHECKING:
    from display_server.broker.accounts import Accounts
    from display_server.broker.store import Store
    from display_server.server.operator_requests import Answered

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

    with_accounts(state_folder(state, config), add_account, config)
    print(
        f"Account {name} added. It may open the desktops that the configuration, a group or "
        "`lightbox entitlements add` entitles it to.",
        file=sys.stderr,
    )


@app.command("list")
def list_accounts(
    state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """List the accounts, and the second factors that people have."""

    async def show(accounts: Accounts) -> None:
        found = await accounts.list_all()
        factors = await accounts.second_factors()
        if json_output:
            print(
                json.dumps(
                    [
                        {
                            "username": account.username,
                            "display_name": account.display_name,
                            "disabled": account.disabled,
                            "second_factors": second_factor.as_json(factors.get(account.id)),
                            "origin": account.origin,
                        }
                        for account in found
                    ]
                )
            )
            return
        if not found:
            print("There is no account yet. Add one with `lightbox account add NAME`.")
        for account in found:
            notes = ["disabled"] * account.disabled + [account.origin] * (account.origin != "local")
            suffix = f"  ({', '.join(notes)})" if notes else ""
            has = second_factor.in_words(factors.get(account.id))
            print(f"{account.username}  {account.display_name}{suffix}  {has}")

    with_accounts(state_folder(state, config), show, config)


@app.command()
def history(
    username: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only this account, which may be deleted.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List what was done to accounts, when, and by which Unix user, with the newest first."""

    async def show(accounts: Accounts) -> None:
        events = await accounts.events(username)
        if json_output:
            print(
                json.dumps(
                    [
                        {
                            "at_s": event.at_s,
                            "username": event.username,
                            "action": event.action,
                            "operator": event.operator,
                        }
                        for event in events
                    ]
                )
            )
            return
        if not events:
            print("Nothing was recorded yet.")
        for event in events:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at_s))
            print(f"{when}  {event.username}  {event.action}  by {event.operator}")

    with_accounts(state_folder(state, config), show, config)


@app.command()
def passwd(username: UsernameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Change a password, and sign the person out of every browser.

    Their desktops keep running. The change is recorded, without the password.
    """
    password = _read_password()
    folder = state_folder(state, config)
    name = username.lower()

    async def change(accounts: Accounts) -> None:
        await accounts.set_password(name, password)

    with_accounts(folder, change, config)
    answered = _notify_servers(
        folder, name, "password changed", done=f"The password of {name} has been changed"
    )
    print(f"The password of {name} has been changed. {_signed_out(answered)}", file=sys.stderr)


@app.command()
def disable(
    username: UsernameArgument,
    end_desktops: Annotated[
        bool, typer.Option("--end-desktops", help="Also end the desktops that run; unsaved work is lost.")
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Forbid a person to sign in, and sign them out of every browser, at once.

    Running desktops keep running, out of everybody's reach, until they have been unattended for the
    configured time; --end-desktops ends them now. Homes are kept. `enable` undoes it.
    """
    folder = state_folder(state, config)
    name = username.lower()

    async def change(accounts: Accounts) -> None:
        await accounts.disable(name)

    with_accounts(folder, change, config)
    answered = _notify_servers(
        folder, name, "disabled", end_desktops=end_desktops, done=f"The account {name} is disabled"
    )
    answered = _with_unserved_desktops(answered, folder, config, name, end=end_desktops)
    print(
        f"The account {name} is disabled. {_signed_out(answered)} Homes are kept.\n"
        f"`lightbox account enable {name}` allows signing in again.",
        file=sys.stderr,
    )


@app.command("sign-out")
def sign_out(username: UsernameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Sign a person out of every browser, at once. Their desktops keep running.

    What the configuration requires of a sign-in, such as a second factor, then holds for them.
    """
    folder, name = state_folder(state, config), username.lower()

    async def change(accounts: Accounts) -> None:
        await accounts.sign_out(name)

    with_accounts(folder, change, config)
    answered = _notify_servers(folder, name, "signed out", done=f"{name} is signed out")
    print(_signed_out(answered), file=sys.stderr)


@app.command("reset-second-factor")
def reset_second_factor(
    username: UsernameArgument, state: StateOption = None, config: ConfigOption = None
) -> None:
    """Remove a person's authenticator app, passkeys and recovery codes, and sign them out of every browser.

    Where a second factor is required they are led through setting one up when they sign in the next time.
    Their desktops keep running. The reset is recorded. Be sure whom you talk to before you run it.
    """
    folder, name = state_folder(state, config), username.lower()

    async def change(accounts: Accounts) -> None:
        await accounts.reset_second_factor(name)

    with_accounts(folder, change, config)
    answered = _notify_servers(
        folder, name, "second factor reset", done=f"The second factor of {name} has been reset"
    )
    print(f"The second factor of {name} has been reset. {_signed_out(answered)}", file=sys.stderr)


@app.command()
def enable(username: UsernameArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Allow a person to sign in again, with the password that they had."""
    folder = state_folder(state, config)
    name = username.lower()

    async def change(accounts: Accounts) -> None:
        await accounts.enable(name)

    with_accounts(folder, change, config)
    _notify_servers(folder, name, "enabled", disconnect=False, done=f"The account {name} is enabled")
    print(f"The account {name} is enabled: the person can sign in again.", file=sys.stderr)


@app.command()
def delete(
    username: UsernameArgument,
    wipe_homes: Annotated[
        bool, typer.Option("--wipe-homes", help="Delete the homes instead of setting them aside.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Delete an account: end its desktops, sign the person out, and set the homes aside.

    The homes move to the folder `deleted-homes` of the state folder, so that a later account of the same name
    does not get them; --wipe-homes deletes them instead. Display checks, the record of desktop sessions and
    `lightbox account history` are kept.
    """
    from display_server.broker.folders import StateFolder
    from display_server.server import home_removal

    folder = state_folder(state, config)
    name = username.lower()

    async def exists(accounts: Accounts) -> None:
        await accounts.require(name)

    async def disable_first(accounts: Accounts) -> None:
        await accounts.disable(name)

    async def remove(accounts: Accounts) -> None:
        await accounts.delete(name)

    with_accounts(folder, exists, config)
    state_of_homes = StateFolder.open(folder)
    _confirm_deletion(name, state_of_homes.homes / name, wipe_homes=wipe_homes, yes=yes)
    # Nobody can sign in or start a desktop from here on, so that nothing writes to the homes afterwards.
    with_accounts(folder, disable_first, config)
    answered = _notify_servers(
        folder,
        name,
        "being deleted",
        end_desktops=True,
        done=f"The account {name} is disabled, but not deleted",
    )
    answered = _with_unserved_desktops(answered, folder, config, name, end=True)
    if wipe_homes:
        home_removal.wipe_homes(state_of_homes, name)
        homes = "The homes are deleted."
    elif kept := home_removal.set_homes_aside(state_of_homes, name):
        homes = (
            f"The homes are in {kept} now. `lightbox account deleted-homes --wipe {kept.name}` deletes them."
        )
    else:
        homes = "There were no homes."
    with_accounts(folder, remove, config)
    print(f"The account {name} is deleted. {_signed_out(answered)} {homes}", file=sys.stderr)


@app.command("deleted-homes")
def deleted_homes(
    wipe: Annotated[
        str | None, typer.Option("--wipe", metavar="NAME", help="Delete the homes of this name for good.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """List the homes of deleted accounts, which were set aside, or delete some of them."""
    from display_server.broker.folders import StateFolder
    from display_server.server import home_removal

    folder = StateFolder.open(state_folder(state, config))
    if wipe is not None:
        home_removal.wipe_deleted_homes(folder, wipe)
        print(f"The homes {wipe} are deleted.", file=sys.stderr)
        return
    for name in home_removal.names_of_deleted_homes(folder):
        print(name)


def _confirm_deletion(name: str, home: Path, *, wipe_homes: bool, yes: bool) -> None:
    """Says what deleting does and asks for confirmation. Raises ConfigurationError unless it is given."""
    if yes:
        return
    homes = "are DELETED and cannot be restored" if wipe_homes else "are set aside in `deleted-homes`"
    print(
        f"Deleting the account {name}:\n"
        "  - The person is signed out of every browser.\n"
        "  - Their running desktops end, and unsaved work is lost.\n"
        f"  - Their homes ({home}) {homes}.\n"
        "  - Display checks, the record of sessions and the account's history are kept.\n"
        "  - `users` in the configuration may still name them; a new account of this name would be meant.",
        file=sys.stderr,
    )
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Nothing was deleted, because nobody could be asked for confirmation.",
            hint="Run the command on a terminal, or add --yes.",
        )
    if input(f"Type the name of the account to delete it ({name}): ").strip().lower() != name:
        raise ConfigurationError("Nothing was deleted.", hint="To delete the account, type its name.")


def _notify_servers(
    folder: Path,
    username: str,
    action: str,
    *,
    done: str,
    disconnect: bool = True,
    end_desktops: bool = False,
) -> Answered:
    """Makes a change effective in the servers that run. `done` says what has been changed already.

    Raises Malfunction when one of them does not answer.
    """
    from display_server.broker.folders import StateFolder, list_instances
    from display_server.server.operator_requests import AccountChanged, ServerSilent, ask_all

    request = AccountChanged(
        username=username,
        action=action,
        operator=operator_name(),
        disconnect=disconnect,
        end_desktops=end_desktops,
    )
    try:
        return ask_all(list_instances(StateFolder(folder)), request)
    except ServerSilent as error:
        raise Malfunction(
            f"{done}. {error.cause} Connections of this person may stay open there for a minute, and "
            "desktops keep running.",
            next_step=error.next_step,
        ) from error


def _with_unserved_desktops(
    answered: Answered, folder: Path, config: Path | None, username: str, *, end: bool
) -> Answered:
    """Adds the isolated desktops of the person that run without a server, and ends them if `end` is true.

    Raises ConfigurationError when they have to be ended, and this user is not root.
    """
    from display_server.broker.session_records import floating_desktops
    from display_server.cli.sessions import end_unserved, unserved_desktops

    floating: list[str] = []

    async def look(store: Store) -> None:
        floating.extend(await floating_desktops(store, username))

    with_store(folder, look, config)
    desktops = unserved_desktops(folder, username, floating)
    names = tuple(str(desktop["desktop"]) for desktop in desktops)
    if end:
        end_unserved(folder, config, desktops)
        return dataclasses.replace(answered, ended=(*answered.ended, *names))
    return dataclasses.replace(answered, running=(*answered.running, *names))


def _signed_out(answered: Answered) -> str:
    """Says what happened to the browsers and desktops of the person."""
    sentences = ["The person is signed out of every browser."]
    if answered.ended:
        sentences.append(f"Ended: {', '.join(answered.ended)}.")
    if answered.running:
        sentences.append(f"Still running: {', '.join(answered.running)}; see `lightbox sessions`.")
    elif not answered.ended:
        sentences.append("No desktop of theirs was running.")
    return " ".join(sentences)


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
