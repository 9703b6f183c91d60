"""Counts what is cut off on new desktops: `python -m tests.acceptance.window_layout [NAME …]`.

Every radiology and office desktop is started anew in a browser window of its size, on PC and tablet. What
counts is listed in `tests/e2e/desktop_layout.py`: a window that reaches outside of the work area, a title bar
whose title or buttons are covered or missing, a panel or a badge that is cut off. Names such as `office-ipad`
limit the desktops; the bar is reached only with all of them.
"""

from __future__ import annotations

import argparse

from tests.acceptance.command import exit_with, note, report
from tests.e2e import new_desktops
from tests.e2e.desktop_layout import read_layout
from tests.e2e.viewer import Viewer
from tests.e2e.x_desktop.display import XDisplay


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.window_layout", description=__doc__)
    parser.add_argument("names", nargs="*", help="such as office-ipad")
    wanted: list[str] = parser.parse_args().names
    faults: list[str] = []
    seen: set[str] = set()

    def look(name: str, viewer: Viewer, display: XDisplay) -> None:
        found = read_layout(viewer, display).faults()
        note(f"{name}: {'; '.join(found) or 'nothing is cut off'}")
        faults.extend(found)
        seen.add(name)

    new_desktops.open_each(look, wanted)
    return report("layout-cut-off", len(faults), also=seen == set(new_desktops.names()))


if __name__ == "__main__":
    exit_with(main)
