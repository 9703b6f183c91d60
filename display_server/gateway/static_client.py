"""The web client's files, which are read into memory and compressed once, at the start.

Requests are answered from memory by exact name, so that a path in a request never reaches the file system.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from display_server.errors import ConfigurationError

INDEX = "index.html"
#: Files below this path have a hash of their content in their name and therefore never change.
ASSETS = "assets/"
#: How the page refers to its files: relative to its own address, which a reverse proxy's prefix may precede.
RELATIVE_TO_PAGE = b'="./'
#: Deepest address for which the page refers to its files, in folders.
DEPTH_MAX = 16
#: Cache-Control of such files: valid for one year.
IMMUTABLE = "public, max-age=31536000, immutable"
#: Largest total size of the web client, bytes. It is less than 2 MB; a larger folder is the wrong one.
CLIENT_MAX_BYTES = 64 * 1024 * 1024
GZIP_LEVEL = 9
#: Smaller files are not compressed, bytes.
GZIP_MIN_BYTES = 512
#: Beginnings of the media types that are compressed.
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "application/wasm", "image/svg+xml")
#: Media types by file extension. The host's own table may lack some of them or be wrong.
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".ico": "image/x-icon",
}

NOT_BUILT_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Lightbox</title>
<h1>The web client is not built</h1>
<p>The Lightbox server is running, but this installation lacks the web client that browsers load.</p>
<p>Administrators: run <code>make setup</code> in the source tree, or set <code>web_client</code> in the
configuration to the folder of a built web client. Then restart Lightbox.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the web client, with its response headers."""

    content: bytes
    gzipped: bytes | None  # None when compression does not help
    media_type: str
    etag: str
    cache_control: str


def is_built(folder: Path) -> bool:
    """Returns whether the folder holds a built web client."""
    return (folder / INDEX).is_file()


def require_built(folder: Path) -> None:
    """Raises ConfigurationError when the folder holds no built web client."""
    if not is_built(folder):
        raise ConfigurationError(
            f"The web client has not been built: {folder / INDEX} is missing.",
            hint="Run `make setup`, or set LIGHTBOX_WEB_CLIENT to the folder of a built web client.",
        )


class StaticClient:
    """The web client of one folder. It is empty when the folder holds no built client."""

    def __init__(self, folder: Path) -> None:
        self._files = _load(folder) if is_built(folder) else {}
        self._pages: dict[int, File] = {}  # by the depth of the address

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def page(self, request: Request) -> Response:
        """Returns the client's only page, which decides by its URL what to show.

        The page refers to its files relative to the request's path, so that it works behind reverse proxies
        that remove a prefix which the gateway does not know.
        """
        if INDEX not in self._files:
            return Response(NOT_BUILT_PAGE, status_code=503, media_type="text/html")
        depth = min(request.scope["path"].count("/") - 1, DEPTH_MAX)
        return self._respond(self._page_at(depth), request)

    def not_found_page(self, request: Request) -> Response:
        """Returns the client's page, which says by its URL that there is nothing, with the status 404."""
        response = self.page(request)
        if response.status_code == 200:
            response.status_code = 404
            del response.headers["etag"]
        return response

    def file(self, path: str, request: Request) -> Response:
        """Returns the file with this name. Raises KeyError when there is none."""
        return self._respond(self._files[path], request)

    def _page_at(self, depth: int) -> File:
        """Returns the page for an address that is `depth` folders below the client's own."""
        if depth not in self._pages:
            above = b'="' + b"../" * depth if depth else RELATIVE_TO_PAGE
            content = self._files[INDEX].content.replace(RELATIVE_TO_PAGE, above)
            self._pages[depth] = _file(INDEX, content)
        return self._pages[depth]

    def _respond(self, file: File, request: Request) -> Response:
        headers = {"cache-control": file.cache_control, "etag": file.etag, "vary": "accept-encoding"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = file.content
        if file.gzipped is not None and _accepts_gzip(request.headers):
            content = file.gzipped
            headers["content-encoding"] = "gzip"
        return Response(content, media_type=file.media_type, headers=headers)


def _accepts_gzip(headers: Headers) -> bool:
    for part in headers.get("accept-encoding", "").split(","):
        coding, _, weight = part.strip().partition(";")
        if coding in {"gzip", "*"} and weight.replace(" ", "") not in {"q=0", "q=0.0"}:
            return True
    return False


def _load(folder: Path) -> dict[str, File]:
    files: dict[str, File] = {}
    total = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        content = path.read_bytes()
        total += len(content)
        if total > CLIENT_MAX_BYTES:
            raise ConfigurationError(
                f"{folder} is not a web client: it holds more than {CLIENT_MAX_BYTES // 2**20} MiB.",
                hint="Set `web_client` to the folder that `make setup` builds, clients/web/dist.",
            )
        files[name] = _file(name, content)
    return files


def _file(name: str, content: bytes) -> File:
    media_type = (
        TYPES.get(PurePosixPath(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    )
    gzipped = None
    if len(content) >= GZIP_MIN_BYTES and media_type.startswith(COMPRESSIBLE):
        packed = gzip.compress(content, GZIP_LEVEL, mtime=0)
        gzipped = packed if len(packed) < len(content) else None
    return File(
        content,
        gzipped,
        media_type,
        f'"{hashlib.sha256(content).hexdigest()[:24]}"',
        IMMUTABLE if name.startswith(ASSETS) else "no-store" if name == INDEX else "no-cache",
    )
