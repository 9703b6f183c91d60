"""`python -m display_server.desktop.input_method ADDRESS` shows the candidates of an ibus.

ADDRESS is the D-Bus address of ibus. The process ends when ibus or the X server of $DISPLAY ends. It also
tells the panel of the desktop, by a file in $XDG_RUNTIME_DIR, whether Hangul is typed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from display_server.desktop.input_method.panel import Panel
from display_server.errors import ConfigurationError, DesktopError


def main() -> int:
    """Returns the exit code: 2 for wrong usage, 1 when ibus or the X server ended or does not answer."""
    if len(sys.argv) != 2 or not {"DISPLAY", "XDG_RUNTIME_DIR"} <= os.environ.keys():
        usage = "usage: DISPLAY=… XDG_RUNTIME_DIR=… python -m display_server.desktop.input_method ADDRESS"
        print(usage, file=sys.stderr)
        return 2
    try:
        runtime_folder = Path(os.environ["XDG_RUNTIME_DIR"])
        asyncio.run(Panel(sys.argv[1], os.environ["DISPLAY"], runtime_folder).run())
    except (OSError, RuntimeError, DesktopError, ConfigurationError) as error:
        print(f"candidate window: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
