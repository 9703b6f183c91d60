"""`python -m display_server.desktop.input_method ADDRESS` shows the candidates of an ibus.

ADDRESS is ibus's D-Bus address. The process ends when ibus or the X server of $DISPLAY ends.
"""

from __future__ import annotations

import asyncio
import os
import sys

from display_server.desktop.input_method.panel import Panel
from display_server.errors import ConfigurationError, DesktopError


def main() -> int:
    """Returns the exit code: 2 for wrong usage, 1 when ibus or the X server ended or does not answer."""
    if len(sys.argv) != 2 or "DISPLAY" not in os.environ:
        print("usage: DISPLAY=… python -m display_server.desktop.input_method ADDRESS", file=sys.stderr)
        return 2
    try:
        asyncio.run(Panel(sys.argv[1], os.environ["DISPLAY"]).run())
    except (OSError, RuntimeError, DesktopError, ConfigurationError) as error:
        print(f"candidate window: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
