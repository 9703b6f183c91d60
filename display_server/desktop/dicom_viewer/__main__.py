"""`python -m display_server.desktop.dicom_viewer [PATH …]` shows DICOM files and folders on $DISPLAY.

Without a path it lists the folder `Studies` of the home. If a viewer already runs on this display, the paths
are opened there. `--new-window` starts another viewer, `--own-scale` begins with one image pixel per screen
pixel.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from display_server.desktop.dicom_viewer.texts import texts_for
from display_server.desktop.dicom_viewer.viewer_window import ViewerWindow, pass_to_running_viewer
from display_server.desktop.input_method import fonts
from display_server.desktop.x11.text_scale import percent_of
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import DesktopError, LightboxError

#: The first size of the window, as a fraction of the screen. A window manager may choose another.
SIZE_FRACTION = 0.8


def main() -> int:
    """Returns the exit code: 1 if the viewer cannot run."""
    parser = argparse.ArgumentParser(
        prog="python -m display_server.desktop.dicom_viewer", description=__doc__
    )
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--new-window", action="store_true", help="start another viewer")
    parser.add_argument("--own-scale", action="store_true", help="begin at 1:1")
    arguments = parser.parse_args()
    try:
        asyncio.run(_run([path.absolute() for path in arguments.paths], arguments))
    except (OSError, LightboxError) as error:
        print(f"DICOM viewer: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(paths: list[Path], arguments: argparse.Namespace) -> None:
    connection = XConnection(os.environ.get("DISPLAY", ""), None, failure=DesktopError)
    if not arguments.new_window and pass_to_running_viewer(connection, paths):
        return
    # Imported only now: a process that passes its files on must not read the DICOM dictionary first.
    from display_server.desktop.dicom_viewer.viewer import DicomViewer

    texts = texts_for()
    screen = connection.screen
    size = round(screen.width_in_pixels * SIZE_FRACTION), round(screen.height_in_pixels * SIZE_FRACTION)
    window = ViewerWindow(connection, texts["title"], *size)
    if not arguments.new_window:
        window.own_selection()
    studies = Path.home() / "Studies"
    folders = [path for path in paths if path.is_dir()]
    if not folders and all(studies in path.parents for path in paths):
        folders = [studies]
    viewer = DicomViewer(window, folders, fonts.installed(), texts, percent_of(connection), size)
    viewer.viewing.own_scale = arguments.own_scale
    if files := [path for path in paths if not path.is_dir()]:
        viewer.open(files)
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(error: BaseException) -> None:
        if not ended.done():
            ended.set_exception(error)

    connection.on_lost = end
    # An event that cannot be handled ends the viewer: a window that does not follow its file would be wrong.
    loop.set_exception_handler(
        lambda _loop, context: end(context.get("exception") or DesktopError(context["message"]))
    )
    connection.watch()
    runs = asyncio.create_task(viewer.run())
    done, _ = await asyncio.wait({runs, ended}, return_when=asyncio.FIRST_COMPLETED)
    for finished in done:
        finished.result()


if __name__ == "__main__":
    raise SystemExit(main())
