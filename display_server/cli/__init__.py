"""The command line: one module per command group."""

from display_server.cli.app import main

__all__ = ["main"]
