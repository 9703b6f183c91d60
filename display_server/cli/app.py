"""The `lightbox` script: assembles the command groups and turns errors into messages and exit codes."""

from __future__ import annotations

import os
import sys

import typer

from display_server.cli import account, checks, doctor, serve, sessions
from display_server.cli.options import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from display_server.errors import ConfigurationError, LightboxError

app = typer.Typer(
    help="Lightbox: pixel-exact desktops in the browser.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(serve.demo)
app.command()(serve.serve)
app.command()(sessions.sessions)
app.command()(checks.checks)
app.command()(doctor.doctor)
app.add_typer(account.app, name="account")


def main() -> None:
    """Runs the command line and exits with its exit code."""
    try:
        app()
    except LightboxError as error:
        print(f"lightbox: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE if isinstance(error, ConfigurationError) else EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of standard output has closed it. Python would report the error again at exit, when it
        # flushes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
