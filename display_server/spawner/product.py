"""Where Lightbox itself is installed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def product_folders() -> tuple[Path, ...]:
    """Returns where Lightbox and its Python are, so that containers can have them at the same paths."""
    folders = [Path(sys.prefix), Path(sys.base_prefix)]
    for package in ("display_server", "display_codecs"):
        found = importlib.util.find_spec(package)
        if found is not None and found.submodule_search_locations:
            folders.append(Path(next(iter(found.submodule_search_locations))))
    outer: list[Path] = []
    for folder in sorted({path.resolve() for path in folders}, key=lambda path: len(path.parts)):
        if not any(folder.is_relative_to(other) for other in outer):
            outer.append(folder)
    return tuple(outer)
