"""The SQLite database of a new installation.

Copying it is faster than migrating an empty file in each test.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from display_server.broker.store import Store


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lb")  # removed when the process ends


async def copy_new_database(path: Path) -> None:
    """Writes a database with all tables and without rows to `path`."""
    template = Path(_folder().name) / "lightbox.db"
    if not template.exists():
        await (await Store.open(template)).close()
    shutil.copyfile(template, path)
