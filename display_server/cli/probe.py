"""`lightbox probe`: signs in as a person would, for monitoring."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from display_server.cli.options import EXIT_FAILED, JsonOption


def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server, as https://SERVER:8443.")],
    username: Annotated[str, typer.Option("--user", metavar="NAME", help="A local account for this alone.")],
    password_file: Annotated[
        Path, typer.Option("--password-file", metavar="FILE", help="Has its password; mode 0600.")
    ],
    desktop: Annotated[
        str | None, typer.Option("--desktop", metavar="NAME", help="Also open this desktop.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="The server's root certificate.")
    ] = None,
    textfile: Annotated[
        Path | None,
        typer.Option("--textfile", metavar="FILE", help="Write the outcome for Prometheus's node exporter."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Sign in, open a desktop, wait for its first picture and sign out, for monitoring.

    The exit code is 1 if a step fails. The desktop that was opened stays, as after any sign-out.
    """
    from display_server.config.secret_file import read_secret
    from display_server.server.probe import Target, as_metrics
    from display_server.server.probe import probe as run_probe

    steps = run_probe(Target(url, username, read_secret(password_file), desktop, ca))
    if textfile is not None:
        scratch = textfile.with_name(f".{textfile.name}")  # the exporter reads whole files
        scratch.write_text(as_metrics(steps, time.time()), encoding="utf-8")
        scratch.replace(textfile)
    print(
        json.dumps([asdict(step) for step in steps])
        if json_output
        else "\n".join(step.as_line() for step in steps)
    )
    if any(step.failure for step in steps):
        sys.exit(EXIT_FAILED)
