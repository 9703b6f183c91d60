"""Options and exit codes that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

#: The command ran and failed, or found something missing.
EXIT_FAILED = 1
#: The command was called wrongly, or the configuration or the host does not allow it.
EXIT_USAGE = 2
#: The command was interrupted by Ctrl-C (128 + SIGINT).
EXIT_INTERRUPTED = 130

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="The state folder. Default: LIGHTBOX_STATE, or else ~/.local/state/lightbox.",
    ),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration file.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output, for use by programs.")
]
