"""The command line.

What is heavy is imported by the command that needs it, so that `--help` and errors come at once.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from display_server.errors import ConfigurationError, LightboxError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from display_server.broker.accounts import Accounts
    from display_server.broker.store import Store
    from display_server.config import Config
    from display_server.server.serve import Demo, Ready

#: Exit codes: what the operator can mend, and what failed.
EXIT_MISSING, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 1, 2, 130
#: Desktops of the demo: name and profile, title.
DEMO_DESKTOPS = {"radiology": "Radiology", "office": "Office", "blank": "Blank", "check": "Display check"}
ATTACHED = "attached"

app = typer.Typer(
    help="Lightbox: pixel-exact desktops in the browser.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
account_app = typer.Typer(help="Accounts of people who can sign in.", no_args_is_help=True)
app.add_typer(account_app, name="account")

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="DIR", help="State folder. Default: LIGHTBOX_STATE, else ~/.local/state/lightbox."
    ),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]


def main() -> None:
    """Entry point of the `lightbox` script."""
    try:
        app()
    except LightboxError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except Exception as error:
        if os.environ.get("LIGHTBOX_LOG_LEVEL", "").lower() == "debug":
            raise
        print(
            f"lightbox: unexpected error, {type(error).__name__}: {error}\n"
            "  LIGHTBOX_LOG_LEVEL=debug shows where. Please report it.",
            file=sys.stderr,
        )
        sys.exit(EXIT_FAILED)


def _fail(error: LightboxError) -> NoReturn:
    print(f"lightbox: {error}", file=sys.stderr)
    sys.exit(EXIT_USAGE if isinstance(error, ConfigurationError) else EXIT_FAILED)


@app.command()
def demo(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="0.0.0.0 opens the network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="0 picks a free one.")] = 8443,
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="Desktop that is started at once.")
    ] = "radiology",
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Size of the desktops in pixels. Default: that of the window."),
    ] = None,
    attach: Annotated[
        str | None, typer.Option(metavar=":N", help="Serve this X display as well, and at once.")
    ] = None,
    video: Annotated[
        str,
        typer.Option(
            metavar="POLICY[,N=POLICY…]",
            help="adaptive, exact (never video) or economy (video for whatever moves); also of monitor N.",
        ),
    ] = "adaptive",
    share: Annotated[bool, typer.Option(help="Several devices may show a desktop at once.")] = False,
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Everything at once on this host, with a demo account and a certificate of its own."""
    from display_server.config import Config, DesktopConfig, check_display, load, parse_size
    from display_server.desktop.video_settings import parse_policies
    from display_server.server.serve import DEMO_USERNAME, Demo

    if profile not in DEMO_DESKTOPS:
        raise ConfigurationError(
            f"There is no profile {profile!r}.", hint=f"Choose one of: {', '.join(DEMO_DESKTOPS)}."
        )
    if size is not None:
        parse_size(size)
    try:
        policy, policies = parse_policies(video)
    except ValueError as error:
        raise ConfigurationError(
            f"--video: {error}.", hint="For example: --video adaptive,0=exact"
        ) from error
    desktops = [
        DesktopConfig(
            name=name,
            profile=name,
            title=title,
            size=size,
            users=[DEMO_USERNAME],
            share=share,
            video=policy,
            video_monitors=policies,
        )
        for name, title in DEMO_DESKTOPS.items()
    ]
    if attach is not None:
        check_display(attach)
        desktops.append(
            DesktopConfig(
                name=ATTACHED,
                profile="blank",
                title=f"Display {attach}",
                size=size,
                users=[DEMO_USERNAME],
                attach=attach,
                share=share,
                video=policy,
                video_monitors=policies,
            )
        )
    base = load(None, os.environ)
    config = Config(
        host=host,
        port=port,
        names=base.names,
        state=state or base.state,
        web_client=base.web_client,
        locale=base.locale,
        tls=base.tls,
        sign_in=base.sign_in,
        video=base.video,
        desktops=desktops,
    )
    _serve(config, demo=Demo(ready_desktop=ATTACHED if attach else profile), json_output=json_output)


@app.command()
def serve(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="Configuration file.")],
    json_output: JsonOption = False,
) -> None:
    """The product: desktops, accounts and certificate as the configuration says."""
    from display_server.config import load

    loaded = load(config, os.environ)
    if not loaded.desktops:
        raise ConfigurationError(
            f"{config} declares no desktops.",
            hint="Add a [[desktops]] section; deploy/lightbox.example.toml has some.",
        )
    _serve(loaded, demo=None, json_output=json_output)


def _serve(config: Config, *, demo: Demo | None, json_output: bool) -> None:
    import uvloop

    from display_server.gateway import logs
    from display_server.server import doctor
    from display_server.server.serve import run

    logs.set_up()
    doctor.require_mandatory(config)

    def on_ready(ready: Ready) -> None:
        print(_ready_json(ready) if json_output else _ready_text(ready), flush=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(config, on_ready, demo=demo))


def _ready_json(ready: Ready) -> str:
    answer = {"url": ready.url}
    if ready.username is not None and ready.password is not None:
        answer |= {"username": ready.username, "password": ready.password}
    return json.dumps(answer)


def _ready_text(ready: Ready) -> str:
    lines = ["", "Lightbox is running. Ctrl-C ends it.", f"  open      {ready.url}"]
    lines += [f"            {url}" for url in ready.other_urls]
    if ready.username is not None:
        lines += [f"  user      {ready.username}", f"  password  {ready.password}"]
    if ready.root_sha256 is not None:
        where = ready.other_urls[0] if ready.other_urls else ready.url
        lines += [
            f"  root certificate  {where}/ca.crt",
            f"    SHA-256 {ready.root_sha256}",
            "    Without it browsers warn. Install it once per device, after comparing the fingerprint:",
            "    iPad: open it in Safari; Settings > Profile Downloaded > Install; General > About >",
            "    Certificate Trust Settings. Elsewhere: open it and add it to the trusted root authorities.",
        ]
    return "\n".join([*lines, ""])


@app.command()
def sessions(state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Desktops that run now."""
    from display_server.broker.running_desktops import running_desktops

    found = running_desktops(_state_folder(state, config))
    if json_output:
        print(json.dumps(found))
        return
    if not found:
        print("No desktop is running.")
    for desktop in found:
        print(
            "  ".join(
                str(desktop[key] or "-")
                for key in ("id", "user", "desktop", "profile", "state", "display", "size")
            )
        )


@app.command()
def checks(
    username: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Of this person alone.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Results of display checks, the newest first."""
    import time

    from display_server.broker.display_checks import Checks, StoredCheck, as_dict

    found: list[StoredCheck] = []

    async def read(store: Store) -> None:
        found.extend(await Checks(store).newest(username.lower() if username else None))

    _with_store(_state_folder(state, config), read)
    if json_output:
        print(json.dumps([as_dict(check) for check in found]))
        return
    if not found:
        print("No display was checked yet.")
    for check in found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(check.checked_s))
        device, seen = check.result.device, ["-" if t is None else str(t) for t in check.result.thresholds()]
        size = f"{device.screen_width}x{device.screen_height}"
        verdict = "passed" if check.passed else "failed"
        print(f"{when}  {check.username}  {verdict}  {device.name}  {size}  sees {'/'.join(seen)}")


@app.command()
def doctor(state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """What is missing on this host, and how to get it. Exit code 1 if anything is."""
    from display_server.config import load
    from display_server.server.doctor import examine

    loaded = load(config, os.environ)
    findings = examine(loaded, state or loaded.state)
    if json_output:
        print(json.dumps([finding.as_dict() for finding in findings]))
    else:
        for finding in findings:
            print(finding.as_line())
    if any(not finding.ok and finding.mandatory for finding in findings):
        sys.exit(EXIT_MISSING)


@account_app.command("add")
def account_add(
    username: str,
    display_name: Annotated[str, typer.Option(metavar="NAME", help="As shown to people.")] = "",
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Adds an account. The password is asked for, or read from standard input."""
    from display_server.broker.accounts import checked_username

    name = checked_username(username)
    password = _read_password()

    async def add(accounts: Accounts) -> None:
        await accounts.add(name, password, display_name=display_name)

    _with_accounts(_state_folder(state, config), add)
    print(f"Account {name} added. What it may open is in the configuration's [[desktops]].", file=sys.stderr)


@account_app.command("list")
def account_list(
    state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """Lists the accounts."""

    async def show(accounts: Accounts) -> None:
        found = await accounts.all()
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
        for account in found:
            print(f"{account.username}  {account.display_name}{'  (disabled)' if account.disabled else ''}")

    _with_accounts(_state_folder(state, config), show)


@account_app.command("passwd")
def account_passwd(username: str, state: StateOption = None, config: ConfigOption = None) -> None:
    """Changes a password, and signs the person out everywhere."""
    password = _read_password()

    async def change(accounts: Accounts) -> None:
        await accounts.set_password(username, password)

    _with_accounts(_state_folder(state, config), change)
    print(f"Password of {username.lower()} changed.", file=sys.stderr)


def _read_password() -> str:
    """Never from the arguments: those are visible to every process of the host."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ConfigurationError("The two were not the same.", hint="Nothing was changed; try again.")
    return password


def _state_folder(state: Path | None, config: Path | None) -> Path:
    from display_server.config import load

    return state or load(config, os.environ).state


def _with_accounts(state: Path, use: Callable[[Accounts], Awaitable[None]]) -> None:
    from display_server.broker.accounts import Accounts
    from display_server.broker.passwords import Passwords

    async def work(store: Store) -> None:
        passwords = Passwords()
        try:
            await use(Accounts(store, passwords))
        finally:
            passwords.close()

    _with_store(state, work)


def _with_store(state: Path, use: Callable[[Store], Awaitable[None]]) -> None:
    from display_server.broker.folders import StateFolder
    from display_server.broker.store import Store

    async def work() -> None:
        folder = StateFolder.open(state)
        store = await Store.open(folder.database)
        try:
            await use(store)
        finally:
            await store.close()

    asyncio.run(work())


if __name__ == "__main__":
    main()
