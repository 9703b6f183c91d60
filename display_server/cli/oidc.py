"""`lightbox oidc`: examines the OpenID Connect providers at which people sign in."""

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
    from display_server.broker.oidc.settings import ProviderSettings

app = typer.Typer(help="Examine the OpenID Connect providers at which people sign in.", no_args_is_help=True)


@app.callback()
def oidc() -> None:
    """Examine the OpenID Connect providers at which people sign in."""


@app.command("test")
def examine_provider(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name in the table [[oidc]].")],
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Ask a provider for all that a sign-in needs, and say what is wrong and what to do.

    Nobody's password is needed. The exit code is 1 if a step fails.
    """
    from display_server.config import load
    from display_server.server.provider_settings import provider_settings

    providers = {settings.name: settings for settings in provider_settings(load(config, os.environ))}
    if name not in providers:
        raise ConfigurationError(
            f"The configuration has no provider named {name!r}.",
            hint=f"It names: {', '.join(providers) or 'none'}. --config names the file.",
        )
    if not asyncio.run(_test(providers[name], json_output=json_output)):
        sys.exit(EXIT_FAILED)


async def _test(settings: ProviderSettings, *, json_output: bool) -> bool:
    """Prints the outcome of each step. Returns whether all went well."""
    from display_server.broker.oidc.examination import examine
    from display_server.broker.oidc.provider import Provider

    steps = []
    async for step in examine(Provider(settings)):
        if not json_output:
            print(step.as_line())
        steps.append(step)
    if json_output:
        print(json.dumps([step.as_dict() for step in steps]))
    return all(step.ok for step in steps)
