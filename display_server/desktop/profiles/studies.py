"""Sample studies for the demonstration, out of the package `pydicom-data`: real CT, MR and X-ray pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

from display_server.errors import DesktopError

#: Folder of the home ← files of the package.
STUDIES: dict[str, tuple[str, ...]] = {
    "Chest CR": ("RG1_UNCR.dcm",),
    "Head CT": ("693_UNCR.dcm",),
    "Liver MR": ("MR-SIEMENS-DICOM-WithOverlays.dcm",),
    "Obstetric US": ("OBXXXX1A.dcm",),
    "Shoulder MR": ("MR2_UNCR.dcm",),
}


def lay_out(home: Path) -> Path:
    """Copies the studies into `home/Studies` unless they are there, and returns it. Raises DesktopError."""
    target = home / "Studies"
    source = source_folder()
    for name, files in STUDIES.items():
        for file in files:
            place = target / name / file
            if not place.exists():
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(source / file, place)
    return target


def source_folder() -> Path:
    """Where the package keeps its files. Raises DesktopError when it is not installed."""
    from importlib.util import find_spec

    found = find_spec("data_store")
    if found is None or not found.submodule_search_locations:
        raise DesktopError("The package pydicom-data is not installed (pip install pydicom-data).")
    return Path(next(iter(found.submodule_search_locations))) / "data"
