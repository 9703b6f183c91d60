"""Runs the command line as `python -m display_server.cli`."""

from display_server.cli.app import main

main()
