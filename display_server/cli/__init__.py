"""The command line: one module per command group.

A command imports what it needs when it runs, so that `lightbox --help` and usage errors appear at once.
"""

from display_server.cli.app import main

__all__ = ["main"]
