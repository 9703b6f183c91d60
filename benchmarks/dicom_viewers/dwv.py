"""`python -m benchmarks.dicom_viewers.dwv PATH` shows a file or folder with dwv in a full-screen Chromium.

dwv is an npm package: `npm install --prefix benchmarks/dicom_viewers dwv@0.36.4`.
"""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from pathlib import Path

import pydicom

FOLDER = Path(__file__).parent
NPM = FOLDER / "node_modules"
#: Chromium as a viewer of one page, with the pixels of the page unchanged.
CHROMIUM = (
    "chromium",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--kiosk",
)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the page, the npm packages below `/npm/` and the files below `/files/`."""

    files: Path

    def translate_path(self, path: str) -> str:
        name = urllib.parse.unquote(path.split("?", 1)[0]).lstrip("/")
        kind, _, rest = name.partition("/")
        # dwv loads its decoders relative to the page.
        root = {"npm": NPM, "files": self.files, "assets": NPM / "dwv" / "dist" / "assets"}.get(kind)
        found = (root / rest if root is not None else FOLDER / "dwv.html").resolve()
        return str(found)

    def log_message(self, *_arguments: object) -> None:
        """Prints nothing."""


def main() -> int:
    opened = Path(sys.argv[1])
    files = sorted(opened.iterdir()) if opened.is_dir() else [opened]
    header = pydicom.dcmread(files[0], stop_before_pixels=True, force=True)
    Handler.files = files[0].parent
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    query = [("file", f"/files/{file.name}") for file in files]
    query += [("width", str(header.get("Columns", 512))), ("height", str(header.get("Rows", 512)))]
    url = f"http://127.0.0.1:{server.server_address[1]}/?{urllib.parse.urlencode(query)}"
    with tempfile.TemporaryDirectory(prefix="dwv-", dir=os.environ.get("HOME")) as profile:
        return subprocess.run([*CHROMIUM, f"--user-data-dir={profile}", url]).returncode


if __name__ == "__main__":
    raise SystemExit(main())
