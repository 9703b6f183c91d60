"""Sample studies for the demonstration: real CT, MR, US and X-ray images of the package `pydicom-data`."""

from __future__ import annotations

import shutil
from pathlib import Path

from display_server.errors import DesktopError

#: Files of the package, by the folder of `Studies` into which they are copied.
STUDIES: dict[str, tuple[str, ...]] = {
    "Chest CR": ("RG1_UNCR.dcm",),
    "Head CT": ("693_UNCR.dcm",),
    "Liver MR": ("MR-SIEMENS-DICOM-WithOverlays.dcm",),
    "Obstetric US": ("OBXXXX1A.dcm",),
    "Shoulder MR": ("MR2_UNCR.dcm",),
}


def copy_studies(home: Path) -> Path:
    """Copies the studies into `home/Studies`, without replacing existing files, and returns that folder.

    Raises DesktopError when the package is not installed, and OSError.
    """
    target = home / "Studies"
    source = source_folder()
    for name, files in STUDIES.items():
        for file in files:
            copy = target / name / file
            if not copy.exists():
                copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(source / file, copy)
    return target


def source_folder() -> Path:
    """Returns the folder of the package's files. Raises DesktopError when the package is not installed."""
    from importlib.util import find_spec

    found = find_spec("data_store")
    if found is None or not found.submodule_search_locations:
        raise DesktopError(
            "The package pydicom-data is not installed.", next_step="Run `pip install pydicom-data`."
        )
    return Path(next(iter(found.submodule_search_locations))) / "data"
