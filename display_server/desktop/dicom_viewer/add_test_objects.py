"""`python -m display_server.desktop.dicom_viewer.add_test_objects FOLDER` adds test objects to studies.

It runs at each start of the desktop, so it imports nothing large unless a study is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

#: The folders of the studies that `phantoms.py` makes.
NAMES = ("Test object TG18-QC", "Test object checkerboard", "Phantom CT, 64 slices")


def main() -> int:
    if len(sys.argv) != 2:
        print(f"usage: python -m {__spec__.name} FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    if all((folder / name).is_dir() for name in NAMES):
        return 0
    try:
        from display_server.desktop.dicom_viewer.phantoms import write_missing

        write_missing(folder)
    except (OSError, ImportError) as error:
        print(f"test objects: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
