"""`lightbox directory`: examines the directory that people sign in with."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.options import EXIT_FAILED, ConfigOption, JsonOption
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from display_server.broker.directory.examination import Step
    from display_server.broker.directory.settings import DirectorySettings

app = typer.Typer(help="Examine the directory whose people may sign in.", no_args_is_help=True)


@app.callback()
def directory() -> None:
    """Examine the directory whose people may sign in."""


@app.command("test")
def examine_directory(
    user: Annotated[
        str | None,
        typer.Argument(
            metavar="[USER]", help="Also look for this person, as the person would type the name."
        ),
    ] = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Try every step of a sign-in with each server, and say what is wrong and what to do.

    Nobody's password is needed but that of the service account. The exit code is 1 if a step fails.
    """
    from display_server.config import load
    from display_server.server.directory_settings import directory_settings

    settings = directory_settings(load(config, os.environ))
    if settings is None:
        raise ConfigurationError(
            "The configuration names no directory.",
            hint="Set `directory.servers`; docs/directory.md has examples. --config names the file.",
        )
    if not asyncio.run(_test(settings, user, json_output=json_output)):
        sys.exit(EXIT_FAILED)


async def _test(settings: DirectorySettings, user: str | None, *, json_output: bool) -> bool:
    """Prints the outcome of each step. Returns whether all went well."""
    from display_server.broker.directory.examination import examine

    steps: list[Step] = []
    async for step in examine(settings, user):
        if not json_output:
            if not steps or steps[-1].server != step.server:
                print(step.server)
            print(f"  {step.as_line()}")
        steps.append(step)
    if json_output:
        print(json.dumps([step.as_dict() for step in steps]))
    return all(step.ok for step in steps)
