"""The library that gives an Xvfb one RandR output per monitor (`native/outputs.c`), and how to preload it."""

from __future__ import annotations

from pathlib import Path

#: Built by `python -m display_server.desktop.x11.build_outputs`. Without it an Xvfb has a single output.
OUTPUTS_LIBRARY = Path(__file__).parent / "native" / "outputs.so"


def outputs_environment(count: int) -> dict[str, str]:
    """Returns the variables that give an Xvfb `count` outputs; none if the library is not built."""
    if not OUTPUTS_LIBRARY.exists():
        return {}
    return {"LD_PRELOAD": str(OUTPUTS_LIBRARY), "LIGHTBOX_OUTPUTS": str(count)}
