"""The help of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from display_server.cli.app import app


def commands(command: Any, name: str = "lightbox") -> Iterator[tuple[str, Any]]:
    """Yields a command and all commands below it, which are objects of Typer's private copy of click."""
    yield name, command
    children: Mapping[str, Any] = getattr(command, "commands", {})
    for child, inner in children.items():
        yield from commands(inner, f"{name} {child}")


def test_every_command_and_parameter_explains_itself() -> None:
    silent = []
    for name, command in commands(typer.main.get_command(app)):
        if not command.help:
            silent.append(name)
        for parameter in command.params:
            if not getattr(parameter, "help", None):
                silent.append(f"{name} {parameter.name}")
    assert silent == []
