"""Takes screenshots of new desktops: `python -m tests.e2e.take_desktop_screenshots [FOLDER [NAME …]]`.

The default folder is `docs/images`; names such as `office-ipad` limit what is taken. Every image shows a
desktop that was started for it. `--full-size` stores screenshots as they are, to be looked at; otherwise
they are reduced and get a palette. The program ends with an error if anything is cut off or covered.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from PIL import Image

from tests.e2e.desktop_layout import read_layout
from tests.e2e.lightbox import ROOT
from tests.e2e.new_desktops import open_each
from tests.e2e.small_png import save_small
from tests.e2e.viewer import Viewer
from tests.e2e.x_desktop.display import XDisplay

#: The longest side of an image in the documents, px.
IMAGE_PX = 1280


def main() -> int:
    """Returns the exit code: 1 if anything is cut off or covered."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.take_desktop_screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--full-size", action="store_true")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []

    def look(name: str, viewer: Viewer, display: XDisplay) -> None:
        path = folder / f"fits-{name}.png"
        layout = read_layout(viewer, display)
        with Image.open(io.BytesIO(viewer.browser.screenshot())) as image:
            if arguments.full_size:
                image.save(path)
            else:
                save_small(image, path, side_px=IMAGE_PX)
        found = layout.faults()
        faults.extend(found)
        print(path, f"{layout.screen.right}x{layout.screen.bottom}", *found, sep="\n  ", flush=True)

    open_each(look, arguments.names)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
