"""The `lightbox` script: assembles the command groups and turns errors into messages and exit codes."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from display_server import __version__
from display_server.cli import (
    account,
    audit,
    backup,
    badge,
    break_glass,
    certificate,
    checks,
    database,
    devices,
    directory,
    doctor,
    entitlements,
    gateway,
    groups,
    oidc,
    policy,
    pools,
    probe,
    reload,
    roles,
    serve,
    sessions,
    spawner,
    token,
    users,
)
from display_server.cli.options import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from display_server.errors import ConfigurationError, LightboxError

app = typer.Typer(
    help="Lightbox: pixel-exact desktops in the browser.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"lightbox {__version__}")
        raise typer.Exit


@app.callback()
def common_options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options of `lightbox` itself."""


app.command()(serve.demo)
app.command()(serve.serve)
app.command()(spawner.spawner)
app.command()(gateway.gateway)
app.command()(reload.reload)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(checks.checks)
app.command()(doctor.doctor)
app.command()(probe.probe)
app.add_typer(account.app, name="account")
app.add_typer(database.app, name="database")
app.add_typer(users.app, name="users")
app.add_typer(groups.app, name="groups")
app.add_typer(entitlements.app, name="entitlements")
app.add_typer(roles.app, name="roles")
app.add_typer(policy.app, name="policy")
app.add_typer(token.app, name="token")
app.add_typer(sessions.app, name="sessions")
app.add_typer(audit.app, name="audit")
app.add_typer(pools.app, name="pools")
app.add_typer(devices.app, name="devices")
app.add_typer(badge.app, name="badge")
app.add_typer(break_glass.app, name="break-glass")
app.add_typer(directory.app, name="directory")
app.add_typer(oidc.app, name="oidc")
app.add_typer(certificate.app, name="certificate")


def main() -> None:
    """Runs the command line and exits with its exit code."""
    try:
        app()
    except LightboxError as error:
        print(f"lightbox: {error.for_terminal()}", file=sys.stderr)
        sys.exit(EXIT_USAGE if isinstance(error, ConfigurationError) else EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of standard output has closed it. Python would report the error again at exit, when it
        # flushes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        print(
            f"lightbox: {error.filename or 'A file'} cannot be used: {error.strerror or error}.\n"
            "  Check the path, its permissions and the free space, then try again.",
            file=sys.stderr,
        )
        sys.exit(EXIT_FAILED)
    except Exception as error:
        if os.environ.get("LIGHTBOX_LOG_LEVEL", "").lower() == "debug":
            raise
        print(
            f"lightbox: unexpected error, {type(error).__name__}: {error}\n"
            "  Set LIGHTBOX_LOG_LEVEL=debug to see where it occurred, and please report it.",
            file=sys.stderr,
        )
        sys.exit(EXIT_FAILED)
